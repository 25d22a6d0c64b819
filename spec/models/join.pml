/* join.pml - joining and leaving against the lowest cursor that writers keep in mind.
 *
 * Two reliable readers join at any time, take what comes, and leave at any time, while two writers
 * recompute the lowest cursor, use slots again, and overwrite the log. SEATS=1: the readers have
 * the same seat, one after the other. SEATS=2: the second seat is above reader_high at first.
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

inline raise_high(to)
{
    atomic { if :: reader_high < to -> reader_high = to :: else fi }
}

/* take_seat, transport/topic.c */
inline take_seat()
{
    do
    :: atomic { reader_owner[0] == 0 -> reader_owner[0] = me; seat = 0; break }
#if SEATS > 1
    :: atomic {
           reader_owner[0] != 0 && reader_owner[1] == 0 ->
           reader_owner[1] = me;
           seat = 1;
           break
       }
#endif
    od;
#ifndef FAULT_HIGH_LATE
    raise_high(seat + 1)
#endif
}

inline join() /* transport/reader.c */
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
#ifdef FAULT_HIGH_LATE
    raise_high(seat + 1)
#endif
}

proctype Reader(byte me)
{
    byte seat, at, s;
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
        leave_reader_seat(seat)
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
        reader_high = 1;
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
    check_end();
    assert(reader_owner[0] == 0 && cursor[0] == ABSENT)
}
