/* join_region_test.c - joins of regions by name, in a domain.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/world.h"

#include <dirent.h>
#include <eddy/join.h>
#include <eddy/region.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 10000 };

static eddy_region *create(eddy_domain *domain, const char *name)
{
    struct eddy_region_options options = {.bytes = BYTES};
    eddy_region *region;
    must(eddy_region_create(domain, name, &options, &region));
    return region;
}

static void *join(eddy_domain *domain, const char *name, enum eddy_map map,
                  struct eddy_join_info *info)
{
    struct eddy_join_options options = {.map = map};
    void *handle = NULL;
    must(eddy_join(domain, name, &options, info, &handle));
    return handle;
}

/* --- a region -------------------------------------------------------------------------------- */

static void read_and_write(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    struct eddy_join_info info;
    char *bytes = join(domain, "/a", EDDY_MAP_READ_WRITE, &info);
    same(info.bytes, BYTES);
    same(bytes[BYTES - 1], 1);
    bytes[0] = 2;
    must(eddy_leave(bytes));
    must_fail(eddy_join_find("a", NULL), EDDY_ENOENT);
    must(eddy_domain_close(domain));
    wire_say(wire, WIRE_DONE);
}

static void processes_join_one_region(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = create(domain, "a");
    struct eddy_join_info info;
    char *bytes = join(domain, "a", EDDY_MAP_READ_WRITE, &info);
    struct eddy_region_info about;
    must(eddy_region_describe(region, &about));
    check(info.device == about.device && info.inode == about.inode);
    check(info.page_bytes == about.page_bytes && info.address == bytes && !info.adopted);
    bytes[BYTES - 1] = 1;
    struct child child = child_start(read_and_write, NULL);
    wire_expect(child.wire, WIRE_DONE);
    child_join(&child);
    same(bytes[0], 2);
    same(*(const char *)eddy_region_data(region), 2);
    must(eddy_leave(bytes));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void a_join_may_fail(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct eddy_join_options options = {.map = 9};
    must_fail(eddy_join(domain, "a", NULL, NULL, NULL), EDDY_ENOENT);
    must_fail(eddy_join(domain, "..", NULL, NULL, NULL), EDDY_EINVAL);
    must_fail(eddy_join(domain, NULL, NULL, NULL, NULL), EDDY_EINVAL);
    must_fail(eddy_join(domain, "a", &options, NULL, NULL), EDDY_EINVAL);
    must_fail(eddy_join(NULL, "a", NULL, NULL, NULL), EDDY_EINVAL);
    same(eddy_join_list(NULL, 0), 0);
    must(eddy_domain_close(domain));
}

static void regression_an_empty_region_is_not_ready(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = create(domain, "a");
    check(ftruncate(eddy_region_fd(region), 0) == 0);
    must_fail(eddy_join(domain, "a", NULL, NULL, NULL), EDDY_ENOTREADY);
    check(ftruncate(eddy_region_fd(region), BYTES) == 0);
    must(eddy_leave(join(domain, "a", EDDY_MAP_READ, NULL)));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

/* --- rights ---------------------------------------------------------------------------------- */

static void write_to(int wire, void *address)
{
    (void)wire;
    *(volatile char *)address = 1;
}

static void a_view_for_reading_cannot_be_written(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = create(domain, "a");
    void *handle = join(domain, "a", EDDY_MAP_READ, NULL);
    struct child child = child_start(write_to, handle);
    bool hung;
    int status = child_status(&child, PATIENCE_MS, &hung);
    /* A sanitizer reports the signal in its own way. */
    check(!hung && status != 0 && (!WIFSIGNALED(status) || WTERMSIG(status) == SIGSEGV));
    must(eddy_leave(handle));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void regression_a_second_join_for_writing_can_write(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = create(domain, "a");
    struct eddy_join_info info;
    char *bytes = join(domain, "a", EDDY_MAP_READ, NULL);
    check(join(domain, "a", EDDY_MAP_READ_WRITE, &info) == bytes);
    same(info.map, EDDY_MAP_READ_WRITE);
    bytes[BYTES - 1] = 7;
    same(((const char *)eddy_region_data(region))[BYTES - 1], 7);
    must(eddy_leave(bytes));
    must(eddy_leave(bytes));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void who_may_only_read_joins_for_reading(void **state)
{
    (void)state;
    need_ordinary_user();
    eddy_domain *domain = open_domain();
    struct eddy_region_options options = {.bytes = BYTES, .mode = 0400};
    eddy_region *region;
    must(eddy_region_create(domain, "a", &options, &region));
    void *handle = join(domain, "a", EDDY_MAP_READ, NULL);
    must_fail(eddy_join(domain, "a", NULL, NULL, NULL), EDDY_EACCES);
    must(eddy_leave(handle));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

/* --- what a name means ----------------------------------------------------------------------- */

static void regression_a_name_means_what_it_meant_while_it_is_joined(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct eddy_join_info old, again, fresh;
    eddy_region *region = create(domain, "a");
    void *handle = join(domain, "a", EDDY_MAP_READ_WRITE, &old);
    must(eddy_region_close(region)); /* the name goes, the memory stays */
    region = create(domain, "a");
    check(join(domain, "a", EDDY_MAP_READ_WRITE, &again) == handle);
    check(again.references == 2 && again.inode == old.inode);
    memset(handle, 1, BYTES);
    must(eddy_leave(handle));
    must(eddy_leave(handle));
    handle = join(domain, "a", EDDY_MAP_READ_WRITE, &fresh);
    check(fresh.inode != old.inode);
    must(eddy_leave(handle));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void path_of(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s.region.flink", world_dir(), name);
}

static void two_flinks_to_one_region_are_one_join(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = create(domain, "a");
    char a[256], b[256];
    path_of(a, "a");
    path_of(b, "b");
    check(link(a, b) == 0);
    void *handle = join(domain, "a", EDDY_MAP_READ, NULL);
    struct eddy_join_info info;
    int error = eddy_join(domain, "b", NULL, &info, NULL);
    if (error == EDDY_OK) {
        check(info.handle == handle && info.references == 2 && info.map == EDDY_MAP_READ_WRITE);
        must(eddy_leave(handle));
    }
    check(unlink(b) == 0);
    must(eddy_leave(handle));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
    must(error);
}

static void a_domain_is_its_folder(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/other", world_dir());
    struct eddy_domain_options options = {.dir = path};
    eddy_domain *domain = open_domain(), *twin = open_domain(), *other;
    must(eddy_domain_open(&options, &other));
    eddy_region *region = create(domain, "a"), *another = create(other, "a");
    void *handle = join(domain, "a", EDDY_MAP_READ, NULL);
    check(join(twin, "a", EDDY_MAP_READ, NULL) == handle);
    must_fail(eddy_join(other, "a", NULL, NULL, NULL), EDDY_EEXIST);
    says(path);
    must(eddy_leave(handle));
    must(eddy_leave(handle));
    must(eddy_leave(join(other, "a", EDDY_MAP_READ, NULL)));
    must(eddy_region_close(region));
    must(eddy_region_close(another));
    must(eddy_domain_close(other));
    must(eddy_domain_close(twin));
    must(eddy_domain_close(domain));
    world_remove_tree(path);
}

static void a_join_outlives_the_handle_of_its_domain(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain(), *other = open_domain();
    eddy_region *region = create(domain, "a");
    char *bytes = join(other, "a", EDDY_MAP_READ_WRITE, NULL);
    must(eddy_domain_close(other));
    bytes[0] = 1;
    check(join(domain, "a", EDDY_MAP_READ, NULL) == bytes);
    must(eddy_leave(bytes));
    must(eddy_leave(bytes));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

/* --- costs and flags ------------------------------------------------------------------------- */

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    check(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void a_join_keeps_no_descriptor(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = create(domain, "a");
    unsigned before = descriptors();
    void *handle = join(domain, "a", EDDY_MAP_READ_WRITE, NULL);
    same(descriptors(), before);
    must(eddy_leave(handle));
    must_fail(eddy_join(domain, "b", NULL, NULL, NULL), EDDY_ENOENT);
    same(descriptors(), before);
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void flags_are_those_of_the_first_join(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *a = create(domain, "a"), *b = create(domain, "b");
    struct eddy_join_options options = {.flags = EDDY_REGION_RANDOM | EDDY_REGION_LOCK |
                                                 EDDY_REGION_STRICT};
    struct eddy_join_info one, two, again;
    must(eddy_join(domain, "a", &options, &one, NULL));
    must(eddy_join(domain, "b", &options, &two, NULL));
    must(eddy_join(domain, "a", NULL, &again, NULL));
    check(one.locked && again.locked);
    int64_t apart = (char *)one.address - (char *)two.address;
    check(apart > 16 * BYTES || apart < -16 * BYTES);
    must(eddy_leave(one.handle));
    must(eddy_leave(one.handle));
    must(eddy_leave(two.handle));
    must(eddy_region_close(a));
    must(eddy_region_close(b));
    must(eddy_domain_close(domain));
}

/* --- adopting, fork -------------------------------------------------------------------------- */

static void adopted_memory_may_shadow_a_region(void **state)
{
    (void)state;
    static _Alignas(4096) char memory[4096];
    eddy_domain *domain = open_domain();
    eddy_region *region = create(domain, "a");
    struct eddy_adoption adoption = {.name = "a",
                                     .handle = memory,
                                     .memory = memory,
                                     .page_bytes = sizeof memory,
                                     .pages = 1,
                                     .domain = domain};
    struct eddy_join_info info;
    must_fail(eddy_join_adopt(NULL), EDDY_EINVAL);
    must(eddy_join_adopt(&adoption));
    check(join(domain, "a", EDDY_MAP_READ, &info) == memory);
    check(info.adopted && info.shadows && info.references == 2);
    must(eddy_leave(memory));
    must(eddy_join_disown(memory, &info));
    must(eddy_region_close(region));
    must(eddy_join_adopt(&adoption));
    must(eddy_join_find("a", &info));
    check(info.adopted && !info.shadows);
    must(eddy_join_disown(memory, NULL));
    must(eddy_domain_close(domain));
}

struct inherited {
    eddy_domain *domain;
    void *handle;
};

static void use_inherited(int wire, void *argument)
{
    (void)wire;
    struct inherited *in = argument;
    must_fail(eddy_leave(in->handle), EDDY_EFORKED);
    must_fail(eddy_join(in->domain, "a", NULL, NULL, NULL), EDDY_EFORKED);
    *(char *)in->handle = 5;
    eddy_domain *own = open_domain();
    char *bytes = join(own, "a", EDDY_MAP_READ, NULL);
    check(bytes != in->handle && *bytes == 5);
    must(eddy_leave(bytes));
    must(eddy_domain_close(own));
}

static void a_child_joins_anew(void **state)
{
    (void)state;
    struct inherited in = {.domain = open_domain()};
    eddy_region *region = create(in.domain, "a");
    in.handle = join(in.domain, "a", EDDY_MAP_READ_WRITE, NULL);
    struct child child = child_start(use_inherited, &in);
    child_join(&child);
    same(*(char *)in.handle, 5);
    must(eddy_leave(in.handle));
    must(eddy_region_close(region));
    must(eddy_domain_close(in.domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(processes_join_one_region),
        WORLD_TEST(a_join_may_fail),
        WORLD_TEST(regression_an_empty_region_is_not_ready),
        WORLD_TEST(a_view_for_reading_cannot_be_written),
        WORLD_TEST(regression_a_second_join_for_writing_can_write),
        WORLD_TEST(who_may_only_read_joins_for_reading),
        WORLD_TEST(regression_a_name_means_what_it_meant_while_it_is_joined),
        WORLD_TEST(two_flinks_to_one_region_are_one_join),
        WORLD_TEST(a_domain_is_its_folder),
        WORLD_TEST(a_join_outlives_the_handle_of_its_domain),
        WORLD_TEST(a_join_keeps_no_descriptor),
        WORLD_TEST(flags_are_those_of_the_first_join),
        WORLD_TEST(adopted_memory_may_shadow_a_region),
        WORLD_TEST(a_child_joins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
