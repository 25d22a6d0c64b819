/* bell.pml - a bell: allocator/wait/futex.h.
 *
 * The kernel's futex_wait compares and queues in one step, and FUTEX_WAKE_OP changes the word and
 * wakes in one step: it holds the queue's lock for both. Who sleeps may sleep for good; models say
 * themselves when that is wrong.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BELLS
#define BELLS 1
#endif
#define ASLEEP(me) (1 << (me))

byte bell[BELLS];     /* the words: odd while somebody may sleep; ringing makes it another one */
byte sleepers[BELLS]; /* the kernel's queues */

inline bell_arm(b, seen) /* eddy_bell_arm */
{
#ifdef FAULT_ONE_BIT
    atomic { bell[b] = 1; seen = 1 }
#else
    atomic { bell[b] = bell[b] | 1; seen = bell[b] }
#endif
}

inline bell_wait(b, me, seen) /* eddy_bell_wait */
{
    atomic { if :: bell[b] == seen -> sleepers[b] = sleepers[b] | ASLEEP(me) :: else fi };
end_asleep:
    atomic { (sleepers[b] & ASLEEP(me)) == 0 -> seen = 0 }
}

inline bell_ring(b) /* eddy_bell_ring */
{
    if
    :: bell[b] & 1 ->
#if defined(FAULT_RING_IN_TWO)
        bell[b]++; /* a waker that dies here leaves its sleepers to nobody */
        sleepers[b] = 0
#elif defined(FAULT_ONE_BIT)
        atomic { bell[b] = 0; sleepers[b] = 0 }
#else
        atomic { bell[b]++; sleepers[b] = 0 }
#endif
    :: else
    fi
}
