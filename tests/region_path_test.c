/* region_path_test.c - regions at paths: coming, sharing, going.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/region.h"

#include <stdlib.h>

static const struct eddy_region_options four_kib = {.bytes = PAGE};

/* --- coming ---------------------------------------------------------------------------------- */

static void what_one_writes_the_other_reads(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    put(owner, 0, 0x42);
    put(owner, 1, 0x43);
    eddy_region *guest = attach_at(in_world("a"), NULL);
    same(eddy_region_bytes(owner), PAGE);
    same(eddy_region_bytes(guest), PAGE);
    same(get(guest, 0), 0x42);
    same(get(guest, 1), 0x43);
    put(guest, 100, 7);
    same(get(owner, 100), 7);
    check(is_there(in_world("a")));
    check(eddy_region_data(owner) != eddy_region_data(guest));
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
}

static void no_size_is_refused_before_anything_is_touched(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    struct eddy_region_options none = {.bytes = 0};
    must_fail(eddy_region_create_path(in_world("a"), &none, &region), EDDY_EINVAL);
    says("size must be greater than 0");
    must_fail(eddy_region_create_path(in_world("a"), NULL, &region), EDDY_EINVAL);
    check(region == NULL && !is_there(in_world("a")));
}

static void an_empty_file_is_not_ready(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    close(open(in_world("empty"), O_CREAT | O_WRONLY, 0600));
    must_fail(eddy_region_attach_path(in_world("empty"), NULL, &region), EDDY_ENOTREADY);
    says(in_world("empty"));
    says("empty");
    check(region == NULL);
    unlink(in_world("empty"));
}

static void failures_name_the_path_and_the_reason(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    must_fail(eddy_region_attach_path(in_world("none"), NULL, &region), EDDY_ENOENT);
    says(in_world("none"));
    says("No such file");
    must_fail(eddy_region_create_path(in_world("no/folder"), &four_kib, &region), EDDY_ENOENT);
    says(in_world("no/folder"));
    says("No such file");
    static const char *const bad[] = {"", "/", "a/", ".", "..", "a/.."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail(eddy_region_create_path(bad[i], &four_kib, &region), EDDY_EINVAL);
    must_fail(eddy_region_create_path(NULL, &four_kib, &region), EDDY_EINVAL);
    check(region == NULL);
}

static void options_that_are_none_are_refused(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    struct eddy_region_options bad[] = {
        {.bytes = 1, .flags = 0x100},
        {.bytes = 1, .map = (enum eddy_map)7},
        {.bytes = 1, .mode = 0667},
        {.bytes = 1, .mode = 01600},
        {.bytes = 100, .limit_bytes = 99},
        {.bytes = UINT64_MAX},
        {.bytes = 1, .cleanup = EDDY_CLEANUP_AUTO},
        {.bytes = 1, .page_bytes = 12345},
        {.bytes = 1, .page_bytes = 2u << 20}, /* not on this file system */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail(eddy_region_create_path(in_world("a"), &bad[i], &region), EDDY_EINVAL);
    says("hugetlbfs");
    check(region == NULL && !is_there(in_world("a")));
}

static void the_size_is_kept_to_the_byte(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 5, PAGE - 1, PAGE, PAGE + 1, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct eddy_region_options options = of_bytes(sizes[i]);
        eddy_region *owner = create_at(in_world("a"), &options);
        same(eddy_region_bytes(owner), sizes[i]);
        same(size_of(in_world("a")), sizes[i]);
        same(info_of(owner).bytes, sizes[i]);
        check(eddy_region_at(owner, 0, sizes[i]) == eddy_region_data(owner));
        check(eddy_region_at(owner, sizes[i], 0) != NULL);
        check(eddy_region_at(owner, 0, sizes[i] + 1) == NULL);
        check(eddy_region_at(owner, sizes[i], 1) == NULL);
        check(eddy_region_at(owner, 1, UINT64_MAX) == NULL);
        check(eddy_region_at(owner, UINT64_MAX, 2) == NULL);
        for (uint64_t k = 0; k < sizes[i]; k++)
            same(get(owner, k), 0);
        must(eddy_region_close(owner));
    }
}

static void the_mode_is_exact_under_any_umask(void **state)
{
    (void)state;
    static const uint32_t modes[] = {0, 0600, 0644, 0660, 0666, 0640, 0400};
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        mode_t before = umask(masks[m]);
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
            struct eddy_region_options options = {.bytes = 1024, .mode = modes[i]};
            eddy_region *owner = create_at(in_world("a"), &options);
            same(mode_of(in_world("a")), modes[i] ? modes[i] : 0600);
            same(info_of(owner).mode, modes[i] ? modes[i] : 0600);
            must(eddy_region_close(owner));
        }
        umask(before);
    }
}

static void a_path_is_absolute_and_stays_true(void **state)
{
    (void)state;
    char *before = getcwd(NULL, 0);
    check(chdir(world_dir()) == 0);
    eddy_region *owner = create_at("here", &four_kib);
    check(strcmp(eddy_region_path(owner), in_world("here")) == 0);
    check(chdir("/") == 0);
    check(is_there(in_world("here")));
    eddy_region *guest = attach_at(eddy_region_path(owner), NULL);
    check(strcmp(eddy_region_path(guest), eddy_region_path(owner)) == 0);
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
    check(!is_there(in_world("here")));
    check(chdir(before) == 0);
    free(before);
}

static void the_descriptor_is_open_as_long_as_the_region(void **state)
{
    (void)state;
    struct stat status;
    struct eddy_region_options observer = {.bytes = 100, .map = EDDY_MAP_READ};
    eddy_region *owner = create_at(in_world("a"), &observer);
    check(fstat(eddy_region_fd(owner), &status) == 0);
    same(status.st_size, 100);
    same(status.st_ino, info_of(owner).inode);
    same(fcntl(eddy_region_fd(owner), F_GETFL) & O_ACCMODE, O_RDWR); /* though it maps to read */
    check(fcntl(eddy_region_fd(owner), F_GETFD) & FD_CLOEXEC);
    must(eddy_region_close(owner));
}

static void nothing_is_left_open_or_mapped(void **state)
{
    (void)state;
    eddy_region *other;
    unsigned descriptors = open_descriptors(), maps = mappings();
    for (int i = 0; i < 20; i++) {
        eddy_region *owner = create_at(in_world("a"), &four_kib);
        eddy_region *guest = attach_at(in_world("a"), NULL);
        must_fail(eddy_region_create_path(in_world("a"), &four_kib, &other), EDDY_EEXIST);
        must_fail(eddy_region_attach_path(in_world("b"), NULL, &other), EDDY_ENOENT);
        must(eddy_region_grow(owner, 100 * PAGE));
        must(eddy_region_close(owner));
        must(eddy_region_close(guest));
    }
    same(open_descriptors(), descriptors);
    check(mappings() <= maps + 1); /* the heap's */
    must(eddy_region_close(NULL));
}

/* --- going, owning --------------------------------------------------------------------------- */

static void the_owner_takes_the_file_along_a_guest_does_not(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    eddy_region *guest = attach_at(in_world("a"), NULL);
    check(info_of(owner).owned && info_of(owner).created);
    check(!info_of(guest).owned && !info_of(guest).created);
    must(eddy_region_close(guest));
    check(is_there(in_world("a")));
    guest = attach_at(in_world("a"), NULL);
    put(owner, 5, 55);
    must(eddy_region_close(owner));
    check(!is_there(in_world("a")));
    same(get(guest, 5), 55); /* what is mapped stays good */
    must(eddy_region_close(guest));
}

static void ownership_is_given_up_and_taken(void **state)
{
    (void)state;
    eddy_region *first = create_at(in_world("a"), &four_kib);
    eddy_region *second = attach_at(in_world("a"), NULL);
    must_fail(eddy_region_own(second), EDDY_EBUSY);
    must(eddy_region_own(first)); /* it does already */
    must(eddy_region_disown(first));
    must(eddy_region_disown(first)); /* not an error */
    must(eddy_region_disown(second));
    must(eddy_region_close(first));
    check(is_there(in_world("a")));
    must(eddy_region_own(second));
    check(info_of(second).owned && !info_of(second).created);
    must(eddy_region_grow(second, 2 * PAGE)); /* an owner's right */
    must(eddy_region_close(second));
    check(!is_there(in_world("a")));
}

static void a_disowned_file_survives_all_its_users(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    put(owner, 9, 99);
    must(eddy_region_disown(owner));
    must(eddy_region_close(owner));
    check(is_there(in_world("a")));
    same(mode_of(in_world("a")), 0600);
    eddy_region *heir = attach_at(in_world("a"), NULL);
    same(get(heir, 9), 99);
    must(eddy_region_own(heir));
    must(eddy_region_close(heir));
    check(!is_there(in_world("a")));
}

static void one_who_may_only_read_can_own(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    struct eddy_region_options reading = {.map = EDDY_MAP_READ};
    eddy_region *reader = attach_at(in_world("a"), &reading);
    must(eddy_region_disown(owner));
    must(eddy_region_own(reader));
    must(eddy_region_close(owner));
    must(eddy_region_close(reader));
    check(!is_there(in_world("a")));
}

static void what_is_no_longer_there_cannot_be_owned(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    eddy_region *guest = attach_at(in_world("a"), NULL);
    must(eddy_region_close(owner));
    must_fail(eddy_region_own(guest), EDDY_ENOENT);
    owner = create_at(in_world("a"), &four_kib); /* another one */
    must_fail(eddy_region_own(guest), EDDY_ENOENT);
    says("another region");
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_one_writes_the_other_reads),
        WORLD_TEST(no_size_is_refused_before_anything_is_touched),
        WORLD_TEST(an_empty_file_is_not_ready),
        WORLD_TEST(failures_name_the_path_and_the_reason),
        WORLD_TEST(options_that_are_none_are_refused),
        WORLD_TEST(the_size_is_kept_to_the_byte),
        WORLD_TEST(the_mode_is_exact_under_any_umask),
        WORLD_TEST(a_path_is_absolute_and_stays_true),
        WORLD_TEST(the_descriptor_is_open_as_long_as_the_region),
        WORLD_TEST(nothing_is_left_open_or_mapped),
        WORLD_TEST(the_owner_takes_the_file_along_a_guest_does_not),
        WORLD_TEST(ownership_is_given_up_and_taken),
        WORLD_TEST(a_disowned_file_survives_all_its_users),
        WORLD_TEST(one_who_may_only_read_can_own),
        WORLD_TEST(what_is_no_longer_there_cannot_be_owned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
