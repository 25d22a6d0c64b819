/* longer.pml - a log that is made longer while others publish and read.
 *
 * Logs of 2, 4 and 8 entries.  Writers and helpers; one reader that is behind, whose cursor is the gate
 * and who goes from number to number; somebody who jumps, to a number that next_sn has passed; two who
 * make the log longer, each of whom may die between any two steps, or stand still for as long as you
 * like.  Each number has a sample of its own, so slots are not used again here.
 *
 * Claimed: no number twice and none left out; next_sn never passes what is not published; the reader
 * gets each number, with its sample; nobody looks for a published number where it never was; after a
 * death at any step the living go on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef SAMPLES
#define SAMPLES 2
#endif
#ifndef GROWERS
#define GROWERS 1
#endif
#ifndef BEFORE
#define BEFORE 2 /* published before all begins; the reader has taken none of it */
#endif
#define FIRST  8 /* the longest log */
#define LAST   (FIRST + BEFORE + WRITERS * SAMPLES)
#define LOGS   3
#define PLACE(k, sn) ((k) * 8 + (sn) % (2 << (k)))
#define LENGTH(k) (2 << (k))
#define MARK   100 /* an entry's number: a mark, and that log comes next */
#define IS_MARK(sn) ((sn) >= MARK)

byte entry_sn[LOGS * 8];
byte entry_sample[LOGS * 8];
byte next_sn = FIRST;
byte in_use;     /* log_shift */
byte cursor = FIRST;
byte done[LAST]; /* the sample that was published under a number; they count from 1 */
bool dead[8];

inline help(sn)
{
    atomic {
        if
        :: next_sn == sn ->
            next_sn = sn + 1;
            assert(done[sn] != 0)
        :: else -> skip
        fi
    }
}

/* G4 to G6, from a mark that was met in log k */
inline finish(k)
{
#ifdef FAULT_LOG_THEN_END
    if
    :: in_use != k -> goto finished
    :: else -> skip
    fi;
    end = next_sn;
#else
    end = next_sn;
    if
    :: in_use != k -> goto finished
    :: else -> skip
    fi;
#endif
    mark = entry_sn[PLACE(k, end)];
    assert(IS_MARK(mark)); /* S is where the mark was put */
    to = mark - MARK;
#ifdef FAULT_MOVE_FIRST
    atomic { if :: in_use == k -> in_use = to :: else -> skip fi };
#endif
    sn = (end - LENGTH(k) > FIRST -> end - LENGTH(k) : FIRST);
    do
    :: sn < end ->
        atomic { /* one step, as the first log is at rest */
            e = entry_sn[PLACE(k, sn)];
            if
#ifdef FAULT_COPY_BLINDLY
            :: e == sn || (IS_MARK(e) && sn == end - LENGTH(k)) ->
#else
            :: (e == sn || (IS_MARK(e) && sn == end - LENGTH(k))) &&
                    entry_sn[PLACE(to, sn)] == 0 ->
#endif
                entry_sn[PLACE(to, sn)] = sn;
                entry_sample[PLACE(to, sn)] = entry_sample[PLACE(k, sn)]
            :: else -> skip
            fi;
            sn++;
            e = 0
        }
    :: else -> break
    od;
    atomic { if :: in_use == k -> in_use = to :: else -> skip fi };
finished:
    atomic { end = 0; mark = 0; to = 0; sn = 0; e = 0 }
}

/* enter_log */
proctype Writer(byte me)
{
    byte n, k, e, end, mark, to, sn, sent;
    do
    :: sent < SAMPLES ->
#ifdef FAULT_LOG_FIRST
        k = in_use;
        n = next_sn;
#else
        n = next_sn;
        k = in_use;
#endif
        e = entry_sn[PLACE(k, n)];
        if
        :: IS_MARK(e) ->
#ifdef FAULT_HELP_BLINDLY
            help(n)
#elif defined(FAULT_NO_FINISH)
            in_use != k
#else
            finish(k)
#endif
        :: !IS_MARK(e) && e == n -> help(n)
        :: !IS_MARK(e) && e > n -> skip /* stale */
        :: e < n ->
            if
            :: n >= cursor + LENGTH(k) -> /* waits, and looks again; nobody is ever late for good */
                (n < cursor + LENGTH(k) || in_use != k || next_sn != n ||
                 IS_MARK(entry_sn[PLACE(k, n)]))
            :: else ->
                atomic {
                    if
                    :: entry_sn[PLACE(k, n)] == e ->
                        assert(done[n] == 0); /* no number twice */
                        entry_sn[PLACE(k, n)] = n;
                        sent++;
                        entry_sample[PLACE(k, n)] = BEFORE + (me - 1) * SAMPLES + sent;
                        done[n] = entry_sample[PLACE(k, n)]
                    :: else -> goto again
                    fi
                };
                help(n)
            fi
        fi;
again:
        atomic { n = 0; k = 0; e = 0 }
    :: else -> break
    od
}

/* take_reliable: in the log that it knows, until it comes to a mark */
proctype Reader()
{
    byte k, e, s, end, mark, to, sn;
    do
    :: cursor < LAST ->
        atomic { e = entry_sn[PLACE(k, cursor)]; s = entry_sample[PLACE(k, cursor)] };
        if
        :: IS_MARK(e) ->
#ifdef FAULT_NO_FINISH
            in_use != k;
#endif
            if
            :: in_use != k -> k = in_use
            :: else -> finish(k)
            fi
        :: !IS_MARK(e) && e == cursor ->
            atomic { assert(s == done[cursor]); cursor++; e = 0; s = 0 }
        :: !IS_MARK(e) && e > cursor -> assert(false) /* overrun */
        :: e < cursor -> /* nothing yet: sleeps until there is something in this place */
            s = 0;
end_asleep:
            atomic { entry_sn[PLACE(k, cursor)] != e -> e = 0 }
        fi
    :: else -> break
    od
}

/* try_next, find_end: to a number within its depth of 2, the length of the first log */
proctype Jumper()
{
    byte k, e, n, end, mark, to, sn, want;
#ifdef FAULT_JUMP_BLINDLY
    k = in_use;
    n = next_sn;
#else
    n = next_sn;
    k = in_use;
#endif
    if
    :: n > FIRST + 1 -> want = n - 2
    :: n > FIRST -> want = n - 1
    :: else -> want = n
    fi;
    do
    :: want < n ->
        atomic {
            e = entry_sn[PLACE(k, want)];
            /* it was published, and is not looked for in vain, unless it is too far behind by now */
            assert(e >= want || want + 2 < next_sn)
        };
        if
        :: IS_MARK(e) ->
            if
            :: in_use != k -> k = in_use
            :: else -> finish(k)
            fi
        :: else -> break
        fi
    :: else -> break
    od
}

proctype Grower(byte me; byte wanted)
{
    byte n, k, e, end, mark, to, sn;
    {
        do
        :: n = next_sn;
            k = in_use;
            if
            :: k >= wanted -> break
            :: else -> skip
            fi;
            e = entry_sn[PLACE(k, n)];
            if
            :: IS_MARK(e) -> finish(k)
            :: !IS_MARK(e) && e == n -> help(n)
            :: !IS_MARK(e) && e > n -> skip
            :: e < n ->
                atomic {
                    if
#ifdef FAULT_MARK_BLINDLY
                    :: true ->
#else
                    :: entry_sn[PLACE(k, n)] == e ->
#endif
                        entry_sn[PLACE(k, n)] = MARK + wanted;
#ifdef FAULT_NO_SLOT
                        entry_sample[PLACE(k, n)] = 0
#endif
#ifndef FAULT_MARK_BLINDLY
                    :: else -> goto lost
#endif
                    fi
                };
lost:
                atomic { n = 0; e = 0 } /* who has put the mark comes to it now */
            fi
        od
    } unless { dead[me] }
}

proctype Killer()
{
    if
    :: dead[0] = true
    :: dead[1] = true
    :: skip
    fi
}

/* When all who live have ended or sleep, all is published and taken. */
active proctype Judge()
{
    timeout;
    assert(next_sn == LAST && cursor == LAST)
}

init
{
    byte i;
    atomic {
        do
        :: i < BEFORE ->
            entry_sn[PLACE(0, FIRST + i)] = FIRST + i;
            entry_sample[PLACE(0, FIRST + i)] = i + 1;
            done[FIRST + i] = i + 1;
            next_sn++;
            i++
        :: else -> break
        od;
        run Writer(1);
#if WRITERS > 1
        run Writer(2);
#endif
        run Reader();
#ifdef JUMPER
        run Jumper();
#endif
        run Grower(0, 1);
#if GROWERS > 1
        run Grower(1, 2);
#endif
#ifdef DEATH
        run Killer()
#endif
    }
}
