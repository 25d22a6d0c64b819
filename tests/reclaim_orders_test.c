/* reclaim_orders_test.c - who is told that its sample has ended comes after those who read it, also if
 * somebody else has ended it.  spec/protocols.md, "Reclaiming"
 *
 * The shadow is what the sample stands for: read while the sample is held, written before it is
 * published and when it has ended.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"
#include "transport/topic/reclaim.h"

#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = SANITIZED ? 300 : 100, BYTES = 64 << 10 };

static eddy_domain *domain;
static eddy_writer *writer, *other;
static eddy_reader *reader;
static uint64_t shadow;
/* How far they are.  Relaxed throughout: the test must not order what the engine should. */
static atomic_uint published, released, taken, absent, had, reclaimed, freed, slot;

static void say(atomic_uint *how_far, unsigned round)
{
    atomic_store_explicit(how_far, round, memory_order_relaxed);
}

static void await(atomic_uint *how_far, unsigned round)
{
    while (atomic_load_explicit(how_far, memory_order_relaxed) < round)
        sched_yield();
}

static struct eddy_place its_place(void)
{
    struct eddy_place p = {0};
    must(eddy_slot_find(writer->segment, atomic_load_explicit(&slot, memory_order_relaxed), &p));
    return p;
}

static void *read_each(void *unused)
{
    struct eddy_sample sample;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        await(&published, round);
        while (eddy_reader_take(reader, &sample) != EDDY_OK)
            sched_yield();
        same(shadow_read(&shadow), round);
        must(eddy_reader_release(reader, &sample));
        say(&released, round);
    }
    return unused;
}

static void *publish_each(void *unused)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        struct eddy_loan loan;
        struct eddy_limit limit;
        shadow_write(&shadow, round);
        must(eddy_writer_loan(writer, BYTES, patience(), &loan));
        must(eddy_writer_publish(writer, &loan, BYTES, patience()));
        const struct eddy_published sample = eddy_writer_published(writer, &loan);
        say(&slot, loan.slot);
        say(&published, round);
        await(&had, round);
        do
            limit = eddy_writer_reclaim_limit(writer, false);
        while (!eddy_writer_reclaim(writer, &sample, &limit));
        shadow_write(&shadow, 0);
        say(&reclaimed, round);
        await(&freed, round);
    }
    return unused;
}

static void play(void *(*const *others)(void *), int count)
{
    pthread_t threads[4];
    domain = open_domain();
    writer = open_writer(domain, "ends", NULL);
    other = open_writer(domain, "ends", NULL);
    reader = open_reader(domain, "ends", NULL);
    published = released = taken = absent = had = reclaimed = freed = slot = 0;
    threads[0] = thread_start(publish_each, NULL);
    threads[1] = thread_start(read_each, NULL);
    for (int i = 0; i < count; i++)
        threads[2 + i] = thread_start(others[i], NULL);
    for (int i = 0; i < 2 + count; i++)
        thread_join(threads[i]);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(other));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static struct eddy_limit claim(struct eddy_place *p)
{
    struct eddy_limit limit;
    do
        limit = eddy_writer_reclaim_limit(other, false);
    while (!eddy_slot_claim(other->segment, p, other->me, &limit));
    return limit;
}

/* --- another writer has the slot ------------------------------------------------------------- */

static void *claim_each(void *unused)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        await(&released, round);
        struct eddy_place p = its_place();
        (void)claim(&p);
        say(&had, round);
        await(&reclaimed, round);
        eddy_slot_discard(other->segment, &p);
        say(&freed, round);
    }
    return unused;
}

static void who_finds_its_slot_claimed_comes_after_its_readers(void **state)
{
    (void)state;
    static void *(*const others[])(void *) = {claim_each};
    play(others, 1);
}

/* --- its memory went, and came back ----------------------------------------------------------- */

static void *withdraw_each(void *unused)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        await(&released, round);
        struct eddy_place p = its_place();
        const struct eddy_limit limit = claim(&p);
        eddy_slot_withdraw(p.slot);
        while (eddy_blocks_trim(other->segment, other->me, &limit, UINT64_MAX, BYTES) == 0)
            sched_yield();
        say(&absent, round);
    }
    return unused;
}

/* What else it gets is anybody's. */
static bool grow_it(struct eddy_place *p)
{
    enum { NOBODY = 100 };
    if (eddy_slot_grow(other->segment, BYTES, NOBODY, p) != EDDY_OK)
        return false;
    if (eddy_place_id(p) == atomic_load_explicit(&slot, memory_order_relaxed))
        return true;
    eddy_slot_give_up(p->slot);
    return false;
}

static void *grow_each(void *unused)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        struct eddy_place p;
        await(&absent, round);
        while (!grow_it(&p))
            sched_yield();
        say(&had, round);
        await(&reclaimed, round);
        eddy_slot_give_up(p.slot);
        say(&freed, round);
    }
    return unused;
}

static void so_it_does_if_the_memory_went_and_came_back(void **state)
{
    (void)state;
    static void *(*const others[])(void *) = {withdraw_each, grow_each};
    play(others, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_finds_its_slot_claimed_comes_after_its_readers),
        WORLD_TEST(so_it_does_if_the_memory_went_and_came_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
