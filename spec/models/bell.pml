/* bell.pml - a bell: allocator/futex.h.
 *
 * The kernel's futex_wait compares and queues in one step, and FUTEX_WAKE_OP changes the word and wakes in one step: it holds
 * the queue's lock for both.  Who sleeps may sleep for good; models say themselves when that is wrong.
 *                                     SPDX-License-Identifier: Apache-2.0 */
#define ASLEEP(me) (1 << (me))

byte bell;     /* the word: odd while somebody may sleep; each ringing makes it another one */
byte sleepers; /* the kernel's queue */

inline bell_arm(seen) /* eddy_bell_arm */
{
#ifdef FAULT_ONE_BIT
    atomic { bell = 1; seen = 1 }
#else
    atomic { bell = bell | 1; seen = bell }
#endif
}

inline bell_wait(me, seen) /* eddy_bell_wait */
{
    atomic { if :: bell == seen -> sleepers = sleepers | ASLEEP(me) :: else fi };
end_asleep:
    atomic { (sleepers & ASLEEP(me)) == 0 -> seen = 0 }
}

inline bell_ring() /* eddy_bell_ring */
{
    if
    :: bell & 1 ->
#if defined(FAULT_RING_IN_TWO)
        bell++; /* a waker that dies here leaves its sleepers to nobody */
        sleepers = 0
#elif defined(FAULT_ONE_BIT)
        atomic { bell = 0; sleepers = 0 }
#else
        atomic { bell++; sleepers = 0 }
#endif
    :: else
    fi
}
