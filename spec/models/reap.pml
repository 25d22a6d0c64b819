/* reap.pml - taking back what the dead held, by two reapers at once, or by one that may die as
 * well so that another takes over from it, while others go on and take the seats that come free:
 * discovery/reap.c, allocator/segment/slot.c.
 *
 * Writer 1 and reader 3 may die (VICTIM). Reader 4 joins with the seat of reader 3, once it is
 * free; writer 2 goes on publishing.
 *
 * Claimed: who lives loses nothing (his pins, cursor and slots stay his); what was published
 * stays, what was not is free; in the end no slot is owned or pinned and no seat is taken.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef VICTIM
#define VICTIM 1
#endif
#define READERS_DIE
#define SEATS 1
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

#define NONE 255

/* Takes what there is, and keeps the first until it leaves. */
proctype Reader(byte me; byte at)
{
    byte s, kept = NONE, kept_sn;
    {
        if
        :: at == 0 ->
            atomic { reader_owner[0] == 0 -> reader_owner[0] = me };
            cursor[0] = JOINING;
            at = next_sn;
            cursor[0] = at
        :: else
        fi;
        do
        :: atomic {
               entry_sn[at % LOG] >= at ->
               assert(entry_sn[at % LOG] == at); /* not overrun */
               s = entry_slot[at % LOG]
           };
           at++;
           assert(sn[s] == at - 1 && content[s] == at - 1);
           if
           :: kept == NONE ->
               atomic { pins[s] = pins[s] | SEAT_BIT(0); kept = s; kept_sn = at - 1 }
           :: else
           fi;
           atomic { cursor[0] = at; s = 0 }
        :: NO_MORE && entry_sn[at % LOG] < at -> break
        od;
        if
        :: kept != NONE ->
            assert(content[kept] == kept_sn && (pins[kept] & SEAT_BIT(0)));
            kept = NONE
        :: else
        fi;
        leave_reader_seat(0)
    } unless { dead[me] }
}

proctype Killer()
{
#ifdef TWO_REAPERS
    atomic { dead[VICTIM] = true; run Reaper(5); run Reaper(6) };
#else
    atomic { dead[VICTIM] = true; run Reaper(5) };
#endif
#ifdef REAPER_DIES
    if
    :: atomic { dead[5] = true; run Reaper(7) } /* whoever comes by later */
    :: skip
    fi
#else
    skip
#endif
}

init
{
    byte s;
    atomic {
        set_up();
        cursor[0] = FIRST;
        reader_owner[0] = 3;
        run Writer(1, SAMPLES);
#if SAMPLES_2 > 0
        run Writer(2, SAMPLES_2);
#else
        writer_owner[2] = 0;
        finished[2] = true;
#endif
        run Reader(3, FIRST);
#if VICTIM == 3
        run Reader(4, 0);
#endif
        run Killer()
    }
    _nr_pr == 1;
    check_end();
    assert(writer_owner[1] == 0 && writer_owner[2] == 0);
    assert(reader_owner[0] == 0 && cursor[0] == ABSENT)
}
