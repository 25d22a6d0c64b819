/* region_faults_test.c - what goes wrong elsewhere with shared memory objects, and not here.
 *
 * Each test is a fault that was seen in a simple mapping of a file (w3) or of a shared memory
 * object (w2), by its number in spec/origins.md.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/region.h"

#include <errno.h>
#include <sys/mman.h>

static const struct eddy_region_options four_kib = {.bytes = PAGE};

/* --- shared memory objects ------------------------------------------------------------------- */

static void w2_1_creating_takes_nothing_over(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *first = create_named(domain, "a", PAGE), *second = NULL;
    put(first, 0, 0x77);
    must_fail(eddy_region_create(domain, "a", &four_kib, &second), EDDY_EEXIST);
    struct eddy_region_options replacing = {.bytes = PAGE, .flags = EDDY_REGION_REPLACE};
    must(eddy_region_create(domain, "a", &replacing, &second));
    same(get(second, 0), 0);
    put(second, 0, 1);
    same(get(first, 0), 0x77);
    must(eddy_region_close(first));
    must(eddy_region_close(second));
    must(eddy_domain_close(domain));
}

static void w2_2_closing_removes_no_name_but_ones_own(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *first = create_named(domain, "a", PAGE), *second = NULL;
    struct eddy_region_options replacing = {.bytes = PAGE, .flags = EDDY_REGION_REPLACE};
    must(eddy_region_create(domain, "a", &replacing, &second));
    must(eddy_region_close(first));
    eddy_region *found = attach_named(domain, "a");
    same(info_of(found).inode, info_of(second).inode);
    must(eddy_region_close(found));
    must(eddy_region_close(second));
    must(eddy_domain_close(domain));
}

static void huge_owner(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    struct eddy_region_options options = {.bytes = UINT64_C(64) << 30, .flags = EDDY_REGION_SPARSE};
    eddy_region *region = NULL;
    must(eddy_region_create(domain, "a", &options, &region));
    memset(eddy_region_writable_data(region), 1, 1 << 20);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void w2_3_what_a_killed_owner_leaves_is_found_and_freed(void **state)
{
    (void)state;
    struct eddy_gc_report report;
    eddy_domain *other = open_domain();
    struct child child = child_start(huge_owner, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
    must(eddy_gc(NULL, &report));
    same(report.objects_removed, 1);
    check(report.bytes_freed >= 1 << 20);
    same(world_files(), 1);
    must(eddy_domain_close(other));
}

static void w2_4_the_mode_is_what_was_asked_for(void **state)
{
    (void)state;
    mode_t before = umask(0);
    eddy_domain *domain = open_domain();
    eddy_region *region = create_named(domain, "a", PAGE);
    same(mode_of(eddy_region_path(region)), 0600);
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
    umask(before);
}

/* Nothing that Eddy does makes a file shorter; a nameless region nobody can. */
static void w2_5_one_that_is_passed_on_cannot_be_truncated(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(10 * PAGE, 0), *guest = NULL;
    must(eddy_region_attach_fd(dup(eddy_region_fd(region)), 0, NULL, &guest));
    check(ftruncate(eddy_region_fd(guest), 0) != 0 && errno == EPERM);
    same(get(region, 10 * PAGE - 1), 0);
    must(eddy_region_close(guest));
    must(eddy_region_close(region));
}

static void w2_5_one_that_was_truncated_is_told(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    eddy_region *guest = attach_at(in_world("a"), NULL);
    check(truncate(in_world("a"), 100) == 0);
    must_fail(eddy_region_refresh(guest), EDDY_ESEGMENT);
    says("shorter");
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
}

/* --- mapped files ---------------------------------------------------------------------------- */

enum { ROUNDS = 2000 };

static void refreshing_guest(int wire, void *argument)
{
    (void)argument;
    eddy_region *guest = attach_at(in_world("a"), NULL);
    wire_say(wire, WIRE_READY);
    while (eddy_region_bytes(guest) < (ROUNDS + 1) * PAGE)
        check(eddy_region_refresh(guest) >= 0);
    must(eddy_region_close(guest));
}

static void w3_1_refreshing_never_makes_the_file_shorter(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    struct child children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = child_start(refreshing_guest, NULL);
        wire_expect(children[i].wire, WIRE_READY);
    }
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        must(eddy_region_grow(owner, (i + 1) * PAGE));
        put(owner, i * PAGE, (unsigned char)i);
        same(size_of(in_world("a")), (i + 1) * PAGE);
    }
    for (uint64_t i = 1; i <= ROUNDS; i++)
        same(get(owner, i * PAGE), i & 0xff);
    child_join(&children[0]);
    child_join(&children[1]);
    must(eddy_region_close(owner));
}

static void w3_2_a_guest_changes_no_size(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    eddy_region *guest = attach_at(in_world("a"), NULL);
    must(eddy_region_grow(owner, 4 * PAGE));
    must_fail(eddy_region_grow(guest, 2 * PAGE), EDDY_EACCES);
    must_fail(eddy_region_grow(guest, 8 * PAGE), EDDY_EACCES);
    same(size_of(in_world("a")), 4 * PAGE);
    same(get(owner, 4 * PAGE - 1), 0);
    /* The new owner's wish is less than what there is by now: nothing is cut off. */
    must(eddy_region_disown(owner));
    must(eddy_region_own(guest));
    must(eddy_region_grow(guest, 2 * PAGE));
    same(size_of(in_world("a")), 4 * PAGE);
    same(eddy_region_bytes(guest), 4 * PAGE);
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
}

static void w3_3_old_addresses_stay_good(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    volatile unsigned char *old = eddy_region_writable_data(owner);
    void *neighbours[200];
    for (uint64_t i = 1; i <= 200; i++) {
        must(eddy_region_grow(owner, (i * 50 + 1) * PAGE));
        neighbours[i - 1] = mmap(NULL, 16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        old[i] = (unsigned char)i;
    }
    check(old == eddy_region_data(owner));
    for (uint64_t i = 1; i <= 200; i++) {
        same(get(owner, i), i);
        munmap(neighbours[i - 1], 16 * PAGE);
    }
    must(eddy_region_close(owner));
}

static void w3_4_the_size_of_a_descriptor_is_looked_at(void **state)
{
    (void)state;
    eddy_region *guest = NULL;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    must_fail(eddy_region_attach_fd(dup(eddy_region_fd(owner)), 2 * PAGE, NULL, &guest),
              EDDY_EBOUNDS);
    must(eddy_region_attach_fd(dup(eddy_region_fd(owner)), 0, NULL, &guest));
    same(eddy_region_bytes(guest), PAGE);
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
}

static void w3_5_creating_leaves_a_file_in_use_alone(void **state)
{
    (void)state;
    struct eddy_region_options big = {.bytes = 16 * PAGE}, replacing = {.bytes = 1};
    eddy_region *first = create_at(in_world("a"), &big), *second = NULL;
    put(first, 15 * PAGE, 5);
    must_fail(eddy_region_create_path(in_world("a"), &four_kib, &second), EDDY_EEXIST);
    says(in_world("a"));
    replacing.flags = EDDY_REGION_REPLACE;
    second = create_at(in_world("a"), &replacing);
    same(get(first, 15 * PAGE), 5); /* whole, and no SIGBUS */
    same(size_of(in_world("a")), 1);
    must(eddy_region_close(first)); /* and removes nothing of the newcomer's */
    check(is_there(in_world("a")));
    must(eddy_region_close(second));
    check(!is_there(in_world("a")));
}

static void w3_6_a_failure_leaves_nothing(void **state)
{
    (void)state;
    need_tmpfs(); /* others call it too large a file */
    eddy_region *region = NULL;
    eddy_domain *domain = open_domain();
    unsigned descriptors = open_descriptors(), maps = mappings();
    struct eddy_region_options sizes[] = {
        {.bytes = UINT64_C(1) << 48, .flags = EDDY_REGION_SPARSE}, /* no such addresses */
        {.bytes = UINT64_C(1) << 44},                              /* no such memory */
        {.bytes = PAGE, .limit_bytes = UINT64_C(1) << 60},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        must_fail(eddy_region_create_path(in_world("a"), &sizes[i], &region), EDDY_ENOMEM);
        must_fail(eddy_region_create(domain, "a", &sizes[i], &region), EDDY_ENOMEM);
        sizes[i].cleanup = EDDY_CLEANUP_AUTO;
        must_fail(eddy_region_create_nameless(&sizes[i], &region), EDDY_ENOMEM);
    }
    check(region == NULL);
    same(world_files(), 1);
    same(open_descriptors(), descriptors);
    check(mappings() <= maps + 1);
    must(eddy_domain_close(domain));
}

static void w3_7_symbolic_links_are_not_followed(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    struct eddy_region_options replacing = {.bytes = 1, .flags = EDDY_REGION_REPLACE};
    int victim = open(in_world("victim"), O_CREAT | O_RDWR, 0600);
    check(victim >= 0 && ftruncate(victim, 100000) == 0);
    check(symlink("victim", in_world("link")) == 0);
    check(symlink("nowhere", in_world("dangling")) == 0);
    static const char *const links[] = {"link", "dangling"};
    for (int i = 0; i < 2; i++) {
        must_fail(eddy_region_create_path(in_world(links[i]), &four_kib, &region), EDDY_EEXIST);
        must_fail(eddy_region_create_path(in_world(links[i]), &replacing, &region), EDDY_EACCES);
        says(in_world(links[i]));
        must_fail(eddy_region_attach_path(in_world(links[i]), NULL, &region), EDDY_EACCES);
        says("symbolic link");
    }
    same(size_of(in_world("victim")), 100000);
    same(mode_of(in_world("victim")), 0600);
    check(!is_there(in_world("nowhere")) && region == NULL);
    close(victim);
    world_is_dirty();
}

static void w3_7_nor_what_is_no_regular_file(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    struct eddy_region_options replacing = {.bytes = 1, .flags = EDDY_REGION_REPLACE};
    check(mkfifo(in_world("fifo"), 0600) == 0 && mkdir(in_world("folder"), 0700) == 0);
    static const char *const names[] = {"fifo", "folder"};
    for (int i = 0; i < 2; i++) {
        must_fail(eddy_region_create_path(in_world(names[i]), &replacing, &region), EDDY_EACCES);
        must_fail(eddy_region_attach_path(in_world(names[i]), NULL, &region), EDDY_EACCES);
        struct eddy_region_options reading = {.map = EDDY_MAP_READ};
        must_fail(eddy_region_attach_path(in_world(names[i]), &reading, &region), EDDY_EACCES);
        says(in_world(names[i]));
    }
    world_is_dirty();
}

static void w3_8_files_that_others_may_write_are_refused(void **state)
{
    (void)state;
    eddy_region *guest = NULL;
    struct eddy_region_options options = {.bytes = 1, .mode = 0666};
    struct eddy_region_options meant = {.flags = EDDY_REGION_FOREIGN};
    eddy_region *owner = create_at(in_world("a"), &options);
    must_fail(eddy_region_attach_path(in_world("a"), NULL, &guest), EDDY_EACCES);
    says("0666");
    says("EDDY_REGION_FOREIGN");
    guest = attach_at(in_world("a"), &meant);
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
}

static void w3_10_memory_is_there_to_the_last_byte_of_the_last_page(void **state)
{
    (void)state;
    struct stat status;
    struct eddy_region_options options = of_bytes(PAGE + 1);
    eddy_region *owner = create_at(in_world("a"), &options);
    check(fstat(eddy_region_fd(owner), &status) == 0);
    same(status.st_blocks * 512, 2 * PAGE);
    put(owner, PAGE, 1);
    must(eddy_region_close(owner));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(w2_1_creating_takes_nothing_over),
        WORLD_TEST(w2_2_closing_removes_no_name_but_ones_own),
        WORLD_TEST(w2_3_what_a_killed_owner_leaves_is_found_and_freed),
        WORLD_TEST(w2_4_the_mode_is_what_was_asked_for),
        WORLD_TEST(w2_5_one_that_is_passed_on_cannot_be_truncated),
        WORLD_TEST(w2_5_one_that_was_truncated_is_told),
        WORLD_TEST(w3_1_refreshing_never_makes_the_file_shorter),
        WORLD_TEST(w3_2_a_guest_changes_no_size),
        WORLD_TEST(w3_3_old_addresses_stay_good),
        WORLD_TEST(w3_4_the_size_of_a_descriptor_is_looked_at),
        WORLD_TEST(w3_5_creating_leaves_a_file_in_use_alone),
        WORLD_TEST(w3_6_a_failure_leaves_nothing),
        WORLD_TEST(w3_7_symbolic_links_are_not_followed),
        WORLD_TEST(w3_7_nor_what_is_no_regular_file),
        WORLD_TEST(w3_8_files_that_others_may_write_are_refused),
        WORLD_TEST(w3_10_memory_is_there_to_the_last_byte_of_the_last_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
