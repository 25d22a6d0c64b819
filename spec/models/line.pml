/* line.pml - writers that wait for room in turn: allocator/segment/line.c, transport/topic/room.c,
 * enter_log of transport/topic/publish.c.
 *
 * WRITERS with seats 1, 2, ... publish TIMES samples each, through a gate that is ROOM samples
 * wide; a reader takes one after the other and rings the bell of the room. Who waits has said so
 * in its seat, and each seat stands in a group of its own (ONE_GROUP: all in one).
 *   GIVE_UP  a writer may give up whenever it is about to sleep, once
 *   DEATH    one is killed at any step, HOLD: stopped there, and goes on when all else has come to
 *            rest
 *   REAP     who is dead is taken out of the line, at any time after
 *   EAGER    who waits may find at any time that the one in front has had its time
 *
 * Time does not go by until nothing else can go on; then all look once more (`looks`), as they do
 * after a nap, and whoever has seen the same turn not taken at two of these passes it over.
 *
 * Claimed: each writer that lives gets its room. Nobody is killed, stopped or passed over: by bells
 * alone, with no nap; else all come to their end within three more looks. FAIR: from when one is in line until
 * it has its room, each other gets some twice at most: once out of turn, as it was on its way when
 * the first came into line, and once in turn.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef TIMES
#define TIMES 2
#endif
#ifndef TIMES_1
#define TIMES_1 TIMES /* of writer 1, who is killed or stopped */
#endif
#ifndef ROOM
#define ROOM 1
#endif
#define BELLS (WRITERS + 1)
#define OF_ROOM 0 /* room_bell; the others are those of the seats */
#include "bell.pml"

#ifdef ONE_GROUP
#define GROUP(w) 2
#else
#define GROUP(w) (1 << (w))
#endif

bool waits[WRITERS + 1];
byte groups;           /* waiting_groups */
byte turn;             /* a seat; 0: nobody waits */
byte published, taken; /* next_sn, the reader's cursor */

bool halted[WRITERS + 1], dead[WRITERS + 1], is_void[WRITERS + 1], done[WRITERS + 1];
byte naps, looks; /* of all since the beginning; since one was killed or goes on */
#ifdef EAGER
bool disturbed = true;
#else
bool disturbed;
#endif
bool in_line[WRITERS + 1];
byte ahead[16]; /* ahead[4 * w + v]: how often v was served since w is in line */

#define IS_OPEN(n) ((n) < taken + ROOM)

/* --- the line ----------------------------------------------------------------------------------- */

/* From 1, the next seat, to WRITERS, the same one again. */
#define DISTANCE(w) ((w) > after -> (w) - after : (w) + WRITERS - after)

/* Who waits in a group; `next` is the first behind `after`, round, of all so far; 0: nobody. */
inline look_at(seat) /* one seat of a group */
{
    if
    :: waits[seat] && !is_void[seat] ->
        any = true;
        next = (next == 0 || DISTANCE(seat) < DISTANCE(next) -> seat : next)
    :: else
    fi
}

inline search_group(group)
{
#ifdef ONE_GROUP
    atomic { any = false; look_at(1) };
    atomic { look_at(2) };
#if WRITERS > 2
    atomic { look_at(3) };
#endif
#else
    atomic { any = false; look_at(group) }
#endif
}

/* search_line: each group that has a bit is searched; who finds nobody in it takes the bit away, and
 * looks once more. */
inline search_line()
{
    atomic { left = groups; next = 0; g = 0 };
    do
    :: atomic {
           left != 0 ->
           if
           :: left & 2 -> g = 1
           :: !(left & 2) && (left & 4) -> g = 2
           :: else -> g = 3
           fi;
           left = left & ~GROUP(g)
       };
       search_group(g);
       if
       :: !any ->
           groups = groups & ~GROUP(g);
#ifndef FAULT_NO_SECOND_SEARCH
           search_group(g);
           if :: any -> groups = groups | GROUP(g) :: else fi
#endif
       :: else
       fi
    :: atomic { left == 0 -> g = 0; any = false; break }
    od
}

inline ring_turn(to)
{
#ifdef FAULT_NO_RING
    skip
#else
    if :: to != 0 -> bell_ring(to) :: else fi
#endif
}

inline pass_on(from) /* pass_on */
{
    after = from;
    do
    :: search_line();
       if
       :: after == 0 && next == 0 -> break
       :: else
       fi;
#ifdef FAULT_RING_FIRST
       ring_turn(next);
#endif
       atomic {
           moved = (turn == after);
           if :: moved -> turn = next :: else fi
       };
       if
       :: !moved -> break
       :: else -> moved = false
       fi;
       after = next;
       next = 0;
#ifndef FAULT_RING_FIRST
       ring_turn(after);
#endif
#ifdef FAULT_NO_LOOK
       break
#else
#ifdef FAULT_ALL_GONE
       if :: after == 0 -> break :: else fi;
#endif
       if :: after != 0 && waits[after] -> break :: else fi
#endif
    od;
    atomic { after = 0; next = 0; moved = false }
}

inline enter() /* eddy_line_enter; first: it has the turn */
{
#ifdef FAULT_TURN_FIRST
    atomic {
        if :: turn == 0 -> turn = me :: else fi;
        first = (turn == me)
    };
#endif
    if :: !waits[me] -> waits[me] = true :: else fi;
#ifdef FAULT_GROUP_LAST
    atomic {
        if :: turn == 0 -> turn = me :: else fi;
        first = (turn == me)
    };
#endif
    if
    :: (groups & GROUP(me)) == 0 -> atomic { groups = groups | GROUP(me); in_line[me] = true }
    :: else -> in_line[me] = true
    fi;
#if !defined(FAULT_TURN_FIRST) && !defined(FAULT_GROUP_LAST)
    atomic {
        if :: turn == 0 -> turn = me :: else fi;
        first = (turn == me)
    }
#endif
}

inline leave(seat) /* eddy_line_leave */
{
#ifdef FAULT_LOOK_FIRST
    first = (turn == seat);
    waits[seat] = false;
    if
    :: first -> pass_on(seat)
#else
    waits[seat] = false;
    if
    :: turn == seat -> pass_on(seat)
#endif
    :: else
    fi;
    first = false
}

inline pass_over(seat) /* eddy_line_pass_over */
{
    if
    :: turn == seat ->
        waits[seat] = false;
        pass_on(seat)
    :: else
    fi
}

/* --- the writers --------------------------------------------------------------------------------- */

#define HAS_TURN (turn == 0 || turn == me)

/* watch_turn: who had the turn at a look before, and what was published */
inline watch_turn()
{
    atomic { seat = turn; n = published };
    if
    :: seat != 0 && seat != me && IS_OPEN(n) ->
        if
#ifdef EAGER
        :: pass_over(seat)
        :: skip
#else
        :: seat == seen_turn && n == seen_sn && naps != seen_at ->
#ifndef FAULT_NO_PASS_OVER
            pass_over(seat)
#else
            skip
#endif
        :: seat == seen_turn && n == seen_sn && naps == seen_at -> skip
        :: else -> atomic { seen_turn = seat; seen_sn = n; seen_at = naps }
#endif
        fi
    :: else -> atomic { seen_turn = 0; seen_sn = 0; seen_at = 0 }
    fi;
    atomic { seat = 0; n = 0 }
}

/* Served: the others that are in line have waited for one more. */
inline on_publish()
{
#ifdef FAIR
    i = 1;
    do
    :: i <= WRITERS ->
        if
        :: i != me && in_line[i] && waits[i] ->
            ahead[4 * i + me] = ahead[4 * i + me] + 1;
            assert(ahead[4 * i + me] <= 2)
        :: else
        fi;
        ahead[4 * me + i] = 0;
        i++
    :: else -> i = 0; break
    od;
#endif
    in_line[me] = false
}

/* look: it has its turn and there is room */
inline look_for_room()
{
    there = HAS_TURN;
    if :: there -> there = IS_OPEN(published) :: else fi
}

#ifdef HOLD
proctype Writer(byte me) provided (!halted[me])
#else
proctype Writer(byte me)
#endif
{
    byte own = me, times, n, seen, seat, after, next, left, g, i, seen_turn, seen_sn, seen_at;
    bool first, there, any, moved, entered, gave_up;
    {
    do
    :: times < (me == 1 -> TIMES_1 : TIMES) && !gave_up ->
        /* enter_log, pass_gate */
        n = published;
        there = HAS_TURN;
        if :: there -> there = IS_OPEN(n) :: else fi;
        if
        :: there ->
            there = false;
            atomic {
                if
                :: published == n ->
                    assert(n < taken + ROOM);
                    published++;
                    times++;
                    on_publish();
                    moved = true
                :: else
                fi;
                n = 0
            };
            if
            :: moved && entered -> moved = false; entered = false; leave(me)
            :: else -> moved = false
            fi
        :: else ->
            n = 0;
            entered = true;
            do /* eddy_writer_wait_for_room */
            :: /* wait_for_turn */
               bell_arm(me, seen);
               watch_turn();
               enter();
               there = first;
               if :: !there -> look_for_room() :: else fi;
               if
               :: !there ->
                   bell_wait(own, me, seen)
#ifdef GIVE_UP
               :: !there -> gave_up = true; break
#endif
               :: there -> /* wait_for_room */
                   there = false;
                   bell_arm(OF_ROOM, seen);
                   look_for_room();
                   if
                   :: there -> break
                   :: !there && HAS_TURN ->
                       bell_wait(OF_ROOM, me, seen)
#ifdef GIVE_UP
                   :: !there && HAS_TURN -> gave_up = true; break
#endif
                   :: else
                   fi
               fi;
               atomic { there = false; first = false; seen = 0 }
            od;
            atomic { there = false; first = false; seen = 0; seen_turn = 0; seen_sn = 0; seen_at = 0 };
            if
#ifndef FAULT_NO_LEAVE
            :: gave_up -> in_line[me] = false; leave(me)
#endif
            :: else
            fi
        fi
    :: else -> break
    od;
    done[me] = true
    } unless { dead[me] }
}

active proctype Reader()
{
end_wait:
    do
    :: published > taken -> taken++; bell_ring(OF_ROOM)
    od
}

/* --- who is killed, and time ----------------------------------------------------------------------- */

proctype Reaper(byte seat)
{
    byte after, next, left, g;
    bool first, any, moved;
    is_void[seat] = true;
    leave(seat)
}

proctype Killer()
{
    if
#ifdef HOLD
    :: halted[1] = true
#else
    :: dead[1] = true;
#ifdef REAP
       run Reaper(1)
#endif
#endif
    :: skip
    fi
}

#define AT_END(w) (done[w] || dead[w])
#if WRITERS == 2
#define ALL_AT_END (AT_END(1) && AT_END(2))
#define REST_AT_END AT_END(2)
#else
#define ALL_AT_END (AT_END(1) && AT_END(2) && AT_END(3))
#define REST_AT_END (AT_END(2) && AT_END(3))
#endif

#ifndef NAPS
#define NAPS 3
#endif

active proctype Clock()
{
    byte b;
    do
    :: timeout ->
        if
        :: ALL_AT_END -> break
        :: halted[1] && REST_AT_END -> halted[1] = false; looks = 0; disturbed = true
        :: else ->
            assert(disturbed || halted[1] || dead[1]); /* else bells do */
            atomic {
                naps++;
                looks++;
                assert(looks <= NAPS);
                b = 0;
                do
                :: b < BELLS -> sleepers[b] = 0; b++
                :: else -> break
                od
            }
        fi
    od
}

init
{
    atomic {
        run Writer(1);
        run Writer(2);
#if WRITERS > 2
        run Writer(3);
#endif
#if defined(DEATH) || defined(HOLD)
        run Killer()
#endif
    }
}
