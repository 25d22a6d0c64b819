/* join_fork_test.c - a forked child has joined nothing, and its parent goes on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "join_standin.h"
#include "support/child.h"
#include "support/thread.h"
#include "support/world.h"

#include "allocator/join/table.h"

#include <unistd.h>

enum { JOINERS = 3, FORKS = 100 };

static char adopted_handle;

static void adopt(void)
{
    struct eddy_adoption a = {.name = "mine",
                              .handle = &adopted_handle,
                              .memory = (void *)(UINT64_C(1) << 30),
                              .page_bytes = STANDIN_PAGE,
                              .pages = 1};
    must(eddy_join_adopt_enter(&a, false));
}

/* --- the child ------------------------------------------------------------------------------- */

static void joined_nothing(void *handle)
{
    same(eddy_join_list(NULL, 0), 0);
    must_fail(eddy_join_find("x1", NULL), EDDY_ENOENT);
    must_fail(eddy_join_find("mine", NULL), EDDY_ENOENT);
    must_fail(eddy_join_find_handle(handle, NULL), EDDY_ENOENT);
    must_fail(eddy_join_find_address(handle, 1, NULL), EDDY_ENOENT);
    must_fail(eddy_leave(handle), EDDY_EFORKED);
    must_fail(eddy_join_disown(&adopted_handle, NULL), EDDY_EFORKED);
    *(char *)handle = 9; /* the mapping is there as before */
}

static void joins_anew(void *inherited)
{
    adopt(); /* the same name, handle and memory */
    must(eddy_join_disown(&adopted_handle, NULL));
    void *handle = standin_joined("x1");
    check(handle != inherited);
    same(references_of("x1"), 1);
    must_fail(eddy_leave(inherited), EDDY_EFORKED);
    must(eddy_leave(handle));
    same(eddy_join_list(NULL, 0), 0);
}

static void grandchild(int wire, void *handle)
{
    (void)wire;
    joined_nothing(handle);
    joins_anew(handle);
}

/* Generations are alike until they use a handle again for something of their own. */
static void child(int wire, void *handle)
{
    struct child own = child_start(grandchild, handle);
    child_join(&own);
    grandchild(wire, handle);
}

static void a_child_has_joined_nothing_and_joins_anew(void **state)
{
    (void)state;
    void *handle = standin_joined("x1");
    adopt();
    struct child c = child_start(child, handle);
    child_join(&c);
    same(eddy_join_list(NULL, 0), 2);
    same(references_of("x1"), 1);
    same(*(char *)handle, 9); /* shared memory is shared */
    must(eddy_join_disown(&adopted_handle, NULL));
    must(eddy_leave(handle));
}

/* --- without fork() --------------------------------------------------------------------------------- */

extern pid_t _Fork(void);

static void join_anew(void)
{
    adopt();
    must(eddy_join_disown(&adopted_handle, NULL));
    void *handle = standin_joined("x1");
    must(eddy_leave(handle));
    same(eddy_join_list(NULL, 0), 0);
}

/* Its parent is in the middle of a change. */
static void a_child_that_was_not_forked_finds_no_lock_taken(void **state)
{
    (void)state;
    bool hung;
    void *handle = standin_joined("x1");
    eddy_join_lock();
    pid_t pid = _Fork();
    if (pid == 0) {
        alarm(PATIENCE_MS / 1000);
        join_anew();
        _exit(0);
    }
    eddy_join_unlock();
    struct child child = {.pid = pid, .wire = -1};
    same(child_status(&child, PATIENCE_MS, &hung), 0);
    must(eddy_leave(handle));
}

/* --- forking in a hook ----------------------------------------------------------------------- */

static pid_t forked;

static void *fork_at_attach(void *context, const struct eddy_join_info *info, int *error)
{
    (void)info, (void)error;
    forked = fork();
    check(forked >= 0);
    return context;
}

static void fork_at_detach(void *context, const struct eddy_join_info *info)
{
    (void)fork_at_attach(context, info, NULL);
}

/* In the child the call says so, and all is as in any other child. */
static void the_child_was_told(int error)
{
    if (forked == 0) {
        must_fail(error, EDDY_EFORKED);
        same(eddy_join_list(NULL, 0), 0);
        must(eddy_leave(standin_joined("x1")));
        _exit(0);
    }
    struct child c = {.pid = forked, .wire = -1};
    must(error);
    bool hung;
    same(child_status(&c, PATIENCE_MS, &hung), 0);
    check(!hung);
}

static void a_hook_may_fork(void **state)
{
    (void)state;
    struct eddy_join_options options = {
        .attach = fork_at_attach, .detach = fork_at_detach, .context = &forked};
    the_child_was_told(standin_join("x1", &options, NULL, NULL));
    the_child_was_told(eddy_leave(&forked));
}

/* --- forking while others join --------------------------------------------------------------- */

static atomic_bool over;

static void *attach_context(void *context, const struct eddy_join_info *info, int *error)
{
    (void)info, (void)error;
    return context;
}

static void *join_until_over(void *argument)
{
    struct eddy_join_options options = {.attach = attach_context, .context = argument};
    while (!atomic_load(&over)) {
        void *handle;
        must(standin_join("x1", NULL, NULL, &handle));
        must(standin_join("x2", &options, NULL, NULL));
        must(eddy_leave(argument));
        must(eddy_leave(handle));
    }
    return NULL;
}

static void join_once(int wire, void *argument)
{
    (void)wire, (void)argument;
    same(eddy_join_list(NULL, 0), 0);
    must(eddy_leave(standin_joined("x1")));
    must(eddy_leave(standin_joined("x2")));
}

static void regression_forking_while_others_join_hangs_nobody(void **state)
{
    (void)state;
    static char handle;
    pthread_t threads[JOINERS];
    atomic_store(&over, false);
    for (int i = 0; i < JOINERS; i++)
        threads[i] = thread_start(join_until_over, &handle);
    for (int i = 0; i < FORKS; i++) {
        struct child c = child_start(join_once, NULL);
        child_join(&c);
    }
    atomic_store(&over, true);
    for (int i = 0; i < JOINERS; i++)
        thread_join(threads[i]);
}

/* --- forking while the table is in the works ------------------------------------------------- */

static volatile bool in_the_works; /* as the child finds it */

static void *work_until_over(void *argument)
{
    (void)argument;
    while (!atomic_load(&over)) {
        eddy_join_lock();
        in_the_works = true;
        for (volatile int i = 0; i < 1000; i++)
            ;
        in_the_works = false;
        eddy_join_unlock();
    }
    return NULL;
}

static void table_is_whole(int wire, void *argument)
{
    (void)wire, (void)argument;
    check(!in_the_works);
}

static void a_fork_waits_until_the_table_is_whole(void **state)
{
    (void)state;
    atomic_store(&over, false);
    pthread_t thread = thread_start(work_until_over, NULL);
    for (int i = 0; i < FORKS; i++) {
        struct child c = child_start(table_is_whole, NULL);
        child_join(&c);
    }
    atomic_store(&over, true);
    thread_join(thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STANDIN_TEST(a_child_that_was_not_forked_finds_no_lock_taken),
        STANDIN_TEST(a_child_has_joined_nothing_and_joins_anew),
        STANDIN_TEST(a_hook_may_fork),
        STANDIN_TEST(regression_forking_while_others_join_hangs_nobody),
        STANDIN_TEST(a_fork_waits_until_the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
