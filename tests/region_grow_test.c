/* region_grow_test.c - regions grow in place; rights, holes and placement of a view.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/region.h"
#include "support/thread.h"

static const struct eddy_region_options four_kib = {.bytes = PAGE};

/* --- growing --------------------------------------------------------------------------------- */

static void growing_keeps_contents_and_address(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    const void *base = eddy_region_data(owner);
    put(owner, 10, 77);
    must(eddy_region_grow(owner, 2 * PAGE));
    same(eddy_region_bytes(owner), 2 * PAGE);
    same(size_of(in_world("a")), 2 * PAGE);
    check(eddy_region_data(owner) == base);
    same(get(owner, 10), 77);
    same(get(owner, 5000), 0);
    put(owner, 5000, 78);
    must(eddy_region_grow(owner, 2 * PAGE)); /* as long as now */
    same(get(owner, 5000), 78);
    must(eddy_region_close(owner));
}

static void shrinking_is_refused(void **state)
{
    (void)state;
    struct eddy_region_options options = of_bytes(8192);
    eddy_region *owner = create_at(in_world("a"), &options);
    must_fail(eddy_region_grow(owner, 4096), EDDY_EINVAL);
    says("shrinking is not supported");
    same(size_of(in_world("a")), 8192);
    same(eddy_region_bytes(owner), 8192);
    must(eddy_region_close(owner));
}

static void refreshing_is_true_once(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    eddy_region *guest = attach_at(in_world("a"), NULL);
    const void *base = eddy_region_data(guest);
    same(eddy_region_refresh(guest), 0);
    must(eddy_region_grow(owner, 3 * PAGE + 1));
    same(eddy_region_bytes(guest), PAGE);
    same(eddy_region_refresh(guest), 1);
    same(eddy_region_bytes(guest), 3 * PAGE + 1);
    same(eddy_region_refresh(guest), 0);
    same(eddy_region_refresh(owner), 0);
    check(eddy_region_data(guest) == base);
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
}

static void both_see_what_is_in_the_new_part(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    eddy_region *guest = attach_at(in_world("a"), NULL);
    put(owner, 0, 1);
    for (uint64_t pages = 2; pages < 300; pages += 37) {
        must(eddy_region_grow(owner, pages * PAGE - 3));
        same(eddy_region_refresh(guest), 1);
        put(owner, pages * PAGE - 4, 11);
        same(get(guest, pages * PAGE - 4), 11);
        put(guest, pages * PAGE - 5, 12);
        same(get(owner, pages * PAGE - 5), 12);
    }
    same(get(guest, 0), 1);
    must(eddy_region_close(guest));
    must(eddy_region_close(owner));
}

static void new_bytes_are_zero_whatever_lay_behind_the_end(void **state)
{
    (void)state;
    struct eddy_region_options options = of_bytes(100);
    eddy_region *owner = create_at(in_world("a"), &options);
    memset((char *)eddy_region_writable_data(owner) + 100, 0xee, PAGE - 100); /* an overrun */
    must(eddy_region_grow(owner, 5000));
    for (uint64_t i = 100; i < 5000; i++)
        same(get(owner, i), 0);
    must(eddy_region_close(owner));
}

static void a_limit_holds_in_each_view(void **state)
{
    (void)state;
    eddy_region *guest = NULL;
    struct eddy_region_options options = {.bytes = 100, .limit_bytes = 10000};
    eddy_region *owner = create_at(in_world("a"), &options);
    same(info_of(owner).limit_bytes, 10000);
    must_fail(eddy_region_grow(owner, 10001), EDDY_ELIMIT);
    same(eddy_region_bytes(owner), 100);
    same(size_of(in_world("a")), 100);
    struct eddy_region_options narrow = {.limit_bytes = 5000};
    guest = attach_at(in_world("a"), &narrow);
    must(eddy_region_grow(owner, 10000));
    must_fail(eddy_region_refresh(guest), EDDY_ELIMIT);
    same(eddy_region_bytes(guest), 100);
    same(get(guest, 99), 0);
    must(eddy_region_close(guest));
    must_fail(eddy_region_attach_path(in_world("a"), &narrow, &guest), EDDY_ELIMIT);
    must(eddy_region_close(owner));
}

static void the_default_limit_is_ample(void **state)
{
    (void)state;
    eddy_region *owner = create_at(in_world("a"), &four_kib);
    check(info_of(owner).limit_bytes >= UINT64_C(4) << 30);
    must(eddy_region_close(owner));
    struct eddy_region_options big = {.bytes = UINT64_C(1) << 30, .flags = EDDY_REGION_SPARSE};
    owner = create_at(in_world("a"), &big);
    check(info_of(owner).limit_bytes >= UINT64_C(8) << 30);
    must(eddy_region_close(owner));
}

/* --- rights ---------------------------------------------------------------------------------- */

static void an_observer_creates_and_a_worker_writes(void **state)
{
    (void)state;
    struct eddy_region_options observing = {.bytes = 100, .map = EDDY_MAP_READ};
    eddy_region *observer = create_at(in_world("a"), &observing);
    eddy_region *worker = attach_at(in_world("a"), NULL);
    check(eddy_region_writable_data(observer) == NULL);
    check(eddy_region_data(observer) != NULL);
    same(info_of(observer).map, EDDY_MAP_READ);
    put(worker, 99, 9);
    same(get(observer, 99), 9);
    must(eddy_region_grow(observer, 3 * PAGE)); /* its own right, though it maps to read */
    same(eddy_region_refresh(worker), 1);
    put(worker, 3 * PAGE - 1, 8);
    same(get(observer, 3 * PAGE - 1), 8);
    must(eddy_region_close(worker));
    must(eddy_region_close(observer));
}

static void rights_change_as_far_as_the_descriptor_goes(void **state)
{
    (void)state;
    struct eddy_region_options reading = {.bytes = PAGE, .map = EDDY_MAP_READ};
    eddy_region *owner = create_at(in_world("a"), &reading);
    eddy_region *reader = attach_at(in_world("a"), &reading);
    must(eddy_region_protect(owner, EDDY_MAP_READ_WRITE));
    put(owner, 0, 5);
    must_fail(eddy_region_protect(reader, EDDY_MAP_READ_WRITE), EDDY_EACCES);
    check(eddy_region_writable_data(reader) == NULL);
    must(eddy_region_protect(reader, EDDY_MAP_READ));
    must(eddy_region_protect(owner, EDDY_MAP_READ));
    check(eddy_region_writable_data(owner) == NULL);
    must(eddy_region_grow(owner, 2 * PAGE));
    must(eddy_region_protect(owner, EDDY_MAP_READ_WRITE));
    put(owner, 2 * PAGE - 1, 5); /* the new part as well */
    must_fail(eddy_region_protect(owner, (enum eddy_map)2), EDDY_EINVAL);
    must(eddy_region_close(reader));
    must(eddy_region_close(owner));
}

/* --- holes ----------------------------------------------------------------------------------- */

static uint64_t memory_of(const eddy_region *region)
{
    struct stat status;
    check(fstat(eddy_region_fd(region), &status) == 0);
    return (uint64_t)status.st_blocks * 512;
}

static void memory_is_reserved_unless_sparse(void **state)
{
    (void)state;
    struct eddy_region_options options = {.bytes = 64 * PAGE};
    eddy_region *owner = create_at(in_world("a"), &options);
    same(memory_of(owner), 64 * PAGE);
    must(eddy_region_grow(owner, 100 * PAGE));
    same(memory_of(owner), 100 * PAGE);
    must(eddy_region_close(owner));
    options.flags = EDDY_REGION_SPARSE;
    owner = create_at(in_world("a"), &options);
    same(memory_of(owner), 0);
    must(eddy_region_grow(owner, 100 * PAGE));
    put(owner, 99 * PAGE, 1);
    same(memory_of(owner), PAGE);
    must(eddy_region_close(owner));
}

static void holes_are_punched_in_sparse_views_alone(void **state)
{
    (void)state;
    struct eddy_region_options options = {.bytes = 8 * PAGE, .flags = EDDY_REGION_SPARSE};
    eddy_region *owner = create_at(in_world("a"), &options);
    eddy_region *firm = attach_at(in_world("a"), NULL);
    for (uint64_t i = 0; i < 8 * PAGE; i++)
        put(owner, i, 1);
    must(eddy_region_punch(owner, PAGE - 1, 2 * PAGE + 1)); /* pages 1 and 2 lie wholly inside */
    same(memory_of(owner), 6 * PAGE);
    for (uint64_t i = 0; i < 8 * PAGE; i++)
        same(get(firm, i), i / PAGE != 1 && i / PAGE != 2);
    must(eddy_region_punch(owner, 5 * PAGE + 1, PAGE)); /* no whole page */
    same(get(firm, 5 * PAGE + 1), 1);
    must_fail(eddy_region_punch(owner, 7 * PAGE, PAGE + 1), EDDY_EBOUNDS);
    must_fail(eddy_region_punch(owner, UINT64_MAX, 2), EDDY_EBOUNDS);
    must_fail(eddy_region_punch(firm, 0, PAGE), EDDY_EINVAL);
    must(eddy_region_protect(owner, EDDY_MAP_READ));
    must_fail(eddy_region_punch(owner, 0, PAGE), EDDY_EACCES);
    must(eddy_region_close(firm));
    must(eddy_region_close(owner));
}

/* --- how it is mapped ------------------------------------------------------------------------ */

/* True if the kernel has this flag on the mapping: see VmFlags in proc(5). */
static bool has_flag(const void *address, const char *flag)
{
    char line[512];
    bool inside = false, found = false;
    FILE *maps = fopen("/proc/self/smaps", "re");
    check(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = from <= (uintptr_t)address && (uintptr_t)address < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(maps);
    return found;
}

static void core_dumps_leave_it_out_unless_asked(void **state)
{
    (void)state;
    struct eddy_region_options dumped = {.bytes = PAGE, .flags = EDDY_REGION_DUMP};
    eddy_region *quiet = create_at(in_world("a"), &four_kib);
    eddy_region *loud = create_at(in_world("b"), &dumped);
    must(eddy_region_grow(quiet, 50 * PAGE));
    must(eddy_region_grow(loud, 50 * PAGE));
    for (uint64_t at = 0; at < 50 * PAGE; at += 49 * PAGE) {
        check(has_flag(eddy_region_at(quiet, at, 1), " dd"));
        check(!has_flag(eddy_region_at(loud, at, 1), " dd"));
    }
    must(eddy_region_close(quiet));
    must(eddy_region_close(loud));
}

static void locked_regions_are_in_memory_new_parts_too(void **state)
{
    (void)state;
    struct eddy_region_options options = {.bytes = PAGE,
                                          .flags = EDDY_REGION_LOCK | EDDY_REGION_STRICT};
    if (SANITIZED)
        skip_because("under a sanitizer mlock does nothing");
    eddy_region *owner = create_at(in_world("a"), &options);
    check(info_of(owner).locked && has_flag(eddy_region_data(owner), " lo"));
    must(eddy_region_grow(owner, 10 * PAGE));
    check(info_of(owner).locked && has_flag(eddy_region_at(owner, 9 * PAGE, 1), " lo"));
    must(eddy_region_close(owner));
    owner = create_at(in_world("a"), &four_kib);
    check(!info_of(owner).locked);
    must(eddy_region_close(owner));
}

static void huge_ones_lie_on_huge_boundaries(void **state)
{
    (void)state;
    struct eddy_region_options options = {.bytes = 3u << 20, .flags = EDDY_REGION_HUGE};
    for (int i = 0; i < 8; i++) {
        options.flags ^= EDDY_REGION_RANDOM;
        eddy_region *owner = create_at(in_world("a"), &options);
        same((uintptr_t)eddy_region_data(owner) % (2u << 20), 0);
        check(has_flag(eddy_region_data(owner), " hg"));
        memset(eddy_region_writable_data(owner), 7, 3u << 20);
        same(get(owner, (3u << 20) - 1), 7);
        must(eddy_region_close(owner));
    }
}

static void random_ones_lie_anywhere(void **state)
{
    (void)state;
    enum { SOME = 16 };
    struct eddy_region_options options = {.bytes = PAGE, .flags = EDDY_REGION_RANDOM};
    uintptr_t lowest = UINTPTR_MAX, highest = 0;
    eddy_region *owner = create_at(in_world("a"), &options), *views[SOME];
    for (int i = 0; i < SOME; i++) {
        views[i] = attach_at(in_world("a"), &options);
        uintptr_t at = (uintptr_t)eddy_region_data(views[i]);
        lowest = at < lowest ? at : lowest;
        highest = at > highest ? at : highest;
    }
    check(highest - lowest > UINT64_C(1) << 40); /* in vain once in 10^20 */
    for (int i = 0; i < SOME; i++)
        must(eddy_region_close(views[i]));
    must(eddy_region_close(owner));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(growing_keeps_contents_and_address),
        WORLD_TEST(shrinking_is_refused),
        WORLD_TEST(refreshing_is_true_once),
        WORLD_TEST(both_see_what_is_in_the_new_part),
        WORLD_TEST(new_bytes_are_zero_whatever_lay_behind_the_end),
        WORLD_TEST(a_limit_holds_in_each_view),
        WORLD_TEST(the_default_limit_is_ample),
        WORLD_TEST(an_observer_creates_and_a_worker_writes),
        WORLD_TEST(rights_change_as_far_as_the_descriptor_goes),
        WORLD_TEST(memory_is_reserved_unless_sparse),
        WORLD_TEST(holes_are_punched_in_sparse_views_alone),
        WORLD_TEST(core_dumps_leave_it_out_unless_asked),
        WORLD_TEST(locked_regions_are_in_memory_new_parts_too),
        WORLD_TEST(huge_ones_lie_on_huge_boundaries),
        WORLD_TEST(random_ones_lie_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
