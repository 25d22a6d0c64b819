/* dead.pml - what the dead held is taken past a reaper that is stopped, and that wakes up later:
 * allocator/slot.h, allocator/slot_void.c, discovery/reap.c.
 *
 * One slot. Reader 3 (reader seat) and writer 1 (writer seat) are dead; what they left is any of what
 * they can leave. Writer 2 needs the slot, and finds no other. Reaper 5 may stop before each of its
 * steps until all others are done (STOPS), or die there (DIES), so that reaper 6 comes. Reader 4 and
 * writer 7 take the two seats as soon as they are free, and use the slot as well.
 *
 * Claimed: writer 2 waits for nobody but who lives; what somebody holds, keeps or has on loan stays as it was; in
 * the end nothing is left.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define VOID 16 /* with who reaps: EDDY_OWNER_REAPING */
#define IS_VOID(seat) ((seat) >= VOID)

byte reader_seat = 3, writer_seat = 1;
byte owner;            /* of the slot: 0, 1 (writer seat), or 2 (writer 2's) */
byte taken;            /* how often it was taken back */
bool unsaid;           /* its sn counts for nothing: EDDY_SLOT_EMPTY */
byte sn, logged;       /* its number; the number that the log has for it */
bool pin, kept;        /* of the reader seat; of the writer seat */
byte next = 2;         /* the next number */

byte content;          /* the number, or 100 + who writes */
bool dead[8], done2, done4, done7;
#define DONE (done2 && done4 && done7)
#define ORPHANED(seat) ((seat) != 0 && dead[(seat) % VOID])
/* Nobody living has the slot: writer 2 must be able to come by it. */
#define CAN \
    ((owner == 0 || (owner == 1 && IS_VOID(writer_seat))) && (!pin || IS_VOID(reader_seat)) && \
     (!kept || IS_VOID(writer_seat)))
#define UNPUBLISHED(n) ((n) != 0 && (n) != logged)

#ifdef STOPS
#define STEP if :: skip :: me >= 5 -> DONE fi
#else
#define STEP skip
#endif

/* eddy_slot_take_back, by anybody */
inline take_back()
{
    atomic { seen = owner; count = taken };
    if
    :: seen == 1 && IS_VOID(writer_seat) ->
        STEP;
        number = sn;
        untold = UNPUBLISHED(number);
        STEP;
        atomic {
            if
#ifdef FAULT_NO_COUNT
            :: owner == seen ->
#else
            :: owner == seen && taken == count ->
#endif
                owner = 0;
                taken++;
                unsaid = untold
            :: else
            fi
        }
    :: else
    fi;
    atomic { seen = 0; count = 0; number = 0; untold = false }
}

/* eddy_slot_claim with `past_the_dead`: got, or somebody living is in the way */
inline claim(seat)
{
    take_back();
    atomic {
        got = false;
        if
        :: owner == 0 && (!pin || IS_VOID(reader_seat)) && (!kept || IS_VOID(writer_seat)) ->
            owner = seat;
            got = true;
            untold = unsaid;
            unsaid = false
        :: else
        fi
    };
    if
    :: got ->
        if :: untold -> sn = 0 :: else fi;
        untold = false;
        number = sn;
        /* eddy_slot_end_sample */
        if
        :: kept && !IS_VOID(writer_seat) -> got = false
        :: else ->
            sn = 0;
            seen_pin = pin;
            if
#ifndef FAULT_MASK
            :: seen_pin && !IS_VOID(reader_seat) -> sn = number; got = false
#endif
            :: else ->
                /* eddy_slot_forget_void: who sits there now has come too late to hold the sample */
#ifdef FAULT_FORGET_LATE
                skip
#else
                if :: pin && IS_VOID(reader_seat) -> pin = false :: else fi;
                if :: kept && IS_VOID(writer_seat) -> kept = false :: else fi
#endif
            fi
        fi;
        atomic { number = 0; seen_pin = false };
        if
        :: got -> d_step { assert(content < 100 || dead[content - 100]); content = 100 + me }
        :: else -> owner = 0
        fi
    :: else
    fi
}

/* It is ours until it is given up. */
inline publish(seat)
{
    assert(content == 100 + me && owner == seat);
    sn = next;
    atomic { assert(content == 100 + me && owner == seat && sn == next); logged = next; content = next; next++ };
#ifdef FAULT_FORGET_LATE
    if :: me == 2 && pin -> pin = false :: else fi;
#endif
    skip
}

proctype Writer2()
{
    byte me = 2;
    byte seen, count, number;
    bool untold, got, seen_pin;
    do
    :: !got && CAN -> claim(2)
#ifndef FAULT_NO_MARK
    :: !got -> /* eddy_reap_mark_next: of either, as it comes */
        atomic { if :: ORPHANED(reader_seat) && !IS_VOID(reader_seat) -> reader_seat = VOID :: else fi };
        atomic { if :: ORPHANED(writer_seat) && !IS_VOID(writer_seat) -> writer_seat = VOID :: else fi };
        CAN
#endif
    :: got -> break
    od;
    publish(2);
    owner = 0;
    done2 = true
}

/* The next on the writer seat: publishes, and keeps it. */
proctype Writer7()
{
    byte me = 7;
    byte seen, count, number;
    bool untold, got, seen_pin;
    if
    :: atomic { writer_seat == 0 -> writer_seat = 7 };
        claim(1);
        if
        :: got ->
            publish(1);
            number = next;
            kept = true;
            owner = 0;
            /* as long as it lives */
            assert(kept && content != 102);
            atomic { assert(kept); kept = false };
            number = 0
        :: else
        fi;
        writer_seat = VOID + 7;
        writer_seat = 0
    :: skip
    fi;
    done7 = true
}

/* The next on the reader seat: takes what it finds. */
proctype Reader4()
{
    byte at;
    if
    :: atomic { reader_seat == 0 -> reader_seat = 4 };
        assert(!pin);
        at = logged;
        if
        :: at != 0 && sn == at ->
            pin = true;
            if
            :: sn == at ->
                assert(content == at);
                assert(content == at && pin);
                pin = false
            :: else -> pin = false
            fi
        :: else
        fi;
        reader_seat = 0
    :: skip
    fi;
    done4 = true
}

proctype Reaper(byte me)
{
    byte seen, count, number;
    bool untold, got, seen_pin;
    {
        STEP;
        atomic { if :: ORPHANED(reader_seat) -> reader_seat = VOID + me; got = true :: else fi };
        if
        :: got ->
            got = false;
            STEP;
            pin = false;
            STEP;
#ifdef FAULT_SEAT_FIRST
            reader_seat = 0;
            STEP;
            pin = false
#else
            reader_seat = 0
#endif
        :: else
        fi;
        atomic { if :: ORPHANED(writer_seat) -> writer_seat = VOID + me; got = true :: else fi };
        if
        :: got ->
            got = false;
            STEP;
            take_back();
            STEP;
#ifdef FAULT_KEEPER_BLINDLY
            if :: kept -> STEP; writer_seat = 0; kept = false :: else -> writer_seat = 0 fi
#else
            kept = false; /* by a swap: it is only ever this seat's */
            STEP;
            writer_seat = 0
#endif
        :: else
        fi
    } unless { dead[me] }
}

proctype Killer()
{
    if
    :: atomic { dead[5] = true; run Reaper(6) }
    :: skip
    fi
}

/* What a writer leaves that died at any of its steps. */
inline leave_anything()
{
    if
    :: owner = 1; sn = 0; content = 101             /* on loan */
    :: owner = 1; sn = 1; logged = 0; content = 101 /* before its swap */
    :: owner = 1; sn = 1; logged = 1; content = 1   /* behind it */
    :: owner = 1; sn = 1; logged = 1; content = 1; kept = true
    :: owner = 0; sn = 1; logged = 1; content = 1; kept = true
    :: owner = 0; sn = 1; logged = 1; content = 1
    fi;
    if :: content == 1 -> pin = true :: skip fi
}

init
{
    atomic {
        dead[0] = true; /* a seat that nobody reaps is anybody's */
        dead[1] = true;
        dead[3] = true;
        leave_anything();
        run Writer2();
        run Writer7();
        run Reader4();
        run Reaper(5);
#ifdef DIES
        run Killer()
#endif
    }
    _nr_pr == 1;
    assert(owner == 0 && !pin && !kept);
    assert(reader_seat == 0 && writer_seat == 0)
}
