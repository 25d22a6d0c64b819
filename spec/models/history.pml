/* history.pml - samples that writers keep for late readers, against use of their slots:
 * transport/topic/past.c, keep_history of transport/topic/publish.c.
 *
 * Writer 1 keeps its last sample (a history of 1) for late readers; writer 2, if it sends, has
 * none and only takes slots. A reader comes at any time, joins, gathers what is kept, and then
 * takes what follows.
 *
 * Claimed: what it gathered stays as it was published until it is released; it gets at most one
 * sample of the writer, from before its time, and none of that writer's is missing between that
 * one and the first that follows; unless it was replaced meanwhile, it gets it; in the end no slot
 * is owned, pinned or kept by the dead or the gone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define HISTORY
#define READERS_DIE
#define SEATS 1
#ifndef SAMPLES_2
#define SAMPLES_2 0
#endif
#ifndef SLOTS
#define SLOTS 3
#endif
byte count_of[SLOTS]; /* in the slot's words: which of writer 1's samples; 0: not its */
byte newest; /* the last number of writer 1's */
byte log_count[10]; /* what the model knows: which of writer 1's samples a number is; 0: not its */
inline on_publish()
{
    log_count[n] = count_of[s];
    newest = (me == 1 -> n : newest)
}
#include "topic.pml"


proctype Writer(byte me; byte to_send)
{
    WRITER_LOCALS;
    byte kept = SLOTS, sent;
    {
        do
        :: sent < to_send ->
            loan();
            atomic { sent++; count_of[s] = (me == 1 -> sent : 0) }; /* describe */
#ifdef FAULT_KEEP_FIRST
            if :: me == 1 -> keeper[s] = me :: else fi;
#endif
            enter_log();
            help(n);
            if
            :: me == 1 -> /* keep_history */
#ifdef FAULT_LET_GO_FIRST
                if :: kept < SLOTS -> keeper[kept] = 0 :: else fi;
                keeper[s] = me;
#else
#ifndef FAULT_KEEP_FIRST
                keeper[s] = me;
#endif
                if :: kept < SLOTS -> keeper[kept] = 0 :: else fi;
#endif
                kept = s
            :: else
            fi;
            give_up();
            n = 0;
            s = 0
        :: else -> break
        od;
        finished[me] = true
    } unless { dead[me] }
}

#define NONE 255

/* is_history: kept, or of a writer with a history and confirmed by the log; and the writer lives */
#define IN_LOG(slot, number) \
    (entry_sn[(number) % LOG] == (number) && entry_slot[(number) % LOG] == slot)
#ifdef FAULT_UNKEPT
#define KEPT(slot, number) (count_of[slot] != 0)
#else
#define KEPT(slot, number) \
    (keeper[slot] != 0 || (count_of[slot] != 0 && IN_LOG(slot, number)))
#endif
#define WRITER_LIVES (writer_owner[1] == 1 && !dead[1])
#define IS_HISTORY(slot, number) \
    ((number) != 0 && (number) < until && KEPT(slot, number) && WRITER_LIVES)

/* is_doubtful: nobody can tell any more whether the writer published it */
#ifdef FAULT_STOPPED_FOR_A_LAP
#define IS_DOUBTFUL(slot, number) false
#else
#define IS_DOUBTFUL(slot, number) \
    ((number) != 0 && (number) < until && count_of[slot] != 0 && owner[slot] == 1 && \
     entry_sn[(number) % LOG] > (number) && WRITER_LIVES)
#endif

inline unpin(slot)
{
    atomic { pins[slot] = pins[slot] & ~SEAT_BIT(0) }
}

/* add, and choose_of_kind: by number, and no more than one */
inline found()
{
    if
    :: past == NONE -> past = s; past_sn = number
    :: past != NONE && past_sn < number -> unpin(past); past = s; past_sn = number
    :: else -> unpin(s)
    fi
}

/* eddy_reader_open with a history of 1, then one live sample of the writer */
proctype Reader(byte me)
{
    byte until, s, number, past = NONE, past_sn, end, next, doubt;
    bool fits;
    {
        cursor[0] = JOINING;
        until = next_sn;
        cursor[0] = until;
        do /* gather_slot, of each slot */
        :: s < SLOTS ->
            number = sn[s];
#ifdef FAULT_DOUBT_FIRST
            if
            :: IS_DOUBTFUL(s, number) -> doubt = (number > doubt -> number : doubt); number = 0
            :: else
            fi;
#endif
            if
            :: number == 0 || number >= until || count_of[s] == 0 -> skip
            :: else ->
#ifdef FAULT_LOOK_THEN_PIN
                fits = sn[s] == number;
                atomic { pins[s] = pins[s] | SEAT_BIT(0) };
#else
                atomic { pins[s] = pins[s] | SEAT_BIT(0) };
                fits = sn[s] == number;
#endif
                if
                :: !fits -> unpin(s)
                :: fits && IS_HISTORY(s, number) -> found()
                :: else ->
                    /* In the log, then in doubt, then kept: it can have gone on meanwhile. */
#ifdef FAULT_DOUBT_FIRST
                    unpin(s)
#else
                    if
                    :: IS_DOUBTFUL(s, number) ->
                        doubt = (number > doubt -> number : doubt);
                        unpin(s)
                    :: else -> if :: IS_HISTORY(s, number) -> found() :: else -> unpin(s) fi
                    fi
#endif
                fi
            fi;
            atomic { s++; number = 0; fits = false }
        :: else -> atomic { s = 0; break }
        od;
#ifndef FAULT_LIVED_ONCE
        if /* else it may have lived while we looked at one of its samples only */
        :: past != NONE && !WRITER_LIVES -> unpin(past); past = NONE; past_sn = 0
        :: else
        fi;
#endif
        if /* what is older than a doubtful one may have a gap behind it */
        :: past != NONE && past_sn < doubt -> unpin(past); past = NONE; past_sn = 0
        :: else
        fi;
        /* the last is there, unless it was replaced, or is in doubt */
        assert(past != NONE || newest == 0 || newest >= until || dead[1] || doubt != 0);
        doubt = 0;
        if
        :: past != NONE -> /* has_successor, first_since */
#ifndef FAULT_NO_SUCCESSOR
            end = next_sn;
            next = until;
            do
            :: next < end && log_count[next] == 0 -> next++
            :: else -> break
            od;
            if
            :: next < end && log_count[next] != count_of[past] + 1 ->
                unpin(past);
                past = NONE;
                past_sn = 0
            :: else
            fi;
            next = 0;
            end = 0
#endif
        :: else
        fi;
        if
        :: past != NONE ->
            atomic {
                assert(content[past] == past_sn && past_sn < until);
                next = until;
                do /* nothing of the writer's is missing between it and what follows */
                :: next > past_sn + 1 -> next--; assert(log_count[next] == 0)
                :: else -> break
                od;
                next = 0
            };
            unpin(past)
        :: else
        fi;
        leave_reader_seat(0)
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
        reader_owner[0] = 3;
        run Writer(1, SAMPLES);
#if SAMPLES_2 > 0
        run Writer(2, SAMPLES_2);
#else
        finished[2] = true;
#endif
        run Reader(3);
#ifdef DEATH
        run Killer();
#endif
    }
    _nr_pr == 1;
    check_end();
    s = 0;
    do
    :: s < SLOTS -> assert(keeper[s] == 0 || !dead[1] || writer_owner[1] == 1); s++
    :: else -> break
    od;
    assert(!dead[1] || writer_owner[1] == 0)
}
