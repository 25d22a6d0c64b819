/* place_test.c - address space set aside: where it lies, and that what is mapped in it stays put.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/region/place.h"

#include "support/fault.h"
#include "support/region.h"
#include "support/thread.h"

#include <sys/mman.h>

static void places_are_aligned(void **state)
{
    (void)state;
    struct eddy_place place;
    for (int random = 0; random < 2; random++)
        for (uint64_t align = 0; align <= UINT64_C(1) << 32; align = align ? 2 * align : PAGE) {
            must(eddy_place_reserve(5000, align, random, &place));
            same((uintptr_t)place.base % (align ? align : PAGE), 0);
            same(place.bytes, 2 * PAGE);
            eddy_place_free(&place);
        }
}

static void random_places_have_the_same_spread_as_addresses(void **state)
{
    (void)state;
    enum { MANY = 200, PARTS = 8 };
    struct eddy_place places[MANY];
    unsigned in_part[PARTS] = {0};
    if (SANITIZED)
        skip_because("a sanitizer has taken most addresses");
    for (int i = 0; i < MANY; i++) {
        must(eddy_place_reserve(PAGE, 0, true, &places[i]));
        in_part[(uintptr_t)places[i].base >> 44 & (PARTS - 1)]++;
    }
    for (int p = 0; p < PARTS && sizeof(void *) == 8; p++)
        check(in_part[p] > 0); /* in vain once in 10^10 */
    for (int i = 0; i < MANY; i++)
        eddy_place_free(&places[i]);
}

static void nothing_of_a_place_is_left_when_it_is_freed(void **state)
{
    (void)state;
    unsigned before = mappings();
    for (int i = 0; i < 100; i++) {
        struct eddy_place place;
        must(eddy_place_reserve(UINT64_C(1) << 32, EDDY_HUGE_PAGE, i % 2, &place));
        eddy_place_free(&place);
        eddy_place_free(&place); /* does nothing */
    }
    same(mappings(), before);
}

static void what_is_too_much_is_an_error(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, UINT64_MAX, UINT64_MAX - PAGE, UINT64_C(1) << 62,
                                     UINT64_C(1) << 48};
    struct eddy_place place = {0};
    for (size_t i = 0; i < 5; i++)
        for (int random = 0; random < 2; random++)
            must_fail(eddy_place_reserve(sizes[i], 0, random, &place), EDDY_ENOMEM);
    check(place.base == NULL);
}

static void random_is_a_wish_where_there_is_little_room(void **state)
{
    (void)state;
    struct eddy_place place;
    if (SANITIZED)
        skip_because("a sanitizer has taken most addresses");
    for (int i = 0; i < 20; i++) { /* of 128 TiB, in which the program lies somewhere */
        must(eddy_place_reserve(UINT64_C(60) << 40, 0, true, &place));
        eddy_place_free(&place);
    }
}

static void parts_are_mapped_one_after_the_other(void **state)
{
    (void)state;
    struct eddy_place place;
    int fd = memfd_create("place", MFD_CLOEXEC);
    check(ftruncate(fd, 100 * PAGE) == 0);
    must(eddy_place_reserve(100 * PAGE, 0, false, &place));
    for (uint64_t i = 0; i < 100; i++) {
        struct eddy_place_part part = {i * PAGE, PAGE, 0, true};
        must(eddy_place_map(&place, fd, &part));
        place.base[i * PAGE] = (uint8_t)i;
    }
    for (uint64_t i = 0; i < 100; i++)
        same(place.base[i * PAGE], i);
    eddy_place_free(&place);
    close(fd);
}

static void a_part_that_cannot_be_mapped_leaves_the_place_whole(void **state)
{
    (void)state;
    struct eddy_place place;
    must(eddy_place_reserve(64 * PAGE, 0, false, &place));
    int fd = memfd_create("place", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    check(ftruncate(fd, 64 * PAGE) == 0);
    struct eddy_place_part first = {0, 4 * PAGE, 0, true}, next = {4 * PAGE, 4 * PAGE, 0, true};
    must(eddy_place_map(&place, fd, &first));
    place.base[0] = 7;
    check(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
    must_fail(eddy_place_map(&place, fd, &next), EDDY_EACCES);
    same(place.bytes, 64 * PAGE);
    same(place.base[0], 7);
    next.writable = false;
    must(eddy_place_map(&place, fd, &next)); /* the rest is still ours */
    same(place.base[4 * PAGE], 0);
    must_fail(eddy_place_map(&place, -1, &next), EDDY_ESYS);
    eddy_place_free(&place);
    close(fd);
}

/* --- mappings that fail half way ------------------------------------------------------------- */

static const struct fault *no_mapping(void)
{
    const struct fault *f = faults;
    while (strcmp(f->call, "mmap") != 0)
        f++;
    return f;
}

static void map_half_way(struct eddy_place *place, bool gap)
{
    int fd = memfd_create("place", MFD_CLOEXEC);
    struct eddy_place_part first = {0, 4 * PAGE, 0, true}, next = {4 * PAGE, 4 * PAGE, 0, true};
    check(ftruncate(fd, 64 * PAGE) == 0);
    must(eddy_place_reserve(64 * PAGE, 0, false, place));
    must(eddy_place_map(place, fd, &first));
    place->base[0] = 7;
    if (gap) /* as kernels before 6.12 leave one */
        munmap(place->base + 4 * PAGE, 4 * PAGE);
    fault_plan(no_mapping(), 2, false); /* the first one tries the file */
    must_fail(eddy_place_map(place, fd, &next), EDDY_ENOMEM);
    check(fault_fired());
    fault_clear();
    same(place->base[0], 7);
    close(fd);
}

/* True if the page belongs to somebody. */
static bool is_mapped(const uint8_t *page)
{
    void *at = mmap((void *)(uintptr_t)page, PAGE, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (at != MAP_FAILED)
        munmap(at, PAGE);
    return at == MAP_FAILED;
}

static void a_gap_is_filled_again(void **state)
{
    (void)state;
    struct eddy_place place;
    map_half_way(&place, true);
    same(place.bytes, 64 * PAGE);
    check(is_mapped(place.base + 5 * PAGE));
    eddy_place_free(&place);
}

static void what_may_be_somebody_elses_is_given_up(void **state)
{
    (void)state;
    struct eddy_place place;
    map_half_way(&place, false);
    same(place.bytes, 4 * PAGE);
    check(is_mapped(place.base + 5 * PAGE));  /* whoever has it, it is left alone */
    check(!is_mapped(place.base + 9 * PAGE)); /* and this was ours for sure */
    munmap(place.base + 4 * PAGE, 4 * PAGE);
    eddy_place_free(&place);
}

static void a_region_that_gave_up_addresses_goes_on_as_it_is(void **state)
{
    (void)state;
    struct eddy_region_options options = of_bytes(PAGE);
    eddy_region *region = create_at(in_world("a"), &options);
    put(region, 5, 55);
    fault_plan(no_mapping(), 2, false);
    must_fail(eddy_region_grow(region, 3 * PAGE), EDDY_ENOMEM);
    fault_clear();
    same(eddy_region_bytes(region), PAGE);
    same(get(region, 5), 55);
    same(info_of(region).limit_bytes, PAGE);
    must_fail(eddy_region_grow(region, 3 * PAGE), EDDY_ELIMIT);
    eddy_region *other = attach_at(in_world("a"), NULL); /* which has room */
    same(eddy_region_bytes(other), 3 * PAGE);
    same(get(other, 5), 55);
    must(eddy_region_close(other));
    must(eddy_region_close(region));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(places_are_aligned),
        WORLD_TEST(random_places_have_the_same_spread_as_addresses),
        WORLD_TEST(nothing_of_a_place_is_left_when_it_is_freed),
        WORLD_TEST(what_is_too_much_is_an_error),
        WORLD_TEST(random_is_a_wish_where_there_is_little_room),
        WORLD_TEST(parts_are_mapped_one_after_the_other),
        WORLD_TEST(a_part_that_cannot_be_mapped_leaves_the_place_whole),
        WORLD_TEST(a_gap_is_filled_again),
        WORLD_TEST(what_may_be_somebody_elses_is_given_up),
        WORLD_TEST(a_region_that_gave_up_addresses_goes_on_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
