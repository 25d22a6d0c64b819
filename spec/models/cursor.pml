/* cursor.pml - slots and log entries used again, against reliable readers with cursors.
 *
 * READERS have joined before all and leave after the last sample. Each may keep one sample beyond
 * its cursor, for as long as it likes.
 *
 * Claimed: each reader takes each number once, in order, without a gap; a sample stays as it was
 * published until it is released, kept or not; writers wait for room and for nothing else; in the
 * end no slot is owned or pinned.
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

#define NONE 255

/* take_reliable, pin_under_cursor, eddy_reader_release */
proctype Reader(byte me; byte seat)
{
    byte at = FIRST, s, kept = NONE, kept_sn;
    {
        do
        :: atomic {
               entry_sn[at % LOG] >= at ->
               assert(entry_sn[at % LOG] == at); /* not overrun */
               s = entry_slot[at % LOG]
           };
           at++;
           if
           :: kept == NONE -> /* takes the next while it holds this one */
#ifdef FAULT_CURSOR_THEN_PIN
               cursor[seat] = at;
#endif
               atomic { pins[s] = pins[s] | SEAT_BIT(seat) };
               assert(sn[s] == at - 1);
               atomic { kept = s; kept_sn = at - 1 };
#ifndef FAULT_CURSOR_THEN_PIN
               cursor[seat] = at
#endif
           :: true -> /* releases it */
#ifdef FAULT_CURSOR_EARLY
               cursor[seat] = at;
#endif
               assert(content[s] == at - 1);
#ifndef FAULT_CURSOR_EARLY
               cursor[seat] = at
#endif
           fi;
           s = 0
        :: kept != NONE ->
            assert(content[kept] == kept_sn);
            atomic { pins[kept] = pins[kept] & ~SEAT_BIT(seat); kept = NONE; kept_sn = 0 }
        :: NO_MORE && entry_sn[at % LOG] < at && kept == NONE -> break
        od;
        assert(at == LAST || dead[1] || dead[2]);
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
        cursor[0] = FIRST;
        reader_owner[0] = 3;
        run Writer(1, SAMPLES);
#if SAMPLES_2 > 0
        run Writer(2, SAMPLES_2);
#else
        writer_owner[2] = 0;
        finished[2] = true;
#endif
        run Reader(3, 0);
#if SEATS > 1
        cursor[1] = FIRST;
        reader_owner[1] = 4;
        run Reader(4, 1);
#endif
#ifdef DEATH
        run Killer();
#endif
    }
    _nr_pr == 1;
    check_end()
}
