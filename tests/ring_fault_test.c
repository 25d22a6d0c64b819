/* ring_fault_test.c - faults that other rings of this kind have had; each was seen to happen there.
 *
 * Others are where they belong: in ring_test.c, ring_death_test.c, ring_crash_test.c,
 * ring_ladder_test.c and ring_stress_test.c, marked with F and a number.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"
#include "support/thread.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { SIZE = 200 };

/* F1: both got the same slot, and one of the two chunks was never written. */
static void a_second_loan_before_the_first_is_published_is_refused(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(4, SIZE);
    struct eddy_chunk first, second;
    must(eddy_ring_loan(p.producer, EDDY_POLL, &first));
    must_fail(eddy_ring_loan(p.producer, EDDY_POLL, &second), EDDY_EBUSY);
    must_fail(eddy_ring_loan(p.producer, EDDY_FOREVER, &second), EDDY_EBUSY);
    payload_fill(first.data, SIZE, 1, 0);
    must(eddy_ring_publish(p.producer, &first, SIZE));
    ring_take_release(p.consumer, 0);
    must_fail(eddy_ring_take(p.consumer, EDDY_POLL, &second), EDDY_EAGAIN);
    ring_pair_close(&p);
}

/* --- signals that interrupt ------------------------------------------------------------------ */

static atomic_uint interruptions;
static atomic_bool over;

static void interrupt(int number)
{
    (void)number;
    atomic_fetch_add(&interruptions, 1);
}

static void *pester(void *thread)
{
    while (!atomic_load(&over)) {
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        struct timespec nap = {0, 200000};
        nanosleep(&nap, NULL);
    }
    return NULL;
}

static pthread_t pester_me(pthread_t *self)
{
    struct sigaction action = {.sa_handler = interrupt}; /* no SA_RESTART */
    check(sigaction(SIGUSR1, &action, NULL) == 0);
    *self = pthread_self();
    atomic_store(&over, false);
    atomic_store(&interruptions, 0);
    return thread_start(pester, self);
}

static void leave_me(pthread_t thread)
{
    atomic_store(&over, true);
    thread_join(thread);
    check(atomic_load(&interruptions) > 3);
}

/* F5: it came back without room, and wrote where the consumer still read. */
static void a_signal_does_not_make_room(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(1, SIZE);
    struct eddy_chunk loan;
    struct payload payload;
    pthread_t self;
    ring_publish(p.producer, SIZE, 0);
    struct eddy_chunk held = ring_take(p.consumer, 0);
    pthread_t thread = pester_me(&self);
    uint64_t deadline = eddy_deadline(50 * MILLISECOND);
    must_fail(eddy_ring_loan(p.producer, deadline, &loan), EDDY_ETIMEDOUT);
    check(eddy_now() >= deadline);
    leave_me(thread);
    check(payload_whole(held.data, held.size, &payload));
    must(eddy_ring_release(p.consumer, &held));
    ring_pair_close(&p);
}

/* F6: it looked like the end of the time. */
static void a_signal_does_not_end_the_wait(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(1, SIZE);
    struct eddy_chunk chunk;
    pthread_t self, thread = pester_me(&self);
    uint64_t deadline = eddy_deadline(50 * MILLISECOND);
    must_fail(eddy_ring_take(p.consumer, deadline, &chunk), EDDY_ETIMEDOUT);
    check(eddy_now() >= deadline);
    leave_me(thread);
    ring_pair_close(&p);
}

/* --- threads --------------------------------------------------------------------------------- */

struct race {
    struct ring_pair pair;
    atomic_uint taken;
    struct eddy_chunk chunks[8];
    pthread_barrier_t start;
};

static void *take_one(void *argument)
{
    struct race *race = argument;
    struct eddy_chunk chunk;
    pthread_barrier_wait(&race->start);
    while (eddy_ring_take(race->pair.consumer, patience(), &chunk) == EDDY_OK) {
        unsigned i = atomic_fetch_add(&race->taken, 1);
        check(i < 8);
        race->chunks[i] = chunk;
    }
    return NULL;
}

/* F4: with the end of the stream in sight, two threads took the last chunk, or one took none. */
static void two_threads_never_take_more_than_there_is(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 200; round++) {
        struct race race = {.pair = ring_pair_open(8, 64)};
        pthread_t threads[3];
        uint64_t chunks = round % 9;
        pthread_barrier_init(&race.start, NULL, 4);
        for (int i = 0; i < 3; i++)
            threads[i] = thread_start(take_one, &race);
        pthread_barrier_wait(&race.start);
        for (uint64_t i = 0; i < chunks; i++)
            ring_publish(race.pair.producer, 64, i);
        must(eddy_ring_finish(race.pair.producer));
        for (int i = 0; i < 3; i++)
            thread_join(threads[i]);
        same(race.taken, chunks);
        pthread_barrier_destroy(&race.start);
        for (uint64_t p = 0; p < chunks; p++)
            must(eddy_ring_release(race.pair.consumer, &race.chunks[p]));
        ring_pair_close(&race.pair);
    }
}

/* Handles that come and go while the other side lives leave no thread and no descriptor behind. */
static unsigned count_of(const char *what)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/self/%s", what);
    DIR *dir = opendir(path);
    check(dir != NULL);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void a_watch_ends_with_its_handle(void **state)
{
    (void)state;
    eddy_ring *producer = ring_create("ring", EDDY_RING_PRODUCER, 2, SIZE);
    struct eddy_chunk chunk;
    unsigned threads = 0, files = 0;
    for (int i = 0; i < 300; i++) {
        eddy_ring *consumer = ring_attach("ring", EDDY_RING_CONSUMER);
        must_fail(eddy_ring_take(consumer, i % 2 ? EDDY_POLL : eddy_deadline(100000), &chunk),
                  i % 2 ? EDDY_EAGAIN : EDDY_ETIMEDOUT);
        must(eddy_ring_close(consumer));
        if (i == 10)
            threads = count_of("task"), files = count_of("fd");
    }
    /* One that was joined may still be on its way out of the kernel. */
    for (uint64_t end = patience(); count_of("task") > threads && eddy_now() < end;)
        usleep(1000);
    check(count_of("task") <= threads);
    check(count_of("fd") <= files);
    must(eddy_ring_close(producer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_second_loan_before_the_first_is_published_is_refused),
        WORLD_TEST(a_signal_does_not_make_room),
        WORLD_TEST(a_signal_does_not_end_the_wait),
        WORLD_TEST(two_threads_never_take_more_than_there_is),
        WORLD_TEST(a_watch_ends_with_its_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
