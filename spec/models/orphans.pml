/* orphans.pml - samples whose writer is killed before it has woken who sleeps for them:
 * allocator/wait/orphans.[ch].
 *
 * Readers 3 and 7 sleep on the topic's bell, wait set 6 on its own. Writer 1, and 4 if it sends,
 * publish a sample each; KILLS processes are killed at any step. Nobody reaps and nobody looks by
 * a clock: what a dead writer left undone, the kernel alone sets going.
 *
 * The kernel: futex_waitv compares and queues one word after the other, takes itself out of the
 * queues in the same order, and names the last word that woke it. The last that is compared is what
 * a reader looks at, the entry of the log; nobody is woken by it. A process that is killed stands
 * in its queues until it has taken itself out of them; then the kernel looks at what is pending in
 * its robust list, and wakes one that waits on `word`, whichever.
 *
 * Claimed: when everybody has done what he will do, no reader that lives sleeps while its sample is
 * there; nor does the wait set, unless somebody was killed when nobody at all was asleep: it looks
 * at many topics, whose entries are not compared.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLS
#define KILLS 1
#endif
#ifndef READERS
#define READERS 2
#endif
#ifndef SAMPLES_4
#define SAMPLES_4 0
#endif
#define ALL (1 + SAMPLES_4)
#define BELLS 2
#define TOPIC 0 /* readers_bell */
#define OWN 1   /* the wait set's */
#include "bell.pml"

bool dead[8];
bool pending[8]; /* in the thread's robust list: on `word` */
byte on_tolls, on_word; /* the kernel's queues for these two words; bell.pml has the others */
byte tolls;
byte published; /* stands for the log */
byte next[8];   /* what each sleeper waits for */
bool news, sleeping; /* the wait set's bits */
bool unheard; /* one was killed when nobody at all waited on `word` */

/* --- the kernel -------------------------------------------------------------------------------- */

inline wake_one() /* of those that wait on `word`, when a process has ended */
{
    atomic {
        if
        :: !pending[me] -> skip
        :: pending[me] && (on_word & ASLEEP(3)) -> on_word = on_word & ~ASLEEP(3)
        :: pending[me] && (on_word & ASLEEP(6)) -> on_word = on_word & ~ASLEEP(6)
        :: pending[me] && (on_word & ASLEEP(7)) -> on_word = on_word & ~ASLEEP(7)
        :: pending[me] && on_word == 0 -> unheard = true
        fi;
        pending[me] = false
    }
}

inline leave_queues(b)
{
    atomic { sleepers[b] = sleepers[b] & ~ASLEEP(me) };
    atomic { on_tolls = on_tolls & ~ASLEEP(me) };
    atomic { on_word = on_word & ~ASLEEP(me) }
}

#ifdef FAULT_NO_ENTRY /* as it was once */
#define ENTRY_IS(was) true
#else
#define ENTRY_IS(was) (published == was)
#endif

inline queue_on_word()
{
    if
    :: asleep -> atomic { on_word = on_word | ASLEEP(me); queued = true }
    :: else
    fi
}

inline compare_entry(was)
{
    if
    :: asleep -> asleep = ENTRY_IS(was)
    :: else
    fi
}

/* futex_waitv on the bell, `tolls`, `word` and what was `published`.  by_word: that is what it says
 * has woken us. */
inline waitv(b, was)
{
    atomic {
        asleep = (bell[b] == seen);
        if :: asleep -> sleepers[b] = sleepers[b] | ASLEEP(me) :: else fi
    };
    if
    :: asleep ->
        atomic {
            asleep = (tolls == heard);
            if :: asleep -> on_tolls = on_tolls | ASLEEP(me) :: else fi
        }
    :: else
    fi;
#ifdef FAULT_ENTRY_FIRST
    compare_entry(was);
    queue_on_word();
#else
    queue_on_word();
    compare_entry(was);
#endif
    if
    :: asleep ->
end_asleep:
        !(sleepers[b] & ASLEEP(me)) || !(on_tolls & ASLEEP(me)) || !(on_word & ASLEEP(me))
    :: else
    fi;
#ifdef FAULT_FIRST_OF_ALL /* it names the first that woke us, not the last */
    by_word = queued && (sleepers[b] & ASLEEP(me)) && (on_tolls & ASLEEP(me)) && !(on_word & ASLEEP(me));
    leave_queues(b);
#else
    atomic { sleepers[b] = sleepers[b] & ~ASLEEP(me) };
    atomic { on_tolls = on_tolls & ~ASLEEP(me) };
    atomic {
        by_word = queued && !(on_word & ASLEEP(me));
        on_word = on_word & ~ASLEEP(me)
    };
#endif
    atomic { asleep = false; queued = false; seen = 0 }
}

/* --- sleeping ---------------------------------------------------------------------------------- */

inline toll()
{
#ifdef FAULT_TOLL_LAST
    on_tolls = 0;
    tolls++
#else
    tolls++;
#ifdef FAULT_TOLL_ONE
    atomic {
        if
        :: on_tolls & ASLEEP(3) -> on_tolls = on_tolls & ~ASLEEP(3)
        :: on_tolls & ASLEEP(6) -> on_tolls = on_tolls & ~ASLEEP(6)
        :: on_tolls & ASLEEP(7) -> on_tolls = on_tolls & ~ASLEEP(7)
        :: on_tolls == 0 -> skip
        fi
    }
#else
    on_tolls = 0
#endif
#endif
}

inline orphans_wait(b, was) /* eddy_orphans_wait */
{
#ifndef FAULT_NOT_PENDING
    pending[me] = true;
#endif
    waitv(b, was);
#ifdef FAULT_DONE_FIRST
    pending[me] = false;
#endif
#ifndef FAULT_NO_TOLL
    if :: by_word -> toll() :: else fi;
#endif
    atomic { by_word = false; pending[me] = false }
}

/* eddy_reader_wait, for one number after the other */
proctype Reader(byte me)
{
    byte seen, heard;
    bool asleep, queued, by_word;
    next[me] = 1;
    {
        do
        :: next[me] <= ALL ->
            heard = tolls;
            bell_arm(TOPIC, seen);
            if
            :: published >= next[me] -> next[me]++
            :: else -> orphans_wait(TOPIC, next[me] - 1)
            fi;
            atomic { heard = 0; seen = 0 }
        :: else -> break
        od
    } unless { dead[me] };
    next[me] = ALL + 1;
    leave_queues(TOPIC);
    wake_one()
}

/* eddy_waitset_wait: `known` are the tolls that it has looked at all topics for, `listed` that it is
 * to look at this one. */
proctype Waitset(byte me)
{
    byte seen, heard, known;
    bool asleep, queued, by_word, listed;
    next[me] = 1;
    {
        do
        :: next[me] <= ALL ->
            heard = tolls;
            bell_arm(OWN, seen);
            sleeping = true;
#ifndef FAULT_NEWS_ONLY
            atomic { listed = listed || known != tolls; known = tolls }; /* hear_tolls */
#endif
            atomic { listed = listed || news; news = false }; /* hear_news */
            if
            :: listed && published >= next[me] -> next[me]++
            :: else ->
                listed = false;
#ifdef FAULT_LOOK_FIRST
                heard = tolls;
#endif
                orphans_wait(OWN, published)
            fi;
            sleeping = false;
            atomic { heard = 0; seen = 0 }
        :: else -> break
        od
    } unless { dead[me] };
    next[me] = ALL + 1;
    leave_queues(OWN);
    wake_one()
}

/* --- writers ----------------------------------------------------------------------------------- */

inline wake_topic() /* eddy_wake_topic */
{
    bell_ring(TOPIC);
    if :: !news -> news = true :: else fi;
    if :: sleeping -> bell_ring(OWN) :: else fi
}

proctype Writer(byte me)
{
    {
#ifndef FAULT_BEGIN_LATE
        pending[me] = true;
#endif
        published++; /* eddy_log_publish */
#ifdef FAULT_BEGIN_LATE
        pending[me] = true;
#endif
#ifdef FAULT_END_EARLY
        pending[me] = false;
#endif
        wake_topic();
        pending[me] = false
    } unless { dead[me] };
    wake_one()
}

proctype Killer()
{
    byte kills = KILLS;
    do
    :: kills > 0 && !dead[1] -> dead[1] = true; kills--
    :: kills > 0 && !dead[3] -> dead[3] = true; kills--
    :: kills > 0 && !dead[6] -> dead[6] = true; kills--
    :: break
    od
}

#define OVERSLEPT(who) \
    (!dead[who] && (on_word & ASLEEP(who)) && next[who] > 0 && published >= next[who])

proctype Judge()
{
    timeout;
    assert(!OVERSLEPT(3) && !OVERSLEPT(7) && (!OVERSLEPT(6) || unheard))
}

init
{
    atomic {
        run Judge();
        run Reader(3);
#if READERS > 1
        run Reader(7);
#endif
#ifndef NO_WAITSET
        run Waitset(6);
#endif
        run Writer(1);
#if SAMPLES_4 > 0
        run Writer(4);
#endif
        run Killer()
    }
}
