/* topic.pml - the shared memory of a topic, and what writers do with it: allocator/segment/slot.h,
 * allocator/segment/log.h, transport/{gate,claim,publish}.c, discovery/reap.c. For inclusion by the models
 * of topics.
 *
 * Every statement, or atomic block, is one access to shared memory with what is private around it.
 * Interleavings are sequentially consistent. What a model adds to know more than the program
 * (content, dead) changes along with such a step.
 *
 * Processes: writers 1 and 2, readers 3 and 4, reapers 5 and 6.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SAMPLES
#define SAMPLES 1 /* of each writer */
#endif
#ifndef SAMPLES_2
#define SAMPLES_2 SAMPLES /* of the second */
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef SEATS
#define SEATS 1 /* of readers */
#endif
#define LOG 2
#define FIRST LOG
#define LAST (FIRST + SAMPLES + SAMPLES_2) /* one behind the last number */
#define ABSENT 200
#define JOINING 201

/* --- shared memory --------------------------------------------------------------------------- */

byte entry_sn[LOG], entry_slot[LOG]; /* an entry is one word: always read and swapped as one */
byte next_sn = FIRST, min_cursor = FIRST;
byte owner[SLOTS], sn[SLOTS], pins[SLOTS], keeper[SLOTS];
bool unsaid[SLOTS]; /* its sn counts for nothing: EDDY_SLOT_EMPTY */
byte cursor[SEATS], reader_owner[SEATS];
#ifdef JOINS /* else all are looked at, always */
byte reader_groups, topic_lock; /* of one seat each */
bool reader_bit[SEATS];
#endif
byte writer_owner[3];

/* --- what the model knows -------------------------------------------------------------------- */

#define WRITTEN_BY(w) (100 + (w))
byte content[SLOTS]; /* the number whose bytes are in the slot, or who is writing there */
bool in_claim[SLOTS]; /* its sample is being given up, or will be put back */
bool dead[8], finished[3];

#define OVER(w) (finished[w] || dead[w])
#define NO_MORE (OVER(1) && OVER(2))
#define SEAT_BIT(r) (1 << (r))

/* It is being reaped: eddy_seat_is_void. */
#define IS_VOID(r) (reader_owner[r] >= 5)

/* What min_cursor could be raised to, as far as a seat goes. */
#define BOUND(r) (cursor[r] == ABSENT || IS_VOID(r) -> next_sn : (cursor[r] == JOINING -> 0 : cursor[r]))
#if SEATS > 1
#define BELOW_ALL(n) ((n) < BOUND(0) && (n) < BOUND(1))
#else
#define BELOW_ALL(n) ((n) < BOUND(0))
#endif

/* Worth a try now, and to be had if it is tried with a fresh limit. */
#ifdef FAULT_MASK
#define PINNED(s) false
#else
#define PINNED(s) (pins[s] != 0)
#endif
#ifdef FAULT_KEEPER
#define IS_KEPT(s) false
#else
#define IS_KEPT(s) (keeper[s] != 0)
#endif
#define WORTH(s) (owner[s] == 0 && !PINNED(s) && !IS_KEPT(s) && (sn[s] < min_cursor || unsaid[s]))
#define OPEN(s) (owner[s] == 0 && !PINNED(s) && !IS_KEPT(s) && \
                 (sn[s] == 0 || unsaid[s] || BELOW_ALL(sn[s])))

/* --- the gate -------------------------------------------------------------------------------- */

inline recompute() /* eddy_gate_recompute */
{
#ifdef FAULT_CURSORS_FIRST
    low = 255;
#else
    low = next_sn;
#endif
#ifdef JOINS
    high = reader_groups;
#endif
    r = 0;
    do
#ifdef JOINS
    :: r < SEATS && (high & SEAT_BIT(r)) == 0 -> r++
    :: r < SEATS && (high & SEAT_BIT(r)) != 0 ->
       marked = reader_bit[r];
       marked = marked && !IS_VOID(r);
       atomic {
           if
           :: !marked
#else
    :: atomic {
           r < SEATS ->
           if
           :: IS_VOID(r)
#endif
           :: cursor[r] == JOINING ->
#ifndef FAULT_JOINING_IGNORED
               low = 0;
#endif
               skip
           :: cursor[r] < low -> low = cursor[r]
           :: else
           fi;
           r++
       }
    :: else -> break
    od;
#ifdef FAULT_CURSORS_FIRST
    atomic { if :: next_sn < low -> low = next_sn :: else fi };
#endif
    atomic {
        if :: low > min_cursor -> min_cursor = low :: else fi;
        low = 0;
        high = 0;
        marked = false;
        r = 0
    }
}

/* --- claiming -------------------------------------------------------------------------------- */

/* Slot s becomes ours, or `got` is false. */
inline claim() /* eddy_slot_claim */
{
    atomic {
        got = false;
        if
        :: owner[s] == 0 -> owner[s] = me; got = true; marked = unsaid[s]; unsaid[s] = false
        :: else limit = 0
        fi
    };
    if
    :: got ->
        if :: marked -> sn[s] = 0 :: else fi;
        marked = false;
        old = sn[s];
        if
#ifndef FAULT_SECOND_LOOK
        :: old >= limit -> got = false
#endif
        :: old < limit && IS_KEPT(s) -> got = false
        :: else ->
#if !defined(FAULT_CLEAR) && !defined(FAULT_MASK_FIRST)
            atomic { sn[s] = 0; in_claim[s] = true };
#endif
            if
            :: PINNED(s) ->
#ifndef FAULT_PUT_BACK
                sn[s] = old;
#endif
                /* old = 0: its sample went with a claimer who died, and stays away */
                atomic { got = false; in_claim[s] = (old == 0) }
            :: else
            fi
#ifdef FAULT_MASK_FIRST
            ;
            if :: got -> sn[s] = 0 :: else fi
#endif
        fi;
        limit = 0;
        old = 0;
        if
        :: got ->
            d_step { /* from now on it writes there */
                assert(content[s] < 100 || content[s] == WRITTEN_BY(me) || dead[content[s] - 100]);
                content[s] = WRITTEN_BY(me);
                in_claim[s] = false
            }
        :: else -> owner[s] = 0
        fi
    :: else
    fi
}

inline pick_slot()
{
    if
    :: WORTH(0) -> s = 0
    :: WORTH(1) -> s = 1
#if SLOTS > 2
    :: WORTH(2) -> s = 2
#endif
#if SLOTS > 3
    :: WORTH(3) -> s = 3
#endif
    fi
}

#if SLOTS > 3
#define ANY(what) (what(0) || what(1) || what(2) || what(3))
#elif SLOTS > 2
#define ANY(what) (what(0) || what(1) || what(2))
#else
#define ANY(what) (what(0) || what(1))
#endif

/* eddy_writer_claim: looks at slots in any order, recomputes the limit, and waits until there may
 * be one.  That waiting ends is the business of bells.pml. */
inline loan()
{
    do
    :: atomic { ANY(WORTH) -> limit = min_cursor; pick_slot() };
       claim();
       if :: got -> got = false; break :: else -> s = 0 fi
    :: !ANY(WORTH) && ANY(OPEN) -> recompute()
    od
}

/* --- publishing ------------------------------------------------------------------------------ */

inline help(n) /* eddy_log_help */
{
#ifdef FAULT_HELP_BLINDLY
    next_sn = n + 1
#else
    atomic { if :: next_sn == n -> next_sn = n + 1 :: else fi }
#endif
}

inline mend(to) /* eddy_log_mend */
{
    atomic { if :: next_sn < to -> next_sn = to :: else fi }
}

#ifndef HISTORY
inline on_publish()
{
    skip
}
#endif

/* enter_log, with pass_gate: slot s gets the next number, n. */
inline enter_log()
{
    do
    :: n = next_sn;
       atomic { was_sn = entry_sn[n % LOG]; was_slot = entry_slot[n % LOG] };
       if
#ifdef FAULT_NO_HELP
       :: was_sn == n -> next_sn > n
#else
       :: was_sn == n -> help(n)
#endif
       :: was_sn > n -> mend(was_sn + 1)
       :: was_sn < n ->
           if
#ifndef FAULT_GATE
           :: n >= min_cursor + LOG ->
               n - LOG < min_cursor || (n < LOG || BELOW_ALL(n - LOG)) || next_sn != n; /* waits */
               if :: n >= min_cursor + LOG -> recompute() :: else fi
#endif
           :: else ->
               sn[s] = n;
               atomic {
                   if
#ifdef FAULT_SWAP_BLINDLY
                   :: true ->
#else
                   :: entry_sn[n % LOG] == was_sn && entry_slot[n % LOG] == was_slot ->
#endif
                       assert(entry_sn[n % LOG] == n - LOG); /* each number once */
                       assert(entry_sn[(n - 1) % LOG] == n - 1 || n == FIRST); /* no holes */
                       assert(content[s] == WRITTEN_BY(me));
                       entry_sn[n % LOG] = n;
                       entry_slot[n % LOG] = s;
                       content[s] = n;
                       on_publish();
                       got = true
                   :: else
                   fi
               };
               if :: got -> break :: else fi
           fi
       fi
    od;
    got = false;
    was_sn = 0;
    was_slot = 0
}

inline give_up() /* eddy_slot_give_up */
{
    owner[s] = 0
}

inline publish() /* eddy_writer_publish, without a history */
{
#ifdef FAULT_GIVE_UP_FIRST
    give_up();
    enter_log();
#else
    enter_log();
    give_up();
#endif
    help(n);
    n = 0;
    s = 0
}

#define WRITER_LOCALS \
    byte s, n, old, was_sn, was_slot, low, limit, r, high; \
    bool got, marked

/* --- reaping --------------------------------------------------------------------------------- */

#ifdef FAULT_REAPERS_LIVE
#define ORPHANED(who) ((who) != 0 && (who) < 5 && dead[who])
#else
#define ORPHANED(who) ((who) != 0 && dead[who])
#endif

/* eddy_slot_take_back, of a slot of writer seat w; by its reaper alone: dead.pml has the others */
inline resolve()
{
    number = sn[s];
    atomic {
#ifdef FAULT_RESOLVE
        got = true
#else
        got = number != 0 && (entry_sn[number % LOG] < number ||
                              (entry_sn[number % LOG] == number && entry_slot[number % LOG] != s))
#endif
    };
    atomic { owner[s] = 0; unsaid[s] = got; number = 0; got = false }
}

inline release_all(w) /* eddy_slots_release_all */
{
    s = 0;
    do
    :: s < SLOTS ->
        if
        :: owner[s] == w -> resolve()
        :: else
        fi;
#ifdef HISTORY
        if :: keeper[s] == w -> keeper[s] = 0 :: else fi;
#endif
        s++
    :: else -> s = 0; break
    od
}

inline unpin_all(r) /* eddy_slots_unpin_all */
{
    s = 0;
    do
    :: s < SLOTS ->
        if
        :: pins[s] & SEAT_BIT(r) -> atomic { pins[s] = pins[s] & ~SEAT_BIT(r) }
        :: else
        fi;
        s++
    :: else -> s = 0; break
    od
}

inline leave_reader_seat(r) /* eddy_reader_seat_leave */
{
#ifdef FAULT_SEAT_FIRST
    reader_owner[r] = 0;
#endif
    cursor[r] = ABSENT;
    unpin_all(r);
#if defined(JOINS) && !defined(FAULT_BIT_LAST)
    reader_bit[r] = false;
#endif
#ifndef FAULT_SEAT_FIRST
    reader_owner[r] = 0
#endif
#if defined(JOINS) && defined(FAULT_BIT_LAST)
    ;
    reader_bit[r] = false
#endif
}

/* take_over of the seat in word, if it is a dead one's */
inline take_over(word)
{
    atomic {
        got = false;
        if :: ORPHANED(word) -> word = me; got = true :: else fi
    }
#ifdef FAULT_TAKE_BLINDLY
    ;
    if :: word != 0 && (word == me || word == 11 - me) -> got = true :: else fi
#endif
}

#ifdef JOINS
#define IS_MARKED(r) ((reader_groups & SEAT_BIT(r)) != 0 && reader_bit[r])
#else
#define IS_MARKED(r) true
#endif

inline reap_reader(r)
{
    if
    :: IS_MARKED(r) ->
        take_over(reader_owner[r]);
        if :: got -> got = false; leave_reader_seat(r) :: else fi
    :: else
    fi
}

/* eddy_reap_topic */
proctype Reaper(byte me)
{
    byte s, number;
    bool got;
    {
#ifdef READERS_DIE
        reap_reader(0);
#if SEATS > 1
        reap_reader(1);
#endif
#endif
        take_over(writer_owner[1]);
        if :: got -> got = false; release_all(1); writer_owner[1] = 0 :: else fi;
        take_over(writer_owner[2]);
        if :: got -> got = false; release_all(2); writer_owner[2] = 0 :: else fi
    } unless { dead[me] }
}

inline set_up()
{
    s = 0;
    do
    :: s < LOG -> entry_sn[s] = s; entry_slot[s] = SLOTS; s++
    :: else -> break
    od;
    s = 0;
    do
    :: s < SEATS -> cursor[s] = ABSENT; s++
    :: else -> break
    od;
    writer_owner[1] = 1;
    writer_owner[2] = 2;
    s = 0
}

/* Nothing is left behind, and what is whole can be found. */
inline check_end()
{
    s = 0;
    do
    :: s < SLOTS ->
        assert(owner[s] == 0 && pins[s] == 0);
        assert(content[s] == 0 || content[s] >= 100 || in_claim[s] ||
               (sn[s] == content[s] && !unsaid[s]));
        s++
    :: else -> break
    od
}
