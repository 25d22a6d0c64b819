/* region_nameless_test.c - regions without a name: their life, attaching by descriptor, sealing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/region.h"

#include <sys/mman.h>
#include <sys/socket.h>

/* --- life ------------------------------------------------------------------------------------ */

static void one_never_has_a_name_and_goes_with_its_last_user(void **state)
{
    (void)state;
    struct stat status;
    eddy_region *region = create_nameless(5000, 0);
    same(world_files(), 0);
    check(strcmp(eddy_region_path(region), "") == 0);
    check(fstat(eddy_region_fd(region), &status) == 0);
    same(status.st_nlink, 0);
    same(status.st_size, 5000);
    check(!info_of(region).owned && info_of(region).created);
    must_fail(eddy_region_own(region), EDDY_EINVAL);
    must(eddy_region_disown(region));
    must(eddy_region_close(region));
}

static void its_mode_is_exact(void **state)
{
    (void)state;
    static const uint32_t modes[] = {0, 0600, 0644, 0666};
    mode_t before = umask(077);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct eddy_region_options options = {
            .bytes = 1, .mode = modes[i], .cleanup = EDDY_CLEANUP_AUTO};
        eddy_region *region = NULL;
        must(eddy_region_create_nameless(&options, &region));
        same(info_of(region).mode, modes[i] ? modes[i] : 0600);
        must(eddy_region_close(region));
    }
    umask(before);
}

static void options_that_are_none_are_refused(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    struct eddy_region_options bad[] = {
        {.bytes = 0, .cleanup = EDDY_CLEANUP_AUTO},
        {.bytes = 1, .cleanup = EDDY_CLEANUP_OWNER},
        {.bytes = 1, .cleanup = EDDY_CLEANUP_AUTO, .mode = 0700},
        {.bytes = 1, .cleanup = EDDY_CLEANUP_AUTO, .page_bytes = 8192},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        must_fail(eddy_region_create_nameless(&bad[i], &region), EDDY_EINVAL);
    must_fail(eddy_region_create_nameless(NULL, &region), EDDY_EINVAL);
    check(region == NULL);
}

static void more_than_there_is_is_refused_and_takes_nothing(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    unsigned descriptors = open_descriptors(), maps = mappings();
    struct eddy_region_options options = {.bytes = UINT64_C(1) << 44, .cleanup = EDDY_CLEANUP_AUTO};
    must_fail(eddy_region_create_nameless(&options, &region), EDDY_ENOMEM);
    says("SPARSE");
    options.flags = EDDY_REGION_SPARSE;
    must(eddy_region_create_nameless(&options, &region));
    put(region, (UINT64_C(1) << 44) - 1, 1);
    must(eddy_region_close(region));
    options.bytes = UINT64_C(1) << 60; /* more than there are addresses */
    region = NULL;
    must_fail(eddy_region_create_nameless(&options, &region), EDDY_ENOMEM);
    check(region == NULL);
    same(open_descriptors(), descriptors);
    check(mappings() <= maps + 1);
}

static void what_there_is_is_had(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(32u << 20, 0);
    put(region, (32u << 20) - 1, 1);
    must(eddy_region_grow(region, 48u << 20));
    struct stat status;
    check(fstat(eddy_region_fd(region), &status) == 0);
    same(status.st_blocks * 512, 48u << 20);
    must(eddy_region_close(region));
}

static void one_grows_and_its_guests_follow(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(100, 0), *guest = NULL;
    must(eddy_region_attach_fd(dup(eddy_region_fd(region)), 0, NULL, &guest));
    must(eddy_region_grow(region, 100000));
    must_fail(eddy_region_grow(guest, 200000), EDDY_EACCES); /* its creator alone */
    same(eddy_region_refresh(guest), 1);
    put(region, 99999, 3);
    same(get(guest, 99999), 3);
    must(eddy_region_close(region));
    same(get(guest, 99999), 3);
    must(eddy_region_close(guest));
}

/* --- huge pages ------------------------------------------------------------------------------ */

static unsigned long free_huge_pages(void)
{
    unsigned long count = 0;
    FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
    if (file) {
        if (fscanf(file, "%lu", &count) != 1)
            count = 0;
        fclose(file);
    }
    return count;
}

static const struct eddy_region_options huge = {
    .bytes = 100, .page_bytes = 2u << 20, .cleanup = EDDY_CLEANUP_AUTO};

static void without_huge_pages_it_says_how_to_configure_them(void **state)
{
    (void)state;
    eddy_region *region = NULL;
    if (free_huge_pages() > 0)
        skip_because("huge pages are set aside here");
    must_fail(eddy_region_create_nameless(&huge, &region), EDDY_ENOMEM);
    says("hugepages");
    check(region == NULL);
}

static void huge_pages_are_had_where_they_are_configured(void **state)
{
    (void)state;
    eddy_region *region = NULL, *guest = NULL;
    if (free_huge_pages() < 2)
        skip_because("needs two huge pages set aside (vm.nr_hugepages)");
    must(eddy_region_create_nameless(&huge, &region));
    same(info_of(region).page_bytes, 2u << 20);
    same(eddy_region_bytes(region), 2u << 20); /* whole pages */
    same((uintptr_t)eddy_region_data(region) % (2u << 20), 0);
    must(eddy_region_attach_fd(dup(eddy_region_fd(region)), 0, NULL, &guest));
    must(eddy_region_grow(region, (2u << 20) + 1));
    same(eddy_region_bytes(region), 4u << 20);
    put(region, (4u << 20) - 1, 9);
    same(eddy_region_refresh(guest), 1);
    same(get(guest, (4u << 20) - 1), 9);
    must_fail(eddy_region_grow(region, UINT64_C(2) << 30), EDDY_ENOMEM);
    same(get(region, (4u << 20) - 1), 9);
    must(eddy_region_protect(region, EDDY_MAP_READ));
    must(eddy_region_close(guest));
    must(eddy_region_close(region));
}

/* --- by descriptor --------------------------------------------------------------------------- */

static void a_descriptor_is_taken_over_also_on_failure(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(100, 0), *guest = NULL;
    unsigned before = open_descriptors();
    int fd = dup(eddy_region_fd(region));
    must(eddy_region_attach_fd(fd, 100, NULL, &guest));
    same(eddy_region_fd(guest), fd);
    check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    check(strcmp(eddy_region_path(guest), "") == 0);
    check(!info_of(guest).created && !info_of(guest).owned);
    must(eddy_region_close(guest));
    guest = NULL;
    same(open_descriptors(), before);
    must_fail(eddy_region_attach_fd(dup(eddy_region_fd(region)), 101, NULL, &guest), EDDY_EBOUNDS);
    struct eddy_region_options bad = {.flags = 1u << 20};
    must_fail(eddy_region_attach_fd(dup(eddy_region_fd(region)), 0, &bad, &guest), EDDY_EINVAL);
    must_fail(eddy_region_attach_fd(-1, 0, NULL, &guest), EDDY_EINVAL);
    must_fail(eddy_region_attach_fd(1000, 0, NULL, &guest), EDDY_ESYS);
    check(guest == NULL);
    same(open_descriptors(), before);
    must(eddy_region_close(region));
}

static void a_part_is_mapped_if_asked(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(10000, 0), *guest = NULL;
    must(eddy_region_attach_fd(dup(eddy_region_fd(region)), 5000, NULL, &guest));
    same(eddy_region_bytes(guest), 5000);
    check(eddy_region_at(guest, 4999, 1) && !eddy_region_at(guest, 5000, 1));
    same(eddy_region_refresh(guest), 1);
    same(eddy_region_bytes(guest), 10000);
    must(eddy_region_close(guest));
    must(eddy_region_close(region));
}

static void what_is_no_file_with_bytes_is_refused(void **state)
{
    (void)state;
    eddy_region *guest = NULL;
    int ends[2];
    check(pipe(ends) == 0);
    must_fail(eddy_region_attach_fd(ends[0], 0, NULL, &guest), EDDY_EACCES);
    must_fail(eddy_region_attach_fd(ends[1], 0, NULL, &guest), EDDY_EACCES);
    must_fail(eddy_region_attach_fd(open("/", O_RDONLY), 0, NULL, &guest), EDDY_EACCES);
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    must_fail(eddy_region_attach_fd(ends[0], 0, NULL, &guest), EDDY_EACCES);
    close(ends[1]);
    must_fail(eddy_region_attach_fd(memfd_create("empty", 0), 0, NULL, &guest), EDDY_ENOTREADY);
    check(guest == NULL);
}

static void one_that_is_not_open_for_writing_allows_reading_alone(void **state)
{
    (void)state;
    char path[64];
    eddy_region *region = create_nameless(100, 0), *guest = NULL;
    snprintf(path, sizeof path, "/proc/self/fd/%d", eddy_region_fd(region));
    struct eddy_region_options reading = {.map = EDDY_MAP_READ};
    must_fail(eddy_region_attach_fd(open(path, O_RDONLY), 0, NULL, &guest), EDDY_EACCES);
    must_fail(eddy_region_attach_fd(open(path, O_WRONLY), 0, &reading, &guest), EDDY_EACCES);
    must(eddy_region_attach_fd(open(path, O_RDONLY), 0, &reading, &guest));
    put(region, 1, 2);
    same(get(guest, 1), 2);
    must_fail(eddy_region_protect(guest, EDDY_MAP_READ_WRITE), EDDY_EACCES);
    must(eddy_region_close(guest));
    must(eddy_region_close(region));
}

/* --- sealing --------------------------------------------------------------------------------- */

static void nobody_can_ever_shrink_one(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(10000, 0);
    same(info_of(region).seals & EDDY_SEAL_SHRINK, EDDY_SEAL_SHRINK);
    check(ftruncate(eddy_region_fd(region), 100) != 0);
    must(eddy_region_close(region));
}

static void seals_hold(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(100, 0), *guest = NULL;
    must(eddy_region_seal(region, EDDY_SEAL_GROW));
    must_fail(eddy_region_grow(region, 200), EDDY_EACCES);
    must(eddy_region_grow(region, 100));
    check(ftruncate(eddy_region_fd(region), 200) != 0);
    must(eddy_region_seal(region, EDDY_SEAL_WRITE));
    put(region, 0, 1); /* mappings that are there go on */
    must_fail(eddy_region_attach_fd(dup(eddy_region_fd(region)), 0, NULL, &guest), EDDY_EACCES);
    struct eddy_region_options reading = {.map = EDDY_MAP_READ};
    must(eddy_region_attach_fd(dup(eddy_region_fd(region)), 0, &reading, &guest));
    same(get(guest, 0), 1);
    must_fail(eddy_region_protect(guest, EDDY_MAP_READ_WRITE), EDDY_EACCES);
    must(eddy_region_protect(region, EDDY_MAP_READ));
    must_fail(eddy_region_protect(region, EDDY_MAP_READ_WRITE), EDDY_EACCES);
    must(eddy_region_seal(region, EDDY_SEAL_SEAL));
    must_fail(eddy_region_seal(region, EDDY_SEAL_GROW), EDDY_EACCES);
    same(info_of(guest).seals,
         EDDY_SEAL_SHRINK | EDDY_SEAL_GROW | EDDY_SEAL_WRITE | EDDY_SEAL_SEAL);
    must(eddy_region_close(guest));
    must(eddy_region_close(region));
}

static void one_sealed_against_writing_does_not_grow(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(PAGE, 0);
    must(eddy_region_seal(region, EDDY_SEAL_WRITE));
    must_fail(eddy_region_grow(region, 2 * PAGE), EDDY_EACCES); /* it could not be mapped */
    struct stat status;
    check(fstat(eddy_region_fd(region), &status) == 0);
    same(status.st_size, PAGE);
    must(eddy_region_close(region));
}

static void what_has_a_name_is_not_sealed(void **state)
{
    (void)state;
    need_tmpfs(); /* others know no seals */
    eddy_region *guest = NULL;
    struct eddy_region_options options = of_bytes(1);
    eddy_region *region = create_at(in_world("a"), &options);
    must_fail(eddy_region_seal(region, EDDY_SEAL_GROW), EDDY_EINVAL);
    says(in_world("a"));
    must(eddy_region_attach_fd(dup(eddy_region_fd(region)), 0, NULL, &guest));
    must_fail(eddy_region_seal(guest, EDDY_SEAL_GROW), EDDY_EACCES); /* no memfd */
    must(eddy_region_close(guest));
    must(eddy_region_close(region));
    region = create_nameless(1, 0);
    must_fail(eddy_region_seal(region, 0), EDDY_EINVAL);
    must_fail(eddy_region_seal(region, 16), EDDY_EINVAL);
    must(eddy_region_close(region));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(one_never_has_a_name_and_goes_with_its_last_user),
        WORLD_TEST(its_mode_is_exact),
        WORLD_TEST(options_that_are_none_are_refused),
        WORLD_TEST(more_than_there_is_is_refused_and_takes_nothing),
        WORLD_TEST(what_there_is_is_had),
        WORLD_TEST(one_grows_and_its_guests_follow),
        WORLD_TEST(without_huge_pages_it_says_how_to_configure_them),
        WORLD_TEST(huge_pages_are_had_where_they_are_configured),
        WORLD_TEST(a_descriptor_is_taken_over_also_on_failure),
        WORLD_TEST(a_part_is_mapped_if_asked),
        WORLD_TEST(what_is_no_file_with_bytes_is_refused),
        WORLD_TEST(one_that_is_not_open_for_writing_allows_reading_alone),
        WORLD_TEST(nobody_can_ever_shrink_one),
        WORLD_TEST(seals_hold),
        WORLD_TEST(one_sealed_against_writing_does_not_grow),
        WORLD_TEST(what_has_a_name_is_not_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
