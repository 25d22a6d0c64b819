/* bells.pml - sleep against wake on one bell.
 *
 * READERS sleep on one bell until sample 1 is there, then 2, to the last. The samples come from
 * two writers, each of which publishes, looks at the bell, and rings it. A writer that dies in
 * between is reaped, by one of two reapers of which the first may die as well: the reaper rings
 * and then gives the seat up, after which nobody would come to it again.
 *
 * Claimed: when everybody has done what he will do, nobody sleeps whose sample is there (no lost
 * wake-up).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef READERS
#define READERS 2
#endif
#ifndef FIRST_SENDS
#define FIRST_SENDS 1
#endif
#define ALL (FIRST_SENDS + 1)
#include "bell.pml"

bool dead[8];   /* who has died: the kernel has dropped its lock */
byte published; /* stands for the log */
byte next[8];   /* what each reader waits for */
byte seat = 1;  /* the mortal writer's: its own (1), a reaper's (2 or 5), or free */

proctype Writer(byte me; byte to_send)
{
    {
        do
        :: to_send > 0 ->
#ifdef FAULT_RING_FIRST
            bell_ring(0);
            published++;
#else
            published++; /* eddy_log_publish */
#ifndef FAULT_NO_RING
            bell_ring(0); /* eddy_wake_topic */
#endif
#endif
            to_send--
        :: else -> break
        od;
        if :: me == 1 -> seat = 0 :: else fi
    } unless { dead[me] }
}

/* eddy_reader_wait, for one number after the other */
proctype Reader(byte me)
{
    byte seen;
    bool there;
    next[me] = 1;
    {
        do
        :: next[me] <= ALL ->
#ifdef FAULT_LOOK_FIRST
            there = published >= next[me];
            bell_arm(0, seen);
            if
            :: there -> next[me]++; there = false
#else
            bell_arm(0, seen);
            if
#ifndef FAULT_NO_LOOK
            :: published >= next[me] -> next[me]++
#endif
#endif
            :: else -> bell_wait(0, me, seen)
            fi
        :: else -> break
        od
    } unless { dead[me] };
    next[me] = ALL + 1
}

/* visit_seat of discovery/reap.c, for the seat of a dead writer, or of a dead reaper of it */
proctype Reaper(byte me)
{
    bool mine;
    {
        atomic { /* take_over */
            if :: seat != 0 && dead[seat] -> seat = me; mine = true :: else fi
        };
        if
        :: mine ->
#ifdef FAULT_GIVE_UP_FIRST
            seat = 0;
            bell_ring(0)
#else
            bell_ring(0);
            seat = 0
#endif
        :: else
        fi
    } unless { dead[me] }
}

/* Whoever comes by later reaps. */
proctype Killer()
{
    if
    :: atomic { dead[1] = true -> run Reaper(2) };
       if
       :: atomic { dead[2] = true -> run Reaper(5) }
       :: skip
       fi
    :: dead[3] = true
    :: skip
    fi
}

#define OVERSLEPT(who) (!dead[who] && (sleepers[0] & ASLEEP(who)) && published >= next[who])

proctype Judge()
{
    timeout;
    assert(!OVERSLEPT(3) && !OVERSLEPT(6) && !OVERSLEPT(7))
}

init
{
    atomic {
        run Judge();
        run Reader(3);
#if READERS > 1
        run Reader(6);
#endif
#if READERS > 2
        run Reader(7);
#endif
        run Writer(1, FIRST_SENDS);
        run Writer(4, 1);
#ifdef DEATH
        run Killer()
#endif
    }
}
