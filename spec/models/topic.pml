/* topic.pml - publish, claim, take, keep, join and reap on one topic, as spec/protocols.md has them.
 *
 * Two writers of SAMPLES each, a reliable reader that joins at any time and keeps one sample beyond its
 * cursor, and (with BEST_EFFORT) a best-effort reader.  With DEATH the first writer may die between any
 * two steps, and so may the first of two reapers.  Every statement is one step on shared memory;
 * interleavings are sequentially consistent (memory orders are the business of the tests under
 * ThreadSanitizer).
 *
 * Claimed: a reader sees under each number exactly what was published under it, whole, in order and, if
 * reliable, without a gap; a kept sample stays as it is; in the end no slot is owned by the dead.
 *
 * FAULT_* takes a step away; `run` expects each to be found.      SPDX-License-Identifier: Apache-2.0 */
#ifndef SAMPLES
#define SAMPLES 1
#endif
#ifndef SLOTS
#define SLOTS 3
#endif
#define LOG 2
#define FIRST LOG
#define LAST (FIRST + 2 * SAMPLES) /* one behind the last number */
#define ABSENT 200
#define JOINING 201
#define NOBODY 0
#define RELIABLE_BIT 1
#define BEST_BIT 2

/* shared memory */
byte entry_sn[LOG], entry_slot[LOG];
byte next_sn = FIRST, min_cursor = FIRST;
byte owner[SLOTS], sn[SLOTS], mask[SLOTS];
byte left[SLOTS], right[SLOTS]; /* two halves of a payload */
byte cursor = ABSENT;
byte seat_holder = 1;           /* who has writer seat 1: the writer, or a reaper (3, 4), or nobody */

/* what the model knows */
byte truth[LAST + 1]; /* payload published under a number */
bool finished[3], dead, reaper_dead;

inline recompute()
{
    low = next_sn;
    seen = cursor;
    if
#ifndef FAULT_JOIN
    :: seen == JOINING -> low = 0 /* raises nothing */
#endif
    :: seen < low -> low = seen
    :: else
    fi;
    atomic { if :: low > min_cursor -> min_cursor = low :: else fi }
}

/* Slot s becomes ours, or `got` stays false. */
inline claim()
{
    got = false;
    if
    :: owner[s] == NOBODY && mask[s] == 0 && sn[s] < min_cursor -> /* a guess */
        limit = min_cursor;
        atomic { if :: owner[s] == NOBODY -> owner[s] = me; got = true :: else fi };
        if
        :: got ->
            old = sn[s];
            if
#ifndef FAULT_SECOND_LOOK
            :: old >= limit -> owner[s] = NOBODY; got = false
#endif
            :: else ->
#ifndef FAULT_CLEAR
                sn[s] = 0;
#endif
                if
#ifndef FAULT_MASK
                :: mask[s] != 0 ->
                    sn[s] = old;
                    owner[s] = NOBODY;
                    got = false
#endif
                :: else
                fi
            fi
        :: else
        fi
    :: else
    fi
}

inline loan()
{
    s = 0;
    do
    :: claim();
       if
       :: got -> break
       :: !got && s + 1 < SLOTS -> s++
       :: !got && s + 1 == SLOTS -> s = 0; recompute()
       fi
    od
}

inline help(n)
{
    atomic { if :: next_sn == n -> next_sn = n + 1 :: else fi }
}

inline publish()
{
    do
    :: n = next_sn;
       atomic { was_sn = entry_sn[n % LOG]; was_slot = entry_slot[n % LOG] };
       if
       :: was_sn == n -> help(n)
       :: was_sn > n -> skip
       :: was_sn < n ->
           if
#ifndef FAULT_GATE
           :: n >= min_cursor + LOG -> recompute()
#endif
           :: else ->
               sn[s] = n;
               got = false;
               atomic {
                   if
                   :: entry_sn[n % LOG] == was_sn && entry_slot[n % LOG] == was_slot ->
                       entry_sn[n % LOG] = n;
                       entry_slot[n % LOG] = s;
                       truth[n] = value;
                       got = true
                   :: else
                   fi
               };
               if :: got -> break :: else fi
           fi
       fi
    od;
    owner[s] = NOBODY;
    help(n)
}

proctype Writer(byte me)
{
    byte sent, s, n, old, was_sn, was_slot, low, seen, limit, value;
    bool got;
    {
        do
        :: sent == SAMPLES -> break
        :: sent < SAMPLES ->
            loan();
            value = 10 * me + sent;
            left[s] = value;
            right[s] = value;
            publish();
            sent++
        od;
        finished[me] = true
    } unless { me == 1 && dead }
}

#define NO_MORE ((finished[1] || dead) && finished[2])

inline check_sample(slot, number)
{
    assert(left[slot] == truth[number]);
    assert(right[slot] == truth[number])
}

proctype Reliable()
{
    byte at, s, kept = SLOTS, kept_sn;
#ifndef FAULT_JOIN
    cursor = JOINING;
#endif
    at = next_sn;
    cursor = at;
    do
    :: entry_sn[at % LOG] == at ->
        s = entry_slot[at % LOG];
        assert(sn[s] == at);
        check_sample(s, at);
        if
        :: kept == SLOTS ->
            kept = s;
            kept_sn = at;
#ifdef FAULT_KEEP
            cursor = at + 1;
            atomic { mask[s] = mask[s] | RELIABLE_BIT }
#else
            atomic { mask[s] = mask[s] | RELIABLE_BIT };
            cursor = at + 1
#endif
        :: cursor = at + 1
        fi;
        at++
    :: entry_sn[at % LOG] > at -> assert(false) /* overrun */
    :: NO_MORE && entry_sn[at % LOG] < at -> break
    od;
    if
    :: kept < SLOTS -> check_sample(kept, kept_sn); atomic { mask[kept] = mask[kept] & ~RELIABLE_BIT }
    :: else
    fi;
    cursor = ABSENT
}

proctype BestEffort()
{
    byte at = FIRST, s, found;
    do
    :: atomic { found = entry_sn[at % LOG]; s = entry_slot[at % LOG] };
       if
       :: found > at -> at = found
       :: found == at ->
           atomic { mask[s] = mask[s] | BEST_BIT };
#ifndef FAULT_PIN
           if
           :: sn[s] == at -> check_sample(s, at)
           :: else
           fi;
#else
           check_sample(s, at);
#endif
           atomic { mask[s] = mask[s] & ~BEST_BIT };
           at++
       :: found < at -> if :: NO_MORE && entry_sn[at % LOG] < at -> break :: entry_sn[at % LOG] >= at fi
       fi
    od
}

/* Takes writer seat 1 over from the dead, or from a reaper that died, and gives back its slots. */
proctype Reaper(byte me)
{
    byte s, number, in_log, of_slot;
    bool mine;
    {
        s = 0;
    end_alive: /* nobody has died: that is no deadlock */
        dead;
        atomic {
            if
            :: seat_holder == 1 || (seat_holder == 3 && me == 4 && reaper_dead) -> seat_holder = me; mine = true
            :: else
            fi
        };
        do
        :: mine && s < SLOTS ->
            if
            :: owner[s] == 1 ->
                number = sn[s];
#ifdef FAULT_REAP
                sn[s] = 0;
#else
                atomic { in_log = entry_sn[number % LOG]; of_slot = entry_slot[number % LOG] };
                if
                :: number != 0 && in_log <= number && !(in_log == number && of_slot == s) -> sn[s] = 0
                :: else
                fi;
#endif
                owner[s] = NOBODY
            :: else
            fi;
            s++
        :: !mine || s == SLOTS -> break
        od;
        if :: mine -> seat_holder = NOBODY :: else fi
    } unless { me == 3 && reaper_dead }
}

#ifdef DEATH
active proctype Killer() { if :: dead = true :: skip fi }
active proctype ReaperKiller() { if :: reaper_dead = true :: skip fi }
#endif

init
{
    byte i;
    atomic {
        for (i : 0 .. LOG - 1) { entry_sn[i] = i; entry_slot[i] = SLOTS }
        run Writer(1);
        run Writer(2);
        run Reliable();
#ifdef BEST_EFFORT
        run BestEffort();
#endif
#ifdef DEATH
        run Reaper(3);
        run Reaper(4);
#endif
    }
}
