/* region_named_test.c - regions by name: names, modes, the two life cycles, fork.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/region.h"

#include <signal.h>
#include <sys/wait.h>

static const struct eddy_region_options four_kib = {.bytes = PAGE};

static bool has_flink(const char *name)
{
    char file[100];
    snprintf(file, sizeof file, "%s.region.flink", name);
    return is_there(in_world(file));
}

/* --- the two life cycles --------------------------------------------------------------------- */

static void worker(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_region *region = attach_named(domain, "m");
    same(eddy_region_bytes(region), 100);
    check(!info_of(region).owned && !info_of(region).created);
    for (uint64_t i = 0; i < 100; i++)
        put(region, i, (unsigned char)(i + 1));
    wire_say(wire, WIRE_DONE);
    must(eddy_region_close(region)); /* and takes nothing along */
    must(eddy_domain_close(domain));
}

static void a_creator_that_only_reads_watches_one_that_writes(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct eddy_region_options observing = {.bytes = 100, .map = EDDY_MAP_READ};
    eddy_region *region = NULL;
    must(eddy_region_create(domain, "/m", &observing, &region)); /* "/m" is "m" */
    check(info_of(region).created && info_of(region).owned);
    same(info_of(region).mode, 0600);
    struct child child = child_start(worker, NULL);
    wire_expect(child.wire, WIRE_DONE);
    for (uint64_t i = 0; i < 100; i++)
        same(get(region, i), i + 1);
    check(eddy_region_writable_data(region) == NULL);
    child_join(&child);
    check(has_flink("m") && is_there(eddy_region_path(region)));
    must(eddy_region_close(region));
    check(!has_flink("m"));
    same(world_files(), 1); /* the registry */
    must(eddy_domain_close(domain));
}

static void scribbler(int wire, void *argument)
{
    (void)wire;
    *(volatile char *)(uintptr_t)eddy_region_data(argument) = '!';
}

static void writing_to_a_view_that_reads_is_a_fault_of_the_page(void **state)
{
    (void)state;
    bool hung;
    struct eddy_region_options observing = {.bytes = 100, .map = EDDY_MAP_READ};
    eddy_domain *domain = open_domain();
    eddy_region *region = NULL;
    must(eddy_region_create(domain, "m", &observing, &region));
    struct child child = child_start(scribbler, region);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    same(get(region, 0), 0);
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void names_that_are_none_are_refused(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = NULL;
    char longest[80], name[80];
    memset(longest, 'x', sizeof longest);
    longest[EDDY_REGION_NAME_MAX] = 0;
    static const char *const bad[] = {"",   "/",  "//a", "a/b",       ".a",
                                      "-a", "_a", "a b", "a\xc3\xa9", "a%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        must_fail(eddy_region_create(domain, bad[i], &four_kib, &region), EDDY_EINVAL);
        must_fail(eddy_region_attach(domain, bad[i], NULL, &region), EDDY_EINVAL);
    }
    memcpy(name, longest, sizeof name);
    memcpy(name + EDDY_REGION_NAME_MAX, "y", 2);
    must_fail(eddy_region_create(domain, name, &four_kib, &region), EDDY_EINVAL);
    must_fail(eddy_region_create(domain, NULL, &four_kib, &region), EDDY_EINVAL);
    must_fail(eddy_region_create(NULL, "a", &four_kib, &region), EDDY_EINVAL);
    check(region == NULL);
    must(eddy_region_create(domain, longest, &four_kib, &region));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void options_that_are_none_are_refused(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = NULL;
    struct eddy_region_options bad[] = {{.bytes = 0},
                                        {.bytes = 1, .mode = 0664},
                                        {.bytes = 1, .mode = 0602},
                                        {.bytes = 1, .cleanup = EDDY_CLEANUP_AUTO},
                                        {.bytes = 1, .page_bytes = 2u << 20},
                                        {.bytes = 1, .flags = 1u << 31}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail(eddy_region_create(domain, "a", &bad[i], &region), EDDY_EINVAL);
    must_fail(eddy_region_attach(domain, "a", NULL, &region), EDDY_ENOENT);
    check(region == NULL);
    same(world_files(), 1);
    must(eddy_domain_close(domain));
}

static void modes_are_exact(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    mode_t before = umask(077);
    static const uint32_t modes[] = {0600, 0640, 0660, 0400};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct eddy_region_options options = {.bytes = 1, .mode = modes[i]};
        eddy_region *region = NULL;
        must(eddy_region_create(domain, "a", &options, &region));
        same(mode_of(eddy_region_path(region)), modes[i]);
        struct eddy_region_options reading = {.map = EDDY_MAP_READ};
        eddy_region *guest = NULL;
        must(eddy_region_attach(domain, "a", &reading, &guest));
        must(eddy_region_close(guest));
        must(eddy_region_close(region));
    }
    umask(before);
    must(eddy_domain_close(domain));
}

/* --- handles --------------------------------------------------------------------------------- */

static void a_domain_does_not_close_under_its_regions(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region = create_named(domain, "a", 1), *guest = attach_named(domain, "a");
    must_fail(eddy_domain_close(domain), EDDY_EBUSY);
    must(eddy_region_close(region));
    must_fail(eddy_domain_close(domain), EDDY_EBUSY);
    must(eddy_region_close(guest));
    must(eddy_domain_close(domain));
}

static void nothing_is_left_open(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    unsigned descriptors = open_descriptors(), maps = mappings();
    for (int i = 0; i < 20; i++) {
        eddy_region *region = create_named(domain, "a", 100), *other = NULL;
        eddy_region *guest = attach_named(domain, "a");
        must_fail(eddy_region_create(domain, "a", &four_kib, &other), EDDY_EEXIST);
        must_fail(eddy_region_attach(domain, "b", NULL, &other), EDDY_ENOENT);
        must_fail(eddy_region_own(guest), EDDY_EBUSY);
        must(eddy_region_disown(region));
        must(eddy_region_own(guest));
        must(eddy_region_close(guest));
        must(eddy_region_close(region));
    }
    same(open_descriptors(), descriptors);
    check(mappings() <= maps + 1);
    must(eddy_domain_close(domain));
}

static eddy_region *inherited;

static void forked_child(int wire, void *argument)
{
    (void)wire;
    eddy_region *other = NULL;
    struct eddy_region_info info;
    int ends[2];
    check(pipe(ends) == 0);
    must_fail(eddy_region_grow(inherited, 8192), EDDY_EFORKED);
    must_fail(eddy_region_refresh(inherited), EDDY_EFORKED);
    must_fail(eddy_region_own(inherited), EDDY_EFORKED);
    must_fail(eddy_region_disown(inherited), EDDY_EFORKED);
    must_fail(eddy_region_protect(inherited, EDDY_MAP_READ), EDDY_EFORKED);
    must_fail(eddy_region_punch(inherited, 0, 1), EDDY_EFORKED);
    must_fail(eddy_region_describe(inherited, &info), EDDY_EFORKED);
    must_fail(eddy_region_send(inherited, ends[0], EDDY_MAP_READ, EDDY_POLL), EDDY_EFORKED);
    must_fail(eddy_region_seal(inherited, EDDY_SEAL_GROW), EDDY_EFORKED);
    must_fail(eddy_region_create(argument, "b", &four_kib, &other), EDDY_EFORKED);
    must_fail(eddy_region_attach(argument, "a", NULL, &other), EDDY_EFORKED);
    must_fail(eddy_region_close(inherited), EDDY_EFORKED);
}

static void a_forked_child_has_no_part_in_it(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    inherited = create_named(domain, "a", 100);
    struct child child = child_start(forked_child, domain);
    child_join(&child);
    check(has_flink("a") && info_of(inherited).owned);
    must(eddy_region_grow(inherited, 8192));
    must(eddy_region_close(inherited));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_creator_that_only_reads_watches_one_that_writes),
        WORLD_TEST(writing_to_a_view_that_reads_is_a_fault_of_the_page),
        WORLD_TEST(names_that_are_none_are_refused),
        WORLD_TEST(options_that_are_none_are_refused),
        WORLD_TEST(modes_are_exact),
        WORLD_TEST(a_domain_does_not_close_under_its_regions),
        WORLD_TEST(nothing_is_left_open),
        WORLD_TEST(a_forked_child_has_no_part_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
