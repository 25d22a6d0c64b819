/* join.pml - joining and leaving against the lowest cursor that writers keep in mind.
 *
 * Two reliable readers join at any time, take what comes, and leave at any time, while two writers
 * recompute the lowest cursor, use slots again, and overwrite the log. SEATS=1: the readers have
 * the same seat, one after the other. SEATS=2: each has one. A seat has a bit, in a group of its
 * own, and writers look at those seats alone; who opens has the topic's lock, and who closes tries
 * to get it to clear the bits of empty groups.
 *
 * Claimed: what a reader begins with and all that follows is there until it has released it, whole
 * and in order; a joiner that stops or dies half way loses nobody else's samples and holds nobody
 * up once it is reaped; in the end no slot is owned and no seat is taken.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SEATS
#define SEATS 1
#endif
#define READERS_DIE
#define JOINS
#include "topic.pml"

proctype Writer(byte me; byte to_send)
{
    WRITER_LOCALS;
    {
        do
        :: to_send > 0 -> loan(); publish(); to_send--
        :: else -> break
        od;
        writer_owner[me] = 0;
        finished[me] = true
    } unless { dead[me] }
}

#define LOCK_IS_FREE (topic_lock == 0 || dead[topic_lock])

inline unlock()
{
    atomic { if :: topic_lock == me -> topic_lock = 0 :: else fi } /* else it is dead */
}

inline tidy(r) /* tidy_groups, transport/topic/topic.c */
{
    if
    :: (reader_groups & SEAT_BIT(r)) != 0 && !reader_bit[r] ->
        reader_groups = reader_groups & ~SEAT_BIT(r)
    :: else
    fi
}

inline tidy_groups()
{
    tidy(0);
#if SEATS > 1
    tidy(1)
#endif
}

inline mark(r)
{
    reader_groups = reader_groups | SEAT_BIT(r);
    reader_bit[r] = true
}

inline pass_seat(r)
{
#ifndef FAULT_NO_PASS
    if :: !reader_bit[r] -> mark(r) :: else fi
#else
    skip
#endif
}

#if SEATS > 1
#define ONE_IS_FREE (reader_owner[0] == 0 || reader_owner[1] == 0)
#else
#define ONE_IS_FREE (reader_owner[0] == 0)
#endif

/* take_seat, enter_seat, transport/topic/topic.c */
inline take_seat()
{
    atomic { LOCK_IS_FREE && ONE_IS_FREE -> topic_lock = me };
    tidy_groups();
    atomic { if :: reader_owner[0] == 0 -> reader_owner[0] = me; seat = 0 :: else -> seat = 1 fi };
#if SEATS > 1
    if
    :: seat == 1 ->
        pass_seat(0);
        atomic { reader_owner[1] == 0 -> reader_owner[1] = me }
    :: else
    fi;
#endif
#ifndef FAULT_BIT_LATE
    mark(seat);
#endif
    unlock()
}

/* eddy_topic_close */
inline leave()
{
    leave_reader_seat(seat);
#ifndef FAULT_TIDY_UNLOCKED
    atomic { if :: LOCK_IS_FREE -> topic_lock = me; locked = true :: else fi };
#else
    locked = true;
#endif
    if
    :: locked -> tidy_groups(); unlock(); locked = false
    :: else
    fi
}

inline join() /* transport/topic/reader.c */
{
#ifdef FAULT_READ_FIRST
    at = next_sn;
    cursor[seat] = JOINING;
#else
#ifndef FAULT_NO_MARK
    cursor[seat] = JOINING;
#endif
    at = next_sn;
#endif
    cursor[seat] = at;
#ifdef FAULT_BIT_LATE
    mark(seat)
#endif
}

proctype Reader(byte me)
{
    byte seat, at, s;
    bool locked;
    {
        take_seat();
        join();
        do
        :: atomic {
               entry_sn[at % LOG] >= at ->
               assert(entry_sn[at % LOG] == at); /* not overrun */
               s = entry_slot[at % LOG]
           };
           assert(content[s] == at);
           atomic { at++; cursor[seat] = at; s = 0 }
        :: break /* has seen enough */
        od;
        leave()
    } unless { dead[me] }
}

proctype Killer()
{
    if
    :: atomic { dead[1] = true; run Reaper(5) }
    :: atomic { dead[3] = true; run Reaper(5) }
    :: skip
    fi
}

init
{
    byte s;
    atomic {
        set_up();
        run Writer(1, SAMPLES);
#if SAMPLES_2 > 0
        run Writer(2, SAMPLES_2);
#else
        writer_owner[2] = 0;
        finished[2] = true;
#endif
        run Reader(3);
#if READERS > 1
        run Reader(4);
#endif
#ifdef DEATH
        run Killer();
#endif
    }
    _nr_pr == 1;
    /* The next who comes by has what the dead left between two steps looked at. */
    if :: reader_owner[0] != 0 -> pass_seat(0) :: else fi;
#if SEATS > 1
    if :: reader_owner[1] != 0 -> pass_seat(1) :: else fi;
#endif
    run Reaper(6);
    _nr_pr == 1;
    check_end();
    assert(reader_owner[0] == 0 && cursor[0] == ABSENT)
}
