/* publish.pml - two or three writers and helping, on a log of 2 entries.
 *
 * Each writer has a slot for each of its samples, so nothing is used again here but log entries:
 * the reader's cursor alone protects them. Any writer may die; nobody has to notice.
 *
 * Claimed: each number is one sample; no number is left out; each sample of a writer that lived
 * gets one; next_sn neither falls nor passes what is not published; a writer is held up by nobody
 * but the reader, however long another sleeps or if it dies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WRITERS
#define WRITERS 2
#endif
#define SLOTS (WRITERS * SAMPLES)
#ifndef SAMPLES
#define SAMPLES 2
#endif
#include "topic.pml"
#undef LAST
#define LAST (FIRST + SLOTS)

byte low_mark = FIRST; /* the highest that next_sn ever was */
byte lost;             /* samples of those who died before the swap */

proctype Writer(byte me)
{
    WRITER_LOCALS;
    byte sent;
    {
        do
        :: sent < SAMPLES ->
            s = (me - 1) * SAMPLES + sent;
            content[s] = WRITTEN_BY(me);
            enter_log();
            help(n);
            n = 0;
            sent++
        :: else -> break
        od
    } unless { dead[me] }
}

/* take_reliable and move_cursor; joined before all */
proctype Reader()
{
    byte at = FIRST;
end_no_more:
    do
    :: atomic {
           entry_sn[at % LOG] >= at ->
           assert(entry_sn[at % LOG] == at); /* not overrun */
           assert(content[entry_slot[at % LOG]] == at)
       };
       at++;
       cursor[0] = at
    od
}

/* What anybody may do at any time; eddy_log_end */
proctype Watcher()
{
    byte n;
    do
    :: n = next_sn;
       atomic {
           assert(n >= low_mark);
           assert(n == FIRST || entry_sn[(n - 1) % LOG] >= n - 1);
           low_mark = n
       }
    end_enough:
       n != next_sn
    od
}

proctype Killer()
{
    if
    :: dead[1] = true
    :: dead[2] = true
    :: skip
    fi
}

init
{
    byte s;
    atomic {
        set_up();
        cursor[0] = FIRST;
        run Writer(1);
        run Writer(2);
#if WRITERS > 2
        run Writer(3);
#endif
        run Reader();
        run Watcher();
#ifdef DEATH
        run Killer()
#endif
    }
}
