/* ringwait.pml - how a ring's sides wait for each other, and how its stream ends:
 * transport/ring/{wait,peer,open,crash}.c.
 *
 * A ring of one slot. A producer publishes up to CHUNKS and then finishes, reports a crash, or
 * leaves without a word; a consumer takes and releases. Either may die, once, between any two
 * steps, and then another one attaches or does not. Each side sleeps on its bell; a thread of it
 * waits in the kernel for the life lock of the other side, whose epoch it saw.
 *
 * Claimed: when everybody has done what he will do, nobody sleeps whose chunk or room is there,
 * whose stream has ended, or whose other side has gone; who is told of the end has taken every
 * chunk before; who is told that the other side has gone could not go on without it.
 *
 * One exception: the very first of a role, if it dies after it stored its epoch and before it
 * rang, counts as not having come for those who slept then (until they look again).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CHUNKS
#define CHUNKS 2
#endif
#define BELLS 2
#define PRODUCER 0
#define CONSUMER 1
#define PEER(role) (1 - (role))
#include "bell.pml" /* bell[role] is what the role sleeps on */

mtype:state = { RUNNING, REPORTING, CRASHED, FINISHED }

/* shared memory */
byte write, read;
mtype:state state = RUNNING;
byte epoch[2];
/* the kernel's: the epoch whose life lock is held, or 0; dropped with the process */
byte life[2];
/* each side's own */
byte watched[2], gone[2];
/* what the model knows */
bool kill[2];     /* dies now */
byte announced[2];
byte lives[2];    /* how many of a role there were */

#define ENDED(me) (life[me] != mine) /* this process has died */

/* watch, transport/ring/peer.c */
proctype Watch(byte me; byte mine; byte which)
{
end_nobody_went:
    {
        life[PEER(me)] != which;
#ifdef FAULT_RING_THEN_GONE
        bell_ring(me);
        gone[me] = which
#else
        gone[me] = which;
        bell_ring(me)
#endif
#ifdef FAULT_NO_STOP
    } unless { ENDED(me) }
#else
    } unless { ENDED(me) || watched[me] != which } /* stop, for the next epoch */
#endif
}

inline peer_watch(me) /* eddy_ring_peer_watch */
{
    seen_epoch = epoch[PEER(me)];
    if
#ifdef FAULT_WATCH_ONCE
    :: seen_epoch != 0 && watched[me] == 0 ->
#else
    :: seen_epoch != 0 && watched[me] != seen_epoch ->
#endif
        atomic {
            if
            :: life[PEER(me)] == seen_epoch -> run Watch(me, mine, seen_epoch)
            :: else -> gone[me] = seen_epoch
            fi;
            watched[me] = seen_epoch
        }
    :: else
    fi;
    seen_epoch = 0
}

inline enter_seat(me) /* with the locks held */
{
    epoch[me] = mine;
#ifndef FAULT_NO_ENTRY_BELL
    bell_ring(0);
    bell_ring(1);
#endif
    announced[me] = mine
}

inline look_gone(me) /* eddy_ring_peer_gone */
{
    atomic { is_gone = epoch[PEER(me)] != 0 && gone[me] == epoch[PEER(me)] }
}

inline leave(me) /* also what the kernel does when it dies */
{
    atomic { life[me] = 0; watched[me] = 0; gone[me] = 0; sleepers[me] = 0 }
}

proctype Producer(byte mine)
{
    byte seen, seen_epoch;
    bool is_gone;
    {
        enter_seat(PRODUCER);
        do
        :: write < CHUNKS ->
            if
            :: write - read < 1 -> skip
            :: else -> /* eddy_ring_wait, look_for_room */
                bell_arm(PRODUCER, seen);
                peer_watch(PRODUCER);
#ifdef FAULT_LOOK_THEN_GONE
                if
                :: write - read < 1 -> skip
                :: else ->
                    look_gone(PRODUCER);
                    if
                    :: is_gone -> assert(write - read == 1); break
                    :: else -> bell_wait(PRODUCER, PRODUCER, seen)
                    fi
                fi;
#else
                look_gone(PRODUCER);
                if
                :: write - read < 1 -> skip
                :: else ->
                    if
                    :: is_gone -> break /* EDDY_EPEERGONE */
                    :: else -> bell_wait(PRODUCER, PRODUCER, seen)
                    fi
                fi;
#endif
                atomic { is_gone = false; seen = 0 }
            fi;
            if
            :: write - read < 1 ->
                write++;
#ifndef FAULT_NO_DATA_BELL
                bell_ring(CONSUMER)
#endif
            :: else
            fi
        :: break /* has no more to say */
        od;
        if
        :: state = FINISHED; bell_ring(CONSUMER)
        :: state = REPORTING;
#ifdef FAULT_CRASH_BELL_FIRST
           bell_ring(CONSUMER);
           state = CRASHED
#else
           state = CRASHED;
           bell_ring(CONSUMER)
#endif
        :: skip
        fi;
        if
        :: leave(PRODUCER)
        :: true -> /* stays, and says no more */
        end_stays:
            false
        fi
    } unless {
        atomic {
            kill[PRODUCER] && life[PRODUCER] == mine -> kill[PRODUCER] = false;
            leave(PRODUCER)
        }
    }
}

/* What to tell a consumer that finds no chunk: end_of */
inline look_state()
{
    atomic {
        told = state;
        if
#ifdef FAULT_REPORTING_IS_THE_END
        :: told == REPORTING -> told = CRASHED
#endif
#ifdef FAULT_GONE_ONCE
        :: told == REPORTING -> told = (is_gone -> CRASHED : 0)
#endif
        :: told == RUNNING -> told = 0
        :: else
        fi
    }
}

inline end_of()
{
#ifdef FAULT_STATE_FIRST
    look_state();
    look_gone(CONSUMER);
#else
    look_gone(CONSUMER);
    look_state();
#endif
    if
    :: told == REPORTING -> /* whoever reports: is that one gone? */
        look_gone(CONSUMER);
        atomic { told = (is_gone -> CRASHED : 0); over = is_gone }
    :: else -> over = told != 0 || is_gone
    fi
}

/* after the one that was told to have gone */
#define ANOTHER_CAME (lives[PRODUCER] > gone[CONSUMER] && gone[CONSUMER] != 0)

proctype Consumer(byte mine)
{
    byte seen, seen_epoch;
    bool is_gone, over;
    mtype:state told; /* 0 and over: EDDY_EPEERGONE */
    {
        enter_seat(CONSUMER);
        do
        :: read < write -> /* takes and releases */
            read++;
#ifndef FAULT_NO_ROOM_BELL
            bell_ring(PRODUCER)
#endif
        :: else -> /* eddy_ring_wait, look_for_chunk */
            bell_arm(CONSUMER, seen);
            peer_watch(CONSUMER);
#ifdef FAULT_CHUNK_THEN_END
            if
            :: read < write -> skip
            :: else ->
                end_of();
                if
                :: over -> break
                :: else -> bell_wait(CONSUMER, CONSUMER, seen)
                fi
            fi;
#else
            end_of();
            if
            :: read < write -> skip
            :: else ->
                if
                :: over -> break
                :: else -> bell_wait(CONSUMER, CONSUMER, seen)
                fi
            fi;
#endif
            atomic { is_gone = false; over = false; told = 0; seen = 0 }
        od;
        atomic {
            assert(read == write || ANOTHER_CAME); /* it has all */
            if
            :: told == 0 -> assert(gone[CONSUMER] != 0 && (state == RUNNING || ANOTHER_CAME))
            :: told == CRASHED ->
                assert(state == CRASHED || (state == REPORTING && life[PRODUCER] == 0))
            :: told == FINISHED -> assert(state == FINISHED)
            fi
        };
        leave(CONSUMER)
    } unless {
        atomic {
            kill[CONSUMER] && life[CONSUMER] == mine -> kill[CONSUMER] = false;
            leave(CONSUMER)
        }
    }
}

/* One of a role comes, the first or after the last has gone. */
proctype Comes(byte me; byte times)
{
end_not_yet:
    do
    :: atomic {
            times > 0 && life[me] == 0 && (me == CONSUMER || state == RUNNING) ->
            times--;
            lives[me]++;
            life[me] = lives[me];
            if
            :: me == PRODUCER -> run Producer(lives[me])
            :: else -> run Consumer(lives[me])
            fi
        }
    :: break
    od
}

proctype Killer()
{
    if
    :: atomic { life[PRODUCER] != 0 -> kill[PRODUCER] = true }
    :: atomic { life[CONSUMER] != 0 -> kill[CONSUMER] = true }
    :: skip
    fi
}

#define WENT(who) (epoch[who] != 0 && life[who] == 0 && announced[who] == epoch[who])
#define OVER (state == FINISHED || state == CRASHED)

proctype Judge()
{
    timeout;
    assert(!(sleepers[CONSUMER] && (read < write || OVER || WENT(PRODUCER))));
    assert(!(sleepers[PRODUCER] && (write - read < 1 || WENT(CONSUMER))))
}

init
{
    atomic {
        run Judge();
        run Comes(PRODUCER, PRODUCERS);
        run Comes(CONSUMER, CONSUMERS);
#ifdef DEATH
        run Killer()
#endif
    }
}
