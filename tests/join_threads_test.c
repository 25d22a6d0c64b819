/* join_threads_test.c - threads that join and leave the same regions, and hooks that need others'.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "join_standin.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include "allocator/join/table.h"

#include <sched.h>
#include <stdio.h>

enum { THREADS = 4, RING = 5, REGIONS = 6, ROUNDS = SANITIZED ? 3000 : 30000 };

/* --- a thread whose hook stands still -------------------------------------------------------- */

/* A thread that joins a region and stands in one of its hooks until it is let go. */
struct stand {
    const char *name, *then; /* when let go, attach joins `then` */
    bool refuses, at_detach;
    int error, nested; /* of the join, and of the one in the hook */
    void *handle, *nested_handle;
    atomic_bool in_hook, go;
    pthread_t thread;
};

static void wait_for(atomic_bool *flag)
{
    for (uint64_t deadline = patience(); !atomic_load(flag); sched_yield())
        check(eddy_now() < deadline);
}

static void stand_still(struct stand *s)
{
    atomic_store(&s->in_hook, true);
    wait_for(&s->go);
}

static void *attach(void *context, const struct eddy_join_info *info, int *error)
{
    (void)info;
    struct stand *s = context;
    if (!s->at_detach)
        stand_still(s);
    if (s->then)
        *error = s->nested = standin_join(s->then, NULL, NULL, &s->nested_handle);
    return s->refuses || s->nested ? NULL : s;
}

static void detach(void *context, const struct eddy_join_info *info)
{
    (void)info;
    struct stand *s = context;
    if (s->nested_handle)
        must(eddy_leave(s->nested_handle));
    if (s->at_detach)
        stand_still(s);
}

static void *join_standing(void *argument)
{
    struct stand *s = argument;
    struct eddy_join_options options = {.attach = attach, .detach = detach, .context = s};
    s->error = standin_join(s->name, &options, NULL, &s->handle);
    if (s->at_detach)
        must(eddy_leave(s->handle));
    return NULL;
}

static void stand_start(struct stand *s)
{
    s->thread = thread_start(join_standing, s);
    wait_for(&s->in_hook);
}

static void stand_finish(struct stand *s)
{
    atomic_store(&s->go, true);
    thread_join(s->thread);
}

/* A thread that joins without hooks. */
static void *join_plainly(void *argument)
{
    struct stand *s = argument;
    s->error = standin_join(s->name, NULL, NULL, &s->handle);
    return NULL;
}

static bool is_waited_for(const char *name)
{
    eddy_join_lock();
    const struct eddy_join_name *found = eddy_join_name_find(name);
    bool waited_for = found && found->entry->waiting;
    eddy_join_unlock();
    return waited_for;
}

static void until_waited_for(const char *name)
{
    for (uint64_t deadline = patience(); !is_waited_for(name); sched_yield())
        check(eddy_now() < deadline);
}

/* --- waiting for each other ------------------------------------------------------------------ */

static void a_join_waits_for_the_one_that_maps(void **state)
{
    (void)state;
    struct stand first = {.name = "x1"}, second = {.name = "x1"};
    stand_start(&first);
    second.thread = thread_start(join_plainly, &second);
    until_waited_for("x1");
    stand_finish(&first);
    thread_join(second.thread);
    must(first.error);
    must(second.error);
    check(second.handle == &first);
    same(references_of("x1"), 2);
    same(standin.maps, 1);
    must(eddy_leave(&first));
    must(eddy_leave(&first));
}

static void a_join_that_fails_leaves_it_to_the_one_that_waits(void **state)
{
    (void)state;
    struct stand first = {.name = "x1", .refuses = true}, second = {.name = "x1"};
    stand_start(&first);
    second.thread = thread_start(join_plainly, &second);
    until_waited_for("x1");
    stand_finish(&first);
    thread_join(second.thread);
    must_fail(first.error, EDDY_ESYS);
    must(second.error);
    same(references_of("x1"), 1);
    must(eddy_leave(second.handle));
}

static void a_join_waits_for_the_last_leave(void **state)
{
    (void)state;
    struct stand first = {.name = "x1", .at_detach = true}, second = {.name = "x1"};
    stand_start(&first);
    must_fail(eddy_leave(&first), EDDY_ENOENT); /* somebody else is leaving it */
    second.thread = thread_start(join_plainly, &second);
    until_waited_for("x1");
    same(standin.maps, 1);
    stand_finish(&first);
    thread_join(second.thread);
    must(second.error);
    same(standin.maps, 2);
    same(standin.unmaps, 1);
    must(eddy_leave(second.handle));
}

static void another_name_waits_as_well(void **state)
{
    (void)state;
    struct stand first = {.name = "x1"}, second = {.name = "y1"};
    stand_start(&first);
    second.thread = thread_start(join_plainly, &second);
    until_waited_for("x1");
    stand_finish(&first);
    thread_join(second.thread);
    check(second.handle == &first);
    same(references_of("y1"), 2);
    must(eddy_leave(&first));
    must(eddy_leave(&first));
}

static void regression_others_join_while_a_hook_runs(void **state)
{
    (void)state;
    struct stand first = {.name = "x1"};
    struct eddy_join_info info;
    stand_start(&first);
    must(eddy_leave(standin_joined("x2")));
    must(eddy_join_find("x1", &info));
    same(info.references, -1);
    same(eddy_join_list(&info, 1), 1);
    stand_finish(&first);
    must(eddy_leave(&first));
}

/* --- circles over several threads ------------------------------------------------------------ */

/* Each thread stands in the hook of a region and then joins the next one's. */
static void join_in_a_ring(struct stand *stands, int count)
{
    static char names[RING][16];
    int refused = 0;
    for (int i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "x%d", i);
        stands[i].name = names[i];
        stands[i].then = names[(i + 1) % count];
    }
    for (int i = 0; i < count; i++)
        stand_start(&stands[i]);
    for (int i = 0; i < count; i++)
        atomic_store(&stands[i].go, true);
    for (int i = 0; i < count; i++) {
        thread_join(stands[i].thread);
        refused += stands[i].nested == EDDY_ELOOP;
        check(stands[i].nested == 0 || stands[i].nested == EDDY_ELOOP);
        must_fail(stands[i].error, stands[i].nested);
    }
    same(refused, 1); /* the last to ask, and nobody else */
    for (int i = 0; i < count; i++)
        if (!stands[i].error)
            must(eddy_leave(&stands[i]));
}

static void regression_a_circle_of_threads_is_found(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        for (int count = 2; count <= RING; count++) {
            struct stand stands[RING] = {{0}};
            join_in_a_ring(stands, count);
            same(eddy_join_list(NULL, 0), 0);
        }
    }
}

/* --- many at once ---------------------------------------------------------------------------- */

static _Atomic int live[REGIONS]; /* attached less detached */
static char handles[REGIONS];

static void region_name(char name[16], unsigned i, bool other)
{
    snprintf(name, 16, "%c%u", other ? 'y' : 'x', i);
}

static void *attach_live(void *context, const struct eddy_join_info *info, int *error);
static void detach_live(void *context, const struct eddy_join_info *info);

static int join_live(unsigned i, uint64_t *seed, struct eddy_join_info *info)
{
    char name[16];
    struct eddy_join_options options = {.attach = attach_live,
                                        .detach = detach_live,
                                        .context = &handles[i],
                                        .map = (enum eddy_map)(*seed >> 20 & 1)};
    region_name(name, i, *seed >> 21 & 1);
    return standin_join(name, &options, info, NULL);
}

/* Each region needs the one with the next lower number; now and then it refuses. */
static void *attach_live(void *context, const struct eddy_join_info *info, int *error)
{
    static _Atomic uint64_t attaches;
    unsigned i = (unsigned)((char *)context - handles);
    uint64_t seed = atomic_fetch_add(&attaches, 1) * UINT64_C(0x9e3779b97f4a7c15);
    check(info->references == -1 && atomic_fetch_add(&live[i], 1) == 0);
    *error = i ? join_live(i - 1, &seed, NULL) : EDDY_OK;
    if (i && !*error && (seed >> 40 & 15) == 0) {
        must(eddy_leave(&handles[i - 1]));
        *error = EDDY_EBUSY;
    }
    if (!*error)
        return context;
    atomic_fetch_sub(&live[i], 1);
    return NULL;
}

static void detach_live(void *context, const struct eddy_join_info *info)
{
    unsigned i = (unsigned)((char *)context - handles);
    check(info->references == -1 && atomic_fetch_sub(&live[i], 1) == 1);
    if (i)
        must(eddy_leave(&handles[i - 1]));
}

/* Joined: it is attached, and its memory is there. */
static void use(unsigned i, const struct eddy_join_info *info)
{
    struct eddy_join_info found;
    check(info->handle == &handles[i] && atomic_load(&live[i]) == 1);
    check(*(volatile char *)info->address == 0);
    must(eddy_join_find_address((char *)info->address + info->bytes - 1, 1, &found));
    check(found.address == info->address && found.references >= 1);
    must(eddy_join_find_handle(info->handle, &found));
}

static void *join_and_leave(void *argument)
{
    uint64_t seed = *(uint64_t *)argument;
    struct eddy_join_info info;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)(payload_random(&seed) % REGIONS);
        int error = join_live(i, &seed, &info);
        check(error == EDDY_OK || error == EDDY_EBUSY);
        if (error)
            continue;
        use(i, &info);
        must(eddy_leave(info.handle));
    }
    return NULL;
}

static void threads_join_and_leave_all_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t seeds[THREADS], seed = payload_seed();
    for (int i = 0; i < THREADS; i++) {
        seeds[i] = payload_random(&seed);
        threads[i] = thread_start(join_and_leave, &seeds[i]);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    for (int i = 0; i < REGIONS; i++)
        same(live[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STANDIN_TEST(a_join_waits_for_the_one_that_maps),
        STANDIN_TEST(a_join_that_fails_leaves_it_to_the_one_that_waits),
        STANDIN_TEST(a_join_waits_for_the_last_leave),
        STANDIN_TEST(another_name_waits_as_well),
        STANDIN_TEST(regression_others_join_while_a_hook_runs),
        STANDIN_TEST(regression_a_circle_of_threads_is_found),
        STANDIN_TEST(threads_join_and_leave_all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
