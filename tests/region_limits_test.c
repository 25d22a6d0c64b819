/* region_limits_test.c - regions where memory, addresses, rights or /proc are short.
 *
 * Each test has a child of its own for what cannot be taken back: mounts, limits, other users.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/region.h"
#include "support/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

enum { SMALL = 1 << 20 };

static void run_child(child_main *run)
{
    struct child child = child_start(run, NULL);
    child_join(&child);
}

/* --- a full file system ---------------------------------------------------------------------- */

static uint64_t free_bytes(void)
{
    struct statvfs status;
    check(statvfs(world_dir(), &status) == 0);
    return (uint64_t)status.f_bavail * status.f_frsize;
}

static void fill_up(int wire, void *argument)
{
    (void)wire, (void)argument;
    char options[64];
    snprintf(options, sizeof options, "size=%d,mode=0700", SMALL);
    own_mounts();
    check(mount("eddy-test", world_dir(), "tmpfs", 0, options) == 0);
    eddy_domain *domain = open_domain();
    struct eddy_region_options big = {.bytes = 2 * SMALL}, half = {.bytes = SMALL / 2};
    eddy_region *region = NULL, *other = NULL, *guest = NULL;
    uint64_t before = free_bytes();
    must_fail(eddy_region_create(domain, "a", &big, &region), EDDY_ENOMEM);
    must_fail(eddy_region_create_path(in_world("p"), &big, &region), EDDY_ENOMEM);
    same(free_bytes(), before); /* what was had on the way is given back */
    must(eddy_region_create(domain, "a", &half, &region));
    memset(eddy_region_writable_data(region), 7, SMALL / 2);
    must(eddy_region_attach(domain, "a", NULL, &guest));
    before = free_bytes();
    must_fail(eddy_region_grow(region, 3 * SMALL), EDDY_ENOMEM);
    must_fail(eddy_region_grow(region, SMALL), EDDY_ENOMEM);
    same(free_bytes(), before);
    same(eddy_region_bytes(region), SMALL / 2); /* and it is as it was */
    same(eddy_region_refresh(guest), 0);
    same(get(region, SMALL / 2 - 1), 7);
    must_fail(eddy_region_create_path(in_world("p"), &half, &other), EDDY_ENOMEM);
    check(!is_there(in_world("p")));
    must(eddy_region_grow(region, SMALL / 2 + 3 * PAGE));
    put(region, SMALL / 2 + 3 * PAGE - 1, 1);
    same(eddy_region_refresh(guest), 1);
    must(eddy_region_close(guest));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void a_full_file_system_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    need_mounts();
    run_child(fill_up);
}

static void fail_half_way(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct stat before, after;
    struct rlimit longest = {9u << 20, 9u << 20};
    struct eddy_region_options options = of_bytes(SMALL);
    signal(SIGXFSZ, SIG_IGN);
    check(setrlimit(RLIMIT_FSIZE, &longest) == 0);
    eddy_region *region = create_at(in_world("a"), &options);
    check(fstat(eddy_region_fd(region), &before) == 0);
    must_fail(eddy_region_grow(region, 16u << 20), EDDY_ESYS); /* some of it was to be had */
    check(fstat(eddy_region_fd(region), &after) == 0);
    same(after.st_blocks, before.st_blocks);
    same(after.st_size, SMALL);
    same(get(region, SMALL - 1), 0);
    must(eddy_region_grow(region, 2 * SMALL));
    must(eddy_region_close(region));
}

static void what_was_reserved_in_vain_is_given_back(void **state)
{
    (void)state;
    need_tmpfs(); /* others keep what they have reserved for themselves */
    run_child(fail_half_way);
}

/* --- few addresses --------------------------------------------------------------------------- */

static void live_with_few_addresses(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct rlimit few = {UINT64_C(1) << 30, UINT64_C(1) << 30};
    check(setrlimit(RLIMIT_AS, &few) == 0);
    eddy_region *region = NULL;
    struct eddy_region_options options = {.bytes = PAGE, .flags = EDDY_REGION_SPARSE};
    region = create_at(in_world("a"), &options);
    uint64_t limit = info_of(region).limit_bytes;
    check(limit >= PAGE && limit < UINT64_C(1) << 30);
    must(eddy_region_grow(region, limit));
    must_fail(eddy_region_grow(region, limit + 1), EDDY_ELIMIT);
    must(eddy_region_close(region));
    options.limit_bytes = UINT64_C(2) << 30;
    must_fail(eddy_region_create_path(in_world("a"), &options, &region), EDDY_ENOMEM);
    says("ulimit -v");
    options = (struct eddy_region_options){.bytes = UINT64_C(2) << 30,
                                           .flags = EDDY_REGION_SPARSE | EDDY_REGION_RANDOM};
    must_fail(eddy_region_create_path(in_world("a"), &options, &region), EDDY_ENOMEM);
    check(!is_there(in_world("a")));
}

static void a_small_address_space_makes_for_a_lower_limit(void **state)
{
    (void)state;
    if (SANITIZED)
        skip_because("a sanitizer needs more addresses itself");
    run_child(live_with_few_addresses);
}

/* --- locked memory --------------------------------------------------------------------------- */

static void lock_too_much(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct rlimit few = {64 * PAGE, 64 * PAGE};
    check(setrlimit(RLIMIT_MEMLOCK, &few) == 0);
    check(setresuid(12345, 12345, 12345) == 0); /* root may lock all it wants */
    eddy_region *region = NULL;
    struct eddy_region_options options = {
        .bytes = 65 * PAGE, .flags = EDDY_REGION_LOCK, .cleanup = EDDY_CLEANUP_AUTO};
    must(eddy_region_create_nameless(&options, &region));
    check(!info_of(region).locked);
    must(eddy_region_close(region));
    options.flags |= EDDY_REGION_STRICT;
    must_fail(eddy_region_create_nameless(&options, &region), EDDY_ENOMEM);
    says("ulimit -l");
    options.bytes = 60 * PAGE;
    must(eddy_region_create_nameless(&options, &region));
    check(info_of(region).locked);
    must_fail(eddy_region_grow(region, 70 * PAGE), EDDY_ENOMEM);
    same(eddy_region_bytes(region), 60 * PAGE); /* valid, as it was */
    put(region, 60 * PAGE - 1, 1);
    must(eddy_region_close(region));
}

static void locking_is_a_wish_unless_strict(void **state)
{
    (void)state;
    if (SANITIZED)
        skip_because("under a sanitizer mlock does nothing");
    need_others();
    run_child(lock_too_much);
}

/* --- other users ----------------------------------------------------------------------------- */

static void somebody_else(int wire, void *argument)
{
    (void)argument;
    int ends = -1;
    eddy_region *region = NULL;
    struct eddy_region_options foreign = {.flags = EDDY_REGION_FOREIGN};
    struct eddy_region_options replacing = {.bytes = 1, .flags = EDDY_REGION_REPLACE};
    struct eddy_region_options reading = {.map = EDDY_MAP_READ};
    check(setresuid(12345, 12345, 12345) == 0);
    must_fail(eddy_region_attach_path(in_world("theirs"), NULL, &region), EDDY_EACCES);
    must_fail(eddy_region_attach_path(in_world("closed"), &foreign, &region), EDDY_EACCES);
    must_fail(eddy_region_attach_path(in_world("readable"), &foreign, &region), EDDY_EACCES);
    foreign.map = EDDY_MAP_READ;
    region = attach_at(in_world("readable"), &foreign);
    must_fail(eddy_region_own(region), EDDY_EACCES);
    must(eddy_region_close(region));
    must_fail(eddy_region_attach_path(in_world("readable"), &reading, &region), EDDY_EACCES);
    says("belongs to user");
    must_fail(eddy_region_create_path(in_world("theirs"), &replacing, &region), EDDY_EACCES);
    must_fail(eddy_region_create_path(in_world("open/theirs"), &replacing, &region), EDDY_EACCES);
    says("not a regular file of yours");
    ends = open(in_world("readable"), O_RDONLY);
    must_fail(eddy_region_attach_fd(dup(ends), 0, &reading, &region), EDDY_EACCES);
    must(eddy_region_attach_fd(ends, 0, &foreign, &region));
    must(eddy_region_close(region));
    wire_say(wire, WIRE_READY);
    /* A sealed one may come from anybody. */
    foreign.flags = 0;
    must(eddy_region_receive(wire, &foreign, patience(), &region));
    must(eddy_region_close(region));
    must_fail(eddy_region_receive(wire, &foreign, patience(), &region), EDDY_EACCES);
    says("seal");
}

static void files_of_other_users_are_refused_unless_meant(void **state)
{
    (void)state;
    need_others();
    check(chmod(world_dir(), 01777) == 0 && mkdir(in_world("open"), 0700) == 0);
    check(chmod(in_world("open"), 0777) == 0); /* whoever likes may remove what is in it */
    close(open(in_world("open/theirs"), O_CREAT | O_WRONLY, 0600));
    struct eddy_region_options options = {.bytes = 10, .mode = 0666};
    eddy_region *theirs = create_at(in_world("theirs"), &options);
    options.mode = 0600;
    eddy_region *closed = create_at(in_world("closed"), &options);
    options.mode = 0644;
    eddy_region *readable = create_at(in_world("readable"), &options);
    eddy_region *nameless = create_nameless(10, 0);
    struct child child = child_start(somebody_else, NULL);
    wire_expect(child.wire, WIRE_READY);
    must(eddy_region_send(nameless, child.wire, EDDY_MAP_READ, patience()));
    must(eddy_region_send(readable, child.wire, EDDY_MAP_READ, patience()));
    child_join(&child);
    must(eddy_region_close(nameless));
    must(eddy_region_close(readable));
    must(eddy_region_close(closed));
    must(eddy_region_close(theirs));
    check(is_there(in_world("open/theirs")));
    world_remove_tree(in_world("open"));
}

/* --- no /proc -------------------------------------------------------------------------------- */

static void live_without_proc(int wire, void *argument)
{
    (void)wire, (void)argument;
    own_mounts();
    check(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
    struct eddy_region_options options = {.bytes = 100, .mode = 0640};
    eddy_region *region = create_at(in_world("a"), &options), *other = NULL;
    same(world_files(), 1); /* no temporary name is left */
    same(mode_of(in_world("a")), 0640);
    check(strcmp(eddy_region_path(region), in_world("a")) == 0);
    must_fail(eddy_region_create_path(in_world("a"), &options, &other), EDDY_EEXIST);
    same(world_files(), 1);
    options.flags = EDDY_REGION_REPLACE;
    other = create_at(in_world("a"), &options);
    same(world_files(), 1);
    must(eddy_region_close(region));
    same(world_files(), 1);
    must(eddy_region_close(other));
    same(world_files(), 0);
    eddy_domain *domain = open_domain();
    region = create_named(domain, "a", 100);
    same(world_files(), 3);
    must(eddy_region_close(region));
    same(world_files(), 1);
    must(eddy_domain_close(domain));
}

/* As on file systems that have no nameless files. */
static void without_nameless_files_temporary_names_do(void **state)
{
    (void)state;
    need_mounts();
    run_child(live_without_proc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_full_file_system_is_an_error_and_changes_nothing),
        WORLD_TEST(what_was_reserved_in_vain_is_given_back),
        WORLD_TEST(a_small_address_space_makes_for_a_lower_limit),
        WORLD_TEST(locking_is_a_wish_unless_strict),
        WORLD_TEST(files_of_other_users_are_refused_unless_meant),
        WORLD_TEST(without_nameless_files_temporary_names_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
