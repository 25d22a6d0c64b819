/* blocks.pml - memory that comes and goes, against claims, pins, deaths and reapers.
 *
 * One block of SLOTS slots.  Writers get it memory, use its slots, publish and take its memory away
 * again, as often as they are told; a reader pins one sample.  One writer may die anywhere; two take back
 * what was its.  Punching may fail.
 *
 * Claimed: nobody has a slot, or reads one that it has pinned, without memory; memory is counted; in
 * the end all slots have memory and are free, or none has and none is there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef STEPS
#define STEPS 2
#endif
#ifndef OTHERS /* steps of the other writer */
#define OTHERS 1
#endif
#define ABSENT 9
#define COUNT 16
#define WHO(v) ((v) & 15)
#ifdef FAULT_NO_COUNT
#define TAKEN(v, who) (((v) & 240) | (who))
#else
#define TAKEN(v, who) (((v) & 240) + COUNT | (who))
#endif

byte owner[SLOTS];
byte sn[SLOTS];      /* 0: no sample */
byte content[SLOTS]; /* what was written last */
bool pinned[SLOTS];
bool memory, committed;
bool dead[3], finished[3];
byte last_sn, running;

/* eddy_slot_claim */
inline claim(s, ok)
{
    ok = false;
    if
    :: atomic { WHO(owner[s]) == 0 -> owner[s] = owner[s] | me };
       old = sn[s];
       sn[s] = 0;
       if
#ifdef FAULT_TRIM_PINNED
       :: true -> ok = true
#else
       :: !pinned[s] -> ok = true
       :: pinned[s] -> sn[s] = old; owner[s] = owner[s] & 240
#endif
       fi
    :: atomic { WHO(owner[s]) != 0 -> skip }
    fi
}

inline punch()
{
#ifdef FAULT_UNMARK_FIRST
    committed = false;
    assert(!memory); /* what has memory counts */
    memory = false
#else
    if
    :: memory = false; committed = false
    :: skip /* it cannot be done: it stays counted */
    fi
#endif
}

/* withdraw */
inline withdraw()
{
#ifdef FAULT_ABSENT_FIRST
    owner[0] = (owner[0] & 240) | ABSENT;
    punch()
#else
    punch();
    owner[0] = (owner[0] & 240) | ABSENT
#endif
}

inline use(s)
{
    assert(memory);
    content[s] = 0;
    if
    :: atomic { last_sn++; content[s] = last_sn; sn[s] = last_sn }; assert(memory) /* publish */
    :: skip                                                                         /* discard */
    fi;
    owner[s] = owner[s] & 240
}

inline commit()
{
    if
    :: atomic { WHO(owner[0]) == ABSENT -> owner[0] = (owner[0] & 240) | me };
       sn[0] = 0;
#ifndef FAULT_COMMIT_PINNED
       if
       :: pinned[0] -> owner[0] = (owner[0] & 240) | ABSENT; goto passed
       :: else
       fi;
#endif
#ifdef FAULT_SPREAD_FIRST
       i = 1;
       do
       :: i < SLOTS -> owner[i] = owner[i] & 240; i++
       :: else -> break
       od;
#endif
       committed = true;
       memory = true;
#ifndef FAULT_SPREAD_FIRST
       i = 1;
       do
       :: i < SLOTS -> owner[i] = owner[i] & 240; i++
       :: else -> break
       od;
#endif
       use(0)
    :: atomic { WHO(owner[0]) != ABSENT -> skip }
    fi;
passed:
    skip
}

/* trim_block */
inline trim()
{
    if
    :: atomic { WHO(owner[0]) == ABSENT && committed -> owner[0] = (owner[0] & 240) | me };
       sn[0] = 0;
       if
       :: pinned[0] -> owner[0] = (owner[0] & 240) | ABSENT
       :: else -> withdraw()
       fi
    :: atomic { WHO(owner[0]) != ABSENT -> skip };
       n = 0;
       ok = true;
       do
       :: n < SLOTS && ok -> claim(n, ok); if :: ok -> n++ :: else fi
       :: else -> break
       od;
       if
       :: n == SLOTS ->
#ifdef FAULT_PUNCH_FIRST
           punch();
#endif
           i = SLOTS - 1;
           do
           :: i > 0 -> owner[i] = (owner[i] & 240) | ABSENT; i--
           :: else -> break
           od;
#ifdef FAULT_PUNCH_FIRST
           owner[0] = (owner[0] & 240) | ABSENT
#else
           withdraw()
#endif
       :: else ->
           do
           :: n > 0 -> n--; owner[n] = owner[n] & 240
           :: else -> break
           od
       fi
    :: atomic { WHO(owner[0]) == ABSENT && !committed -> skip }
    fi
}

proctype Writer(byte me; byte to_do)
{
    byte i, n, s, old;
    bool ok;
    {
        do
        :: to_do > 0 ->
            to_do--;
            if
            :: commit()
            :: s = 0; claim(s, ok); if :: ok -> use(s) :: else fi
            :: s = SLOTS - 1; claim(s, ok); if :: ok -> use(s) :: else fi
            :: trim()
            fi;
            i = 0;
            n = 0;
            s = 0;
            old = 0;
            ok = false
        :: to_do == 0 -> break
        od;
        atomic { running--; finished[me] = true }
    } unless { dead[me] }
}

/* One sample, whenever that is. */
proctype Reader()
{
    byte n, s;
    do
    :: n == 0 && running > 0 ->
        if
        :: s = 0
        :: s = SLOTS - 1
        fi;
        n = sn[s]
    :: n != 0 ->
        pinned[s] = true;
        if
        :: sn[s] == n -> assert(memory && content[s] == n)
        :: else
        fi;
        pinned[s] = false;
        break
    :: n == 0 && running == 0 -> break
    od
}

/* eddy_slot_take_back of each slot, by any number at a time: the dead's word, or what was read, is swapped
 * for one that counts one more. */
proctype Taker(byte whose)
{
    byte s, i, was, seen;
    bool there;
    do
    :: s < SLOTS ->
        was = owner[s];
        if
        :: WHO(was) == whose && sn[s] == 0 && s == 0 ->
            there = false;
            i = 1;
            do
            :: i < SLOTS && !there -> there = WHO(owner[i]) != ABSENT; i++
            :: else -> break
            od;
#ifdef FAULT_TAKE_ALL
            there = false;
#endif
#ifdef FAULT_TAKE_NONE
            there = true;
#endif
            i = 1;
            do
            :: i < SLOTS && there ->
                seen = owner[i];
                if
#ifdef FAULT_NO_SECOND_LOOK
                :: WHO(seen) == ABSENT ->
#else
                :: WHO(seen) == ABSENT && owner[0] == was ->
#endif
                    atomic {
                        if
                        :: owner[i] == seen -> owner[i] = TAKEN(seen, 0)
                        :: else
                        fi
                    }
                :: else
                fi;
                i++
            :: else -> break
            od;
            atomic {
                if
                :: owner[0] == was -> owner[0] = TAKEN(was, (there -> 0 : ABSENT))
                :: else
                fi
            }
        :: WHO(was) == whose && !(sn[s] == 0 && s == 0) ->
            atomic {
                if
                :: owner[s] == was -> owner[s] = TAKEN(was, 0)
                :: else
                fi
            }
        :: else
        fi;
        s++
    :: else -> break
    od;
    running--
}

proctype Killer()
{
    if
    :: atomic {
           !finished[1] -> /* one of the two runs in its place */
           dead[1] = true;
           running++;
           run Taker(1);
           run Taker(1)
       }
    :: skip
    fi
}

init
{
    byte i;
    atomic {
        i = 0;
        do
        :: i < SLOTS -> owner[i] = ABSENT; i++
        :: else -> break
        od;
        running = 2;
        run Writer(1, STEPS);
        run Writer(2, OTHERS);
#ifndef NO_READER
        run Reader();
#endif
#ifdef DEATH
        run Killer()
#endif
    }
    _nr_pr == 1;
    i = 0;
    do
    :: i < SLOTS ->
        assert(WHO(owner[i]) == (WHO(owner[0]) == ABSENT -> ABSENT : 0));
        assert(!pinned[i]);
        i++
    :: else -> break
    od;
    assert(WHO(owner[0]) == ABSENT || memory);
    assert(!memory || committed)
}
