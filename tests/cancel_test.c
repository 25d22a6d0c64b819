/* cancel_test.c - threads are cancelled while they open, take and close: they end between two calls
 * of Eddy, never within one, and everybody goes on.
 *
 * The threads ask for their end where they have nothing open, so whatever is left afterwards was
 * left by a call that did not come to its end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/ring_pair.h"
#include "support/slots_pair.h"
#include "support/thread.h"
#include "support/usage.h"
#include "support/world.h"

#include <eddy/inspect.h>
#include <eddy/region.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = SANITIZED ? 60 : 300, HANGS_MS = 25000 };

/* --- what the threads do ----------------------------------------------------------------------- */

static eddy_domain *stays;
static eddy_writer *writes;

static void use_a_topic(void)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "own", NULL);
    payload_publish(writer, 64, 1, 1);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* Of another domain handle than the writer, so that taking maps. */
static void take_and_map(void)
{
    struct eddy_sample sample;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "t", NULL);
    payload_publish(writes, 64, 1, 1);
    must(eddy_reader_take(reader, &sample));
    must(eddy_reader_release(reader, &sample));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void use_a_wait_set(void)
{
    eddy_waitset *waitset;
    must(eddy_waitset_open(stays, &waitset));
    must(eddy_waitset_close(waitset));
}

static void use_a_ring(void)
{
    struct ring_pair pair = ring_pair_open(2, 64);
    ring_pair_close(&pair);
}

static void use_slots(void)
{
    struct slots_pair pair = slots_pair_open(4, 64, 2);
    slots_pair_close(&pair);
}

static void use_a_region(void)
{
    struct eddy_region_options options = {.bytes = 100};
    eddy_region *region;
    must(eddy_region_create(stays, "r", &options, &region));
    must(eddy_region_close(region));
}

static void look_around(void)
{
    eddy_snapshot *snapshot;
    must(eddy_snapshot_take(NULL, &snapshot));
    eddy_snapshot_free(snapshot);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
}

/* With EDDY_LOG: a failure is told while a lock is held. */
static void fail_to_detach(void)
{
    eddy_waitset *waitset;
    eddy_event *event;
    must(eddy_waitset_open(stays, &waitset));
    must(eddy_event_open(&event));
    must_fail(eddy_waitset_detach_event(waitset, event), EDDY_ENOENT);
    must(eddy_event_close(event));
    must(eddy_waitset_close(waitset));
}

/* --- cancelling them ---------------------------------------------------------------------------- */

static void (*use)(void);

static void *use_until_cancelled(void *unused)
{
    for (;;) {
        use();
        pthread_testcancel();
    }
    return unused;
}

static void cancel_after(unsigned loops)
{
    pthread_t thread = thread_start(use_until_cancelled, NULL);
    for (volatile unsigned i = 0; i < loops; i++)
        ;
    check(pthread_cancel(thread) == 0);
    thread_join(thread);
}

static void run(int wire, void *what)
{
    (void)wire;
    uint64_t seed = payload_seed();
    use = *(void (**)(void))what;
    stays = open_domain();
    writes = open_writer(stays, "t", NULL);
    use(); /* what is made once in a process is there */
    unsigned descriptors = usage_descriptors(), files = world_files();
    for (int i = 0; i < ROUNDS; i++)
        cancel_after((unsigned)(payload_random(&seed) % 400000));
    same(usage_descriptors(), descriptors);
    same(world_files(), files);
    use();
    must(eddy_writer_close(writes));
    must(eddy_domain_close(stays));
}

static void cancelled_in(void (*what)(void))
{
    bool hung = false;
    struct child child = child_start(run, (void *)&what);
    int status = child_status(&child, HANGS_MS, &hung);
    check(!hung);
    same(status, 0);
    must(eddy_domain_close(open_domain())); /* what it left goes with the next */
    world_must_be_empty();
}

static void a_topic(void **state)
{
    (void)state;
    cancelled_in(use_a_topic);
}

static void a_take_that_maps(void **state)
{
    (void)state;
    cancelled_in(take_and_map);
}

static void a_wait_set(void **state)
{
    (void)state;
    cancelled_in(use_a_wait_set);
}

static void a_ring(void **state)
{
    (void)state;
    cancelled_in(use_a_ring);
}

static void slots(void **state)
{
    (void)state;
    cancelled_in(use_slots);
}

static void a_region(void **state)
{
    (void)state;
    cancelled_in(use_a_region);
}

static void looking_around(void **state)
{
    (void)state;
    cancelled_in(look_around);
}

static void a_failure_that_is_told(void **state)
{
    (void)state;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC), old = dup(STDERR_FILENO);
    check(null >= 0 && old >= 0 && dup2(null, STDERR_FILENO) >= 0);
    check(setenv("EDDY_LOG", "debug", 1) == 0);
    cancelled_in(fail_to_detach);
    unsetenv("EDDY_LOG");
    check(dup2(old, STDERR_FILENO) >= 0);
    close(old);
    close(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_topic),        WORLD_TEST(a_take_that_maps),
        WORLD_TEST(a_wait_set),     WORLD_TEST(a_ring),
        WORLD_TEST(slots),          WORLD_TEST(a_region),
        WORLD_TEST(looking_around), WORLD_TEST(a_failure_that_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
