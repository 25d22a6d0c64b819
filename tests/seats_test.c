/* seats_test.c - seats that pass from hand to hand: who has one has seen all that its last holder
 * did, be it of a topic's readers, of its writers, or a wait set's bell.
 *
 * Nothing else may order the two, so each seat has a shadow (support/shadow.h).  Once all threads
 * share a participant, hence a mapping; once each is a participant of its own, and a new one every
 * time: who is still there must not be taken for dead, not even by one who reaps all the time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"
#include "transport/topic/reader.h"
#include "transport/topic/writer.h"
#include "transport/waitset/waitset.h"

#include <sched.h>
#include <stdatomic.h>

enum { HOLDERS = 3, SEATS = HOLDERS + 1, ROUNDS = SANITIZED ? 60 : 1000 };

static eddy_domain *shared; /* NULL: each has its own */
static uint64_t shadows[SEATS];
/* Relaxed throughout: the test must not order what the engine should. */
static atomic_uint holders[SEATS];
static atomic_bool done;

/* Has a seat for a moment, alone.  Between mappings ThreadSanitizer sees no order. */
static void sit(uint32_t seat)
{
    check(seat < SEATS);
    if (shared)
        shadow_write(&shadows[seat], 1);
    else
        weak_writes_plainly(&shadows[seat]);
    same(atomic_fetch_add_explicit(&holders[seat], 1, memory_order_relaxed), 0);
    sched_yield();
    same(atomic_fetch_sub_explicit(&holders[seat], 1, memory_order_relaxed), 1);
}

static void read_once(eddy_domain *domain)
{
    eddy_reader *reader = open_reader(domain, "seats", NULL);
    sit(reader->seat_id);
    must(eddy_reader_close(reader));
}

static void write_once(eddy_domain *domain)
{
    eddy_writer *writer = open_writer(domain, "seats", NULL);
    sit(writer->me - 1);
    must(eddy_writer_close(writer));
}

static void wait_once(eddy_domain *domain)
{
    eddy_waitset *waitset;
    must(eddy_waitset_open(domain, &waitset));
    sit(waitset->bell_index);
    must(eddy_waitset_close(waitset));
}

struct hold {
    void (*once)(eddy_domain *domain);
};

static void *hold_often(void *argument)
{
    const struct hold *hold = argument;
    for (int round = 0; round < ROUNDS; round++) {
        eddy_domain *domain = shared ? shared : open_domain();
        hold->once(domain);
        if (!shared)
            must(eddy_domain_close(domain));
    }
    return NULL;
}

/* As a writer does that finds no room. */
static void *reap_often(void *reader)
{
    while (!atomic_load_explicit(&done, memory_order_relaxed)) {
        eddy_reap_topic(((eddy_reader *)reader)->domain, ((eddy_reader *)reader)->segment);
        sched_yield();
    }
    return NULL;
}

static void hand_on(void (*once)(eddy_domain *domain), eddy_reader *reader)
{
    pthread_t threads[HOLDERS];
    struct hold hold = {once};
    atomic_store(&done, false);
    pthread_t reaper = thread_start(reap_often, reader);
    for (int i = 0; i < HOLDERS; i++)
        threads[i] = thread_start(hold_often, &hold);
    for (int i = 0; i < HOLDERS; i++)
        thread_join(threads[i]);
    atomic_store(&done, true);
    thread_join(reaper);
}

static void hand_on_all(bool share)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "seats", NULL); /* the topic stays */
    shared = share ? domain : NULL;
    hand_on(read_once, reader);
    hand_on(write_once, reader);
    hand_on(wait_once, reader);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* --- who looks on ------------------------------------------------------------------------------ */

enum { VISITS = SANITIZED ? ROUNDS / 2 : ROUNDS / 5, ALL = HOLDERS * VISITS + 2, STAY = 50 };

/* By seat and holder: who it was, and who was seen there. */
static uint64_t truly[SEATS][ALL];
static _Atomic uint64_t seen[SEATS][ALL]; /* relaxed, as above */

static uint32_t holder_of(uint64_t presence)
{
    uint32_t holder = eddy_presence_read(presence).holder;
    check(holder < ALL);
    return holder;
}

/* Stays until it is seen, or for a while. */
static void be_there_once(eddy_domain *domain)
{
    eddy_reader *reader = open_reader(domain, "seats", NULL);
    uint32_t seat = reader->seat_id;
    uint32_t holder = holder_of(eddy_load_relaxed(eddy_presence_of(reader->segment, false, seat)));
    truly[seat][holder] = domain->id;
    for (int i = 0; i < STAY && eddy_load_relaxed(&seen[seat][holder]) == 0; i++)
        sched_yield();
    must(eddy_reader_close(reader));
}

static void *be_there_often(void *unused)
{
    (void)unused;
    for (int visit = 0; visit < VISITS; visit++) {
        eddy_domain *domain = open_domain();
        be_there_once(domain);
        must(eddy_domain_close(domain));
    }
    return NULL;
}

static void *look_often(void *reader)
{
    const struct eddy_segment *segment = ((eddy_reader *)reader)->segment;
    uint64_t presence, owner;
    while (!atomic_load_explicit(&done, memory_order_relaxed)) {
        for (uint32_t seat = 0; seat < SEATS; seat++)
            if (eddy_endpoint_look(segment, false, seat, &presence, &owner) &&
                eddy_presence_read(presence).state == EDDY_THERE) {
                check(owner != 0); /* readers are not marked as they leave */
                eddy_store_relaxed(&seen[seat][holder_of(presence)], owner);
            }
        sched_yield();
    }
    return NULL;
}

static uint32_t compare_all(void)
{
    uint32_t looked = 0;
    for (uint32_t seat = 0; seat < SEATS; seat++)
        for (uint32_t holder = 0; holder < ALL; holder++) {
            uint64_t owner = eddy_load_relaxed(&seen[seat][holder]);
            looked += owner != 0;
            check(owner == 0 || owner == truly[seat][holder]);
        }
    return looked;
}

static void who_looks_sees_each_in_its_place(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "seats", NULL);
    pthread_t threads[HOLDERS];
    atomic_store(&done, false);
    truly[reader->seat_id][1] = domain->id;
    pthread_t looker = thread_start(look_often, reader);
    for (int i = 0; i < HOLDERS; i++)
        threads[i] = thread_start(be_there_often, NULL);
    for (int i = 0; i < HOLDERS; i++)
        thread_join(threads[i]);
    atomic_store(&done, true);
    thread_join(looker);
    check(compare_all() > 1);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void among_threads_of_a_participant(void **state)
{
    (void)state;
    hand_on_all(true);
}

static void among_participants(void **state)
{
    (void)state;
    hand_on_all(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(among_threads_of_a_participant),
        WORLD_TEST(among_participants),
        WORLD_TEST(who_looks_sees_each_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
