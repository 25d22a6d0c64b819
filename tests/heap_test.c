/* heap_test.c - publishing and taking allocate nothing.
 *
 * The test's own malloc stands in front of the C library's and counts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <stdatomic.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *address);

#define EXPORTED __attribute__((visibility("default"))) /* else the library does not see them */

static atomic_ulong calls;

EXPORTED void *malloc(size_t size)
{
    atomic_fetch_add(&calls, 1);
    return __libc_malloc(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(&calls, 1);
    return __libc_calloc(count, size);
}

EXPORTED void *realloc(void *old, size_t size)
{
    atomic_fetch_add(&calls, 1);
    return __libc_realloc(old, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&calls, 1);
    return __libc_memalign(alignment, size);
}

EXPORTED int posix_memalign(void **result, size_t alignment, size_t size)
{
    atomic_fetch_add(&calls, 1);
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : 12;
}

EXPORTED void free(void *address)
{
    if (address)
        atomic_fetch_add(&calls, 1);
    __libc_free(address);
}

static void the_count_sees_the_librarys_calls(void **state)
{
    (void)state;
    unsigned long before = atomic_load(&calls);
    eddy_domain *domain = open_domain();
    check(atomic_load(&calls) > before);
    before = atomic_load(&calls);
    must(eddy_domain_close(domain));
    check(atomic_load(&calls) > before);
}

static void round_trips(struct pair *pair, int count)
{
    struct eddy_sample kept[4] = {0};
    for (int i = 0; i < count; i++) {
        struct eddy_sample *sample = &kept[i % 4];
        payload_publish(pair->writer, (size_t)(64 + i % 1000), 1, (uint64_t)i);
        if (sample->data)
            must(eddy_reader_release(pair->reader, sample));
        must(eddy_reader_wait(pair->reader, EDDY_POLL));
        must(eddy_reader_take(pair->reader, sample));
        must_fail(eddy_reader_wait(pair->reader, EDDY_POLL), EDDY_EAGAIN);
    }
    for (int i = 0; i < 4; i++)
        must(eddy_reader_release(pair->reader, &kept[i]));
}

static void round_trips_allocate_nothing(const struct eddy_writer_options *writing,
                                         const struct eddy_reader_options *reading)
{
    struct pair pair = pair_open(writing, reading);
    round_trips(&pair, 2000);
    unsigned long before = atomic_load(&calls);
    round_trips(&pair, 100000);
    same(atomic_load(&calls), before);
    pair_close(&pair);
}

static void reliable_round_trips_allocate_nothing(void **state)
{
    (void)state;
    round_trips_allocate_nothing(NULL, NULL);
}

static void best_effort_round_trips_allocate_nothing(void **state)
{
    (void)state;
    round_trips_allocate_nothing(&(struct eddy_writer_options){.history = 8},
                                 &(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT});
}

static void waiting_on_a_wait_set_allocates_nothing(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_waitset *waitset;
    must(eddy_waitset_open(pair.domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, pair.reader, EDDY_WAIT_LEVEL, &pair));
    unsigned long before = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        void *found;
        size_t count;
        if (i == 1000)
            before = atomic_load(&calls);
        payload_publish(pair.writer, 64, 1, i);
        must(eddy_waitset_wait(waitset, EDDY_FOREVER, &found, 1, &count));
        same(payload_take(pair.reader).number, i);
    }
    same(atomic_load(&calls), before);
    must(eddy_waitset_close(waitset));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_count_sees_the_librarys_calls),
        WORLD_TEST(reliable_round_trips_allocate_nothing),
        WORLD_TEST(best_effort_round_trips_allocate_nothing),
        WORLD_TEST(waiting_on_a_wait_set_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
