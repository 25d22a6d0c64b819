/* claim.pml - claim against pin: writers that use slots again, and best-effort readers.
 *
 * No reader has a cursor, so everything published may be claimed but for what is pinned.
 *
 * Claimed: what a reader holds stays as it was published under that number; nobody writes where
 * another does; a sample that is whole can be found; in the end no slot is owned or pinned.
 *
 * SPDX-License-Identifier: Apache-2.0 */
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

/* try_next, eddy_reader_pin and eddy_reader_release, from the first number on */
proctype Reader(byte me; byte seat)
{
    byte at = FIRST, s, found;
    {
        do
        :: atomic {
               entry_sn[at % LOG] >= at ->
               found = entry_sn[at % LOG];
               s = entry_slot[at % LOG]
           };
           if
           :: found > at -> at = found
           :: else ->
#ifdef FAULT_LOOK_THEN_PIN
               if
               :: sn[s] == at ->
                   atomic { pins[s] = pins[s] | SEAT_BIT(seat) };
#else
               atomic { pins[s] = pins[s] | SEAT_BIT(seat) };
               if
#ifdef FAULT_PIN
               :: true ->
#else
               :: sn[s] == at ->
#endif
#endif
                   skip; /* as long as it likes */
                   assert(content[s] == at)
               :: else
               fi;
               atomic { pins[s] = pins[s] & ~SEAT_BIT(seat) };
               at++
           fi;
           found = 0;
           s = 0
        :: NO_MORE && entry_sn[at % LOG] < at -> break
        od;
        reader_owner[seat] = 0
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
        run Writer(2, SAMPLES_2);
        reader_owner[0] = 3;
        run Reader(3, 0);
#if SEATS > 1
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
