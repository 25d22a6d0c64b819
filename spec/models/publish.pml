/* publish.pml - two or three writers and helping, on a log of 2 entries.
 *
 * Each writer has a slot for each of its samples, so nothing is used again here but log entries:
 * the reader's cursor alone protects them. Any writer may die; nobody has to notice.
 *
 * With GROUPS each writer publishes its samples as a group (eddy_writer_publish_many): in runs, under one
 * look at the gate, with next_sn moved once.
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

#ifdef GROUPS
#define ITS_SLOT (me - 1) * SAMPLES + sent

/* number_next: slot s gets number `end`, or `got` is false. */
inline number_next()
{
    atomic { was_sn = entry_sn[end % LOG]; was_slot = entry_slot[end % LOG] };
    if
#ifndef FAULT_GROUP_ENTRY
    :: was_sn >= end -> skip /* another has it */
#endif
    :: else ->
        sn[s] = end;
        atomic {
            if
            :: entry_sn[end % LOG] == was_sn && entry_slot[end % LOG] == was_slot ->
                assert(entry_sn[end % LOG] == end - LOG); /* each number once */
                assert(entry_sn[(end - 1) % LOG] == end - 1); /* no holes */
                entry_sn[end % LOG] = end;
                entry_slot[end % LOG] = s;
                content[s] = end;
                got = true
            :: else
            fi
        }
    fi;
    was_sn = 0;
    was_slot = 0
}

inline help_to() /* eddy_log_help_to */
{
#ifdef FAULT_GROUP_HELP
    next_sn = end;
#else
    do
    :: n < end ->
       atomic { if :: next_sn == n -> next_sn = end; n = end :: else -> n = next_sn fi }
    :: else -> break
    od;
#endif
    n = 0;
    end = 0;
    gate = 0
}

/* publish_run: one at least; sent is behind them. */
inline publish_run()
{
    s = ITS_SLOT;
    content[s] = WRITTEN_BY(me);
    enter_log();
    sent++;
    end = n + 1;
#ifdef FAULT_GROUP_GATE
    gate = 255;
#else
    gate = min_cursor + LOG;
#endif
    do
    :: sent < SAMPLES && end < gate ->
       s = ITS_SLOT;
       content[s] = WRITTEN_BY(me);
       number_next();
       if :: got -> got = false; end++; sent++ :: else -> break fi
    :: else -> break
    od;
    help_to()
}
#endif

proctype Writer(byte me)
{
    WRITER_LOCALS;
    byte sent;
#ifdef GROUPS
    byte end, gate;
#endif
    {
        do
        :: sent < SAMPLES ->
#ifdef GROUPS
            publish_run()
#else
            s = (me - 1) * SAMPLES + sent;
            content[s] = WRITTEN_BY(me);
            enter_log();
            help(n);
            n = 0;
            sent++
#endif
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
