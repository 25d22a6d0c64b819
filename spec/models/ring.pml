/* ring.pml - the positions of a ring, across restarts: transport/ring/{produce,consume,open}.c.
 *
 * A producer publishes CHUNKS; if it is killed, another one goes on. A consumer has two threads,
 * which take and release independently, so that releases are out of order. If it is killed, with
 * both threads, another one goes on; KILLS times. Waiting is "until there is room, or a chunk":
 * that sleepers are woken is claimed by ringwait.pml.
 *
 * Claimed: each chunk is completed, once; what is held stays as it was published; a consumer gets
 * of what its predecessor had taken all that was not completed, marked, and nothing else of it,
 * and what follows once; nobody waits for room or a chunk that is there (an invalid end state).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef CHUNKS
#define CHUNKS 3
#endif
#ifndef KILLS
#define KILLS 0
#endif
#define AT(p) ((p) % SLOTS)
#ifdef FAULT_DONE_IS_A_FLAG
#define DONE(p) 1
#else
#define DONE(p) ((p) + 1)
#endif

/* shared memory; positions count from 0 */
byte write, taken, read, done[SLOTS];
/* the consumer's own, which its threads share */
byte again, again_end, read_left;

/* what the model knows */
byte content[SLOTS];    /* position + 1 whose bytes are there; 0: being written */
byte life = 1;          /* which consumer lives */
byte given[CHUNKS];     /* the last life that was given it */
bool completed[CHUNKS];
bool producer_dead;

/* eddy_ring_loan, eddy_ring_publish, go_on_producing */
proctype Producer()
{
    byte mine, read_seen;
start:
    {
        mine = write; /* nobody else writes it */
        read_seen = read;
        do
        :: mine < CHUNKS ->
            if
#ifndef FAULT_NO_ROOM
            :: mine - read_seen >= SLOTS ->
                atomic { mine - read < SLOTS -> read_seen = read } /* waits */
#endif
            :: else ->
#ifdef FAULT_WRITE_FIRST
                atomic { content[AT(mine)] = 0; mine++; write = mine };
                content[AT(mine - 1)] = mine
#else
                content[AT(mine)] = 0; /* on loan */
                content[AT(mine)] = mine + 1;
                atomic { mine++; write = mine }
#endif
            fi
        :: else -> break
        od
    } unless {
        atomic { producer_dead -> producer_dead = false; mine = 0; read_seen = 0; goto start }
    }
}

inline advance(from) /* advance_from, which looks at most SLOTS + 1 times */
{
    at = from;
    steps = 0;
    do
    :: steps <= SLOTS && done[AT(at)] == DONE(at) ->
#ifdef FAULT_ADVANCE_BLINDLY
        atomic { read = at + 1; at++; steps++ }
#else
        atomic { if :: read == at -> at++; read = at :: else -> at = read fi; steps++ }
#endif
#ifdef FAULT_ONE_STEP
    :: atomic { steps > 0 && done[AT(at)] == DONE(at) -> at = 0; steps = 0; break }
#endif
    :: else -> atomic { read_left = at; at = 0; steps = 0; break }
    od
}

inline hand_out(position) /* to this thread; it is not shared with the next consumer */
{
    given[position] = mine
}

/* A thread of the consumer; `has` is the position + 1 of its chunk. */
proctype Thread(byte mine)
{
    byte has, q, at, steps;
    bool next;
    {
        do
        :: has == 0 && again < again_end -> /* take_again */
            atomic { if :: again < again_end -> again++; has = again :: else fi };
            if
            :: has == 0 -> skip
#ifdef FAULT_AGAIN_EQUAL
            :: has != 0 && done[AT(has - 1)] == DONE(has - 1) -> has = 0
#elif !defined(FAULT_AGAIN_ALL)
            :: has != 0 && done[AT(has - 1)] >= DONE(has - 1) -> has = 0 /* or a lap further */
#endif
            :: else ->
                d_step {
                    assert(!completed[has - 1] && given[has - 1] < mine);
                    hand_out(has - 1)
                }
            fi
        :: has == 0 && again >= again_end && taken < write -> /* take_next */
            q = taken;
            if
            :: q < write ->
                atomic {
                    if
#ifndef FAULT_TAKE_BLINDLY
                    :: taken != q -> skip
#endif
                    :: else -> has = q + 1; taken = has
                    fi
                };
                if
                :: has != 0 -> d_step { assert(given[has - 1] == 0); hand_out(has - 1) }
                :: else
                fi
            :: else
            fi;
            q = 0
        :: has != 0 -> /* eddy_ring_release */
            assert(content[AT(has - 1)] == has);
#ifdef FAULT_READ_COUNTS
            atomic { assert(!completed[has - 1]); completed[has - 1] = true; read++; has = 0 }
#else
            atomic { q = has - 1; next = (read_left == q) }; /* mark_done */
            atomic {
                assert(!completed[q]);
                completed[q] = true;
                done[AT(q)] = DONE(q);
                has = 0
            };
            if
            :: next -> skip
            :: else -> q = read
            fi;
            advance(q);
            atomic { q = 0; next = false }
#endif
        :: has == 0 && read == CHUNKS -> break
        od
    } unless { life != mine }
}

/* The consumer of life `mine` attaches: go_on_consuming */
proctype Consumer(byte mine)
{
    byte at, steps, end;
    {
        d_step { again = 0; again_end = 0; read_left = 0 }; /* a new handle */
        at = read;
#ifdef FAULT_NOT_AGAIN
        at = taken;
#endif
        atomic { end = taken; again = at; again_end = end; at = 0; end = 0 };
#ifndef FAULT_NO_ADVANCE
        at = read;
        advance(at);
#endif
        atomic { run Thread(mine); run Thread(mine) }
    } unless { life != mine }
}

proctype Killer()
{
    do
    :: atomic { life <= KILLS -> life++; run Consumer(life) }
    :: break
    od;
#ifdef PRODUCER_DIES
    if
    :: producer_dead = true
    :: skip
    fi
#else
    skip
#endif
}

init
{
    atomic {
        run Producer();
        run Consumer(1);
#ifdef DEATH
        run Killer()
#endif
    }
}
