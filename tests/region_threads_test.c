/* region_threads_test.c - one handle in many threads; many handles in one process; forks between.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/region.h"
#include "support/thread.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { STEPS = SANITIZED ? 1000 : 2000, WATCHERS = 2 };

/* --- growing under others' eyes -------------------------------------------------------------- */

static eddy_region *grown, *followed;
static _Atomic uint64_t written; /* all before this offset of `grown` */

static unsigned char value_at(uint64_t offset)
{
    return (unsigned char)(offset / PAGE * 7 + 1);
}

/* What bytes() says can be touched, and holds what was written. */
static void *watch(void *argument)
{
    eddy_region *region = argument;
    for (uint64_t all = 0; all < STEPS * PAGE;) {
        uint64_t sure = atomic_load(&written);
        all = eddy_region_bytes(region);
        get(region, all - 1); /* nothing else tells that it is mapped */
        if (region == followed)
            check(eddy_region_refresh(region) >= 0);
        uint64_t last = (sure < all ? sure : all) / PAGE;
        for (uint64_t page = last > 8 ? last - 8 : 0; page < last; page++)
            same(get(region, page * PAGE + 5), value_at(page * PAGE + 5));
        check(eddy_region_at(region, 0, all) == eddy_region_data(region));
        info_of(region);
    }
    return NULL;
}

static void bytes_says_no_more_than_is_mapped(void **state)
{
    (void)state;
    struct eddy_region_options options = of_bytes(PAGE);
    pthread_t watchers[2 * WATCHERS];
    written = 0;
    grown = create_at(in_world("a"), &options);
    followed = attach_at(in_world("a"), NULL);
    for (int i = 0; i < 2 * WATCHERS; i++)
        watchers[i] = thread_start(watch, i % 2 ? grown : followed);
    for (uint64_t page = 0; page < STEPS; page++) {
        must(eddy_region_grow(grown, (page + 1) * PAGE));
        put(grown, page * PAGE + 5, value_at(page * PAGE + 5));
        atomic_store(&written, (page + 1) * PAGE);
    }
    for (int i = 0; i < 2 * WATCHERS; i++)
        thread_join(watchers[i]);
    must(eddy_region_close(followed));
    must(eddy_region_close(grown));
}

/* --- one owner ------------------------------------------------------------------------------- */

static _Atomic int owners;

static void *take_turns(void *argument)
{
    eddy_region *region = argument;
    for (int i = 0; i < STEPS / 4;) {
        int error = eddy_region_own(region);
        check(error == EDDY_OK || error == EDDY_EBUSY);
        if (error)
            continue;
        check(atomic_fetch_add(&owners, 1) == 0);
        check(eddy_region_refresh(region) >= 0);
        must(eddy_region_grow(region, eddy_region_bytes(region) + 1));
        atomic_fetch_sub(&owners, 1);
        must(eddy_region_disown(region));
        i++;
    }
    return NULL;
}

static void it_has_one_owner_at_a_time(void **state)
{
    (void)state;
    enum { VIEWS = 4 };
    eddy_domain *domain = open_domain();
    eddy_region *views[VIEWS] = {create_named(domain, "a", 1)};
    pthread_t threads[VIEWS];
    must(eddy_region_disown(views[0]));
    for (int i = 1; i < VIEWS; i++)
        views[i] = attach_named(domain, "a");
    for (int i = 0; i < VIEWS; i++)
        threads[i] = thread_start(take_turns, views[i]);
    for (int i = 0; i < VIEWS; i++)
        thread_join(threads[i]);
    must(eddy_region_own(views[0]));
    same(size_of(eddy_region_path(views[0])), 1 + VIEWS * (STEPS / 4));
    for (int i = VIEWS - 1; i >= 0; i--)
        must(eddy_region_close(views[i]));
    must(eddy_domain_close(domain));
}

/* --- rights ---------------------------------------------------------------------------------- */

static _Atomic bool done;

static void *flip_rights(void *region)
{
    while (!done) {
        must(eddy_region_protect(region, EDDY_MAP_READ));
        check(eddy_region_writable_data(region) == NULL);
        must(eddy_region_protect(region, EDDY_MAP_READ_WRITE));
        put(region, 0, 1);
    }
    return NULL;
}

static void rights_reach_what_grows_meanwhile(void **state)
{
    (void)state;
    struct eddy_region_options options = of_bytes(1);
    eddy_region *region = create_at(in_world("a"), &options);
    done = false;
    pthread_t flipper = thread_start(flip_rights, region);
    for (uint64_t pages = 1; pages <= STEPS / 4; pages++)
        must(eddy_region_grow(region, pages * PAGE));
    done = true;
    thread_join(flipper);
    for (uint64_t page = 0; page < STEPS / 4; page++)
        put(region, page * PAGE + 1, 2);
    must(eddy_region_close(region));
}

/* --- coming and going ------------------------------------------------------------------------ */

static void *come_and_go(void *domain)
{
    for (int i = 0; i < STEPS / 10; i++) {
        eddy_region *region = NULL;
        struct eddy_region_options options = of_bytes(64);
        int error = eddy_region_create(domain, "a", &options, &region);
        check(error == EDDY_OK || error == EDDY_EEXIST);
        if (error)
            error = eddy_region_attach(domain, "a", NULL, &region);
        check(error == EDDY_OK || error == EDDY_ENOENT);
        if (!error) {
            same(eddy_region_bytes(region), 64);
            put(region, 63, 1);
            must(eddy_region_close(region));
        }
    }
    return NULL;
}

static void a_name_leads_to_a_whole_region_or_to_none(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain(), *other = open_domain();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = thread_start(come_and_go, i % 2 ? domain : other);
    for (int i = 0; i < 4; i++)
        thread_join(threads[i]);
    must(eddy_domain_close(domain));
    must(eddy_domain_close(other));
}

/* --- forks ----------------------------------------------------------------------------------- */

static void *create_and_close(void *argument)
{
    (void)argument;
    struct eddy_region_options options = of_bytes(64);
    while (!done)
        must(eddy_region_close(create_at(in_world("b"), &options)));
    return NULL;
}

/* Whenever a child is forked, it owns nothing: what its parent gives up is free although the child
 * lives on. */
static void a_child_forked_at_any_time_holds_no_lock(void **state)
{
    (void)state;
    enum { FORKS = 60 };
    pid_t children[FORKS];
    done = false;
    eddy_region *heir, *region;
    struct eddy_region_options options = of_bytes(64);
    pthread_t busy = thread_start(create_and_close, NULL);
    for (int i = 0; i < FORKS; i++) {
        region = create_at(in_world("a"), &options);
        heir = attach_at(in_world("a"), NULL);
        children[i] = fork();
        if (children[i] == 0) {
            pause();
            _exit(1);
        }
        check(children[i] > 0);
        must(eddy_region_disown(region));
        must(eddy_region_own(heir));
        must(eddy_region_close(region));
        must(eddy_region_close(heir));
        check(!is_there(in_world("a")));
    }
    done = true;
    thread_join(busy);
    for (int i = 0; i < FORKS; i++) {
        kill(children[i], SIGKILL);
        check(waitpid(children[i], NULL, 0) == children[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(bytes_says_no_more_than_is_mapped),
        WORLD_TEST(it_has_one_owner_at_a_time),
        WORLD_TEST(rights_reach_what_grows_meanwhile),
        WORLD_TEST(a_name_leads_to_a_whole_region_or_to_none),
        WORLD_TEST(a_child_forked_at_any_time_holds_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
