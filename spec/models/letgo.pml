/* letgo.pml - letting go of a reliable reader that may be anywhere in a take: transport/topic/let_go.c,
 * take_reliable of transport/topic/take.c.
 *
 * One writer, one reader, one or two who let go of it, of whom one may die at any step. The reader's
 * cursor has a store buffer: others may see an older one (`cursor`) than it has stored (`stored`), unless
 * the store is SC or a fence of all threads came in between; WIDE: there is no such fence.
 *
 * Claimed: what the reader uses or keeps stays as it was published; no entry is newer than what it
 * looks for unless it is let go of; nobody but the reader holds the writer up once it is let go of.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SAMPLES
#define SAMPLES 4
#endif
#ifndef KICKS
#define KICKS 1
#endif
#define LOG 2
#ifndef SLOTS
#define SLOTS 2
#endif
#define FIRST 2
#define LAST (FIRST + SAMPLES)
#define JOINING 1
#define BEGUN 1
#define READY 2
#define DONE 3
#define WORD(state, value) ((state) * 64 + (value))
#define STATE(word) ((word) / 64)
#define UNTIL(word) ((word) % 64)

byte entry_sn[LOG], entry_slot[LOG];
byte sn[SLOTS], content[SLOTS]; /* 0: being written */
bool pin[SLOTS];
byte next_sn = FIRST, min_cursor = FIRST, cursor = FIRST, stored = FIRST;
byte let_go, epoch, count;
bool all_out, killed;

/* What the reader stored last, or what others know of it. */
inline read_cursor(c)
{
    atomic {
        if
        :: cursor = stored
        :: cursor != stored -> skip
        fi;
        c = cursor
    }
}

/* --- the writer ------------------------------------------------------------------------------- */

inline recompute() /* eddy_gate_recompute */
{
    low = next_sn;
    read_cursor(c);
    atomic {
        if
        :: STATE(let_go) == DONE -> skip
        :: STATE(let_go) != DONE && c == JOINING -> low = 0
        :: STATE(let_go) != DONE && c != JOINING && c < low -> low = c
        :: else
        fi;
        c = 0
    };
    atomic {
        if :: low > min_cursor -> min_cursor = low :: else fi;
        low = 0
    }
}

#ifdef FAULT_NOT_SPARED
#define IS_SPARED(s) false
#else
#define IS_SPARED(s) (sn[s] >= from && sn[s] < to)
#endif
#define MAY_GO(s) (sn[s] < limit && !pin[s] && !IS_SPARED(s))

inline look_what_is_spared() /* eddy_limit_make, eddy_spared_look */
{
    atomic {
        looks = (epoch != seen);
        seen = epoch
    };
    if
    :: looks ->
        atomic {
            looks = false;
            from = 0;
            to = (STATE(let_go) >= READY -> UNTIL(let_go) : 0)
        };
        if :: to > 0 -> read_cursor(from) :: else fi
    :: else
    fi
}

inline claim() /* eddy_slot_claim */
{
    do
    :: limit = min_cursor;
       look_what_is_spared();
       atomic {
           s = SLOTS;
           if
           :: MAY_GO(0) -> s = 0
           :: MAY_GO(1) -> s = 1
#if SLOTS > 2
           :: MAY_GO(2) -> s = 2
#endif
           :: else
           fi
       };
       if
       :: s == SLOTS -> recompute()
       :: else ->
           atomic { old = sn[s]; sn[s] = 0 };
           if
           :: atomic { pin[s] -> sn[s] = old; old = 0 }
           :: atomic { else -> content[s] = 0; old = 0; limit = 0 }; break
           fi
       fi
    od
}

active proctype Writer()
{
    byte s, n, old, low, c, limit, from, to, seen;
    bool looks;
    do
    :: next_sn < LAST ->
        claim();
        n = next_sn;
        do
        :: n >= min_cursor + LOG -> recompute()
        :: else -> break
        od;
        atomic { sn[s] = n; entry_sn[n % LOG] = n; entry_slot[n % LOG] = s; content[s] = n };
        atomic { next_sn = n + 1; n = 0; s = 0 }
    :: else -> break
    od;
    all_out = true
}

/* --- the reader -------------------------------------------------------------------------------- */

inline come_back() /* eddy_reader_come_back */
{
#ifdef FAULT_READ_FIRST
    n = next_sn;
#endif
    atomic { stored = JOINING; cursor = JOINING };
    let_go = 0;
#ifndef FAULT_READ_FIRST
    n = next_sn;
#endif
    atomic { at = (n > at -> n : at); stored = at; cursor = at };
    epoch++
}

#define NONE 255

active proctype Reader()
{
    byte at = FIRST, n, e, s, kept = NONE, kept_sn;
    bool go;
    do
    :: entry_sn[at % LOG] >= at || let_go != 0 || (all_out && at == LAST) ->
        if
        :: all_out && at == LAST -> break
        :: else
        fi;
#ifdef FAULT_WORD_FIRST
        go = (let_go != 0);
#endif
        atomic { e = entry_sn[at % LOG]; s = entry_slot[at % LOG] };
#if !defined(FAULT_WORD_FIRST) && !defined(FAULT_NO_LOOK)
        go = (let_go != 0);
#endif
        if
        :: go -> go = false; come_back()
        :: !go && e < at -> skip
        :: !go && e >= at ->
            assert(e == at);
            if
            :: kept == NONE -> /* and keeps it, when it takes the next */
                pin[s] = true;
                atomic { assert(sn[s] == at); kept = s; kept_sn = at }
            :: true ->
                assert(content[s] == at) /* and is done */
            fi;
            atomic { at++; stored = at }
        fi;
        atomic { e = 0; s = 0; n = 0 }
    :: atomic { kept != NONE -> assert(content[kept] == kept_sn); pin[kept] = false; kept = NONE; kept_sn = 0 }
    od
}

/* --- who lets go ------------------------------------------------------------------------------- */

proctype Kicker(bool may_die)
{
    byte word, end_, c, until;
    {
        atomic {
            epoch++;
#ifndef FAULT_COUNT
            count++;
#endif
            if
            :: let_go == 0 -> let_go = WORD(BEGUN, count)
            :: else
            fi;
            word = let_go
        };
        if
        :: STATE(word) == BEGUN ->
            end_ = next_sn;
            atomic {
                if :: entry_sn[end_ % LOG] == end_ -> end_++ :: else fi
            };
#if !defined(WIDE) && !defined(FAULT_NO_FENCE)
            atomic { cursor = stored }; /* eddy_fence_all */
#endif
            read_cursor(c);
#if defined(WIDE)
            until = (end_ > c + 1 -> end_ : c + 1);
#else
            until = c + 1;
#endif
            atomic {
                if
                :: let_go == word -> let_go = WORD(READY, until); word = let_go
                :: else -> word = 0
                fi
            }
        :: else
        fi;
        if
        :: STATE(word) == READY ->
#if !defined(FAULT_NO_EPOCH) && !defined(FAULT_EPOCH_LAST)
            epoch++;
#endif
            atomic {
                if :: let_go == word -> let_go = WORD(DONE, UNTIL(word)) :: else fi
            }
#ifdef FAULT_EPOCH_LAST
            ;
            epoch++
#endif
        :: else
        fi
    } unless { may_die && killed }
}

init
{
    byte kicks = KICKS;
    atomic {
        run Kicker(true);
        do
        :: kicks > 1 -> run Kicker(false); kicks--
        :: else -> break
        od
    };
#ifdef DEATH
    if
    :: killed = true
    :: skip
    fi
#endif
}
