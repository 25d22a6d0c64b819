/* join_adopt_test.c - memory of the caller's that is found and joined like a region.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "join_standin.h"
#include "support/world.h"

#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20 };
#define GIANT_PAGE (UINT64_C(1) << 30)

static char handles[4];
static char *memory; /* three pages, aligned to the largest */

static int setup(void **state)
{
    memory = (char *)GIANT_PAGE; /* never touched: adopting is bookkeeping */
    return standin_setup(state);
}

#define ADOPT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, standin_teardown)

static struct eddy_adoption adoption(void)
{
    return (struct eddy_adoption){.name = "x1",
                                  .handle = &handles[0],
                                  .memory = memory,
                                  .page_bytes = STANDIN_PAGE,
                                  .pages = 3};
}

static int adopt(const struct eddy_adoption *a)
{
    int error = eddy_join_adopt_check(a);
    return error ? error : eddy_join_adopt_enter(a, false);
}

/* Joins what is adopted, which needs no domain. */
static int join_adopted(enum eddy_map map, struct eddy_join_info *info)
{
    struct eddy_join_options options = {.map = map};
    return standin_join_in(NULL, "x1", &options, info, NULL);
}

static void is_found(const struct eddy_join_info *wanted)
{
    struct eddy_join_info info;
    must(eddy_join_find(wanted->name, &info));
    check(memcmp(&info, wanted, sizeof info) == 0);
    must(eddy_join_find_handle(wanted->handle, &info));
    check(memcmp(&info, wanted, sizeof info) == 0);
    must(eddy_join_find_address((char *)wanted->address + wanted->bytes - 1, 5, &info));
    check(memcmp(&info, wanted, sizeof info) == 0);
}

/* What this machine's page is: 0: what it really is. */
static long usual_page;
long __real_sysconf(int name);
long __wrap_sysconf(int name);
long __wrap_sysconf(int name)
{
    return name == _SC_PAGESIZE && usual_page ? usual_page : __real_sysconf(name);
}

static void adopt_with_two_joins(uint64_t page_bytes)
{
    struct eddy_adoption a = adoption();
    struct eddy_join_info info, wanted = {.references = 1, .adopted = 1, .name = "x1"};
    a.page_bytes = wanted.page_bytes = page_bytes;
    wanted.bytes = 3 * page_bytes;
    wanted.handle = a.handle;
    wanted.address = memory;
    must(adopt(&a));
    is_found(&wanted);
    for (wanted.references = 2; wanted.references <= 3; wanted.references++) {
        must(join_adopted(EDDY_MAP_READ_WRITE, &info));
        check(memcmp(&info, &wanted, sizeof info) == 0);
        is_found(&wanted);
    }
    must(eddy_leave(a.handle));
    must(eddy_leave(a.handle));
    wanted.references = 1;
    is_found(&wanted);
    wanted.references = 0;
    must(eddy_join_disown(a.handle, &info));
    check(memcmp(&info, &wanted, sizeof info) == 0);
    must_fail(eddy_join_find("x1", NULL), EDDY_ENOENT);
}

static void adopted_memory_is_joined_and_found_like_a_region(void **state)
{
    (void)state;
    adopt_with_two_joins(STANDIN_PAGE);
    adopt_with_two_joins(HUGE_PAGE);
    adopt_with_two_joins(GIANT_PAGE);
    same(standin.maps + standin.unmaps, 0);
}

static void a_name_with_a_slash_is_the_same_without(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption();
    a.name = "/x1";
    must(adopt(&a));
    must(eddy_join_find("x1", NULL));
    must(eddy_join_find("/x1", NULL));
    must(eddy_join_disown(a.handle, NULL));
}

/* Each is wrong in all that comes after it, too: the sentence tells which was seen first. */
static void arguments_are_checked_in_order(void **state)
{
    (void)state;
    struct eddy_adoption a = {.name = ".x", .map = 7};
    must_fail(adopt(NULL), EDDY_EINVAL);
    must_fail(adopt(&a), EDDY_EINVAL);
    says("cannot name");
    a.name = "x1";
    must_fail(adopt(&a), EDDY_EINVAL);
    says("map is 7");
    a.map = EDDY_MAP_READ;
    must_fail(adopt(&a), EDDY_EINVAL);
    says("handle");
    a.handle = &handles[0];
    must_fail(adopt(&a), EDDY_EINVAL);
    says("memory to adopt is NULL");
    a.memory = memory + 1;
    a.page_bytes = 8192;
    must_fail(adopt(&a), EDDY_EINVAL);
    says("a page of 8192 bytes");
    a.page_bytes = STANDIN_PAGE;
    must_fail(adopt(&a), EDDY_EINVAL);
    says("does not begin at a page");
    a.memory = memory + STANDIN_PAGE;
    a.page_bytes = HUGE_PAGE;
    must_fail(adopt(&a), EDDY_EINVAL);
    says("does not begin at a page");
    a.memory = memory;
    must_fail(adopt(&a), EDDY_EINVAL);
    says("0 pages");
    a.pages = UINT64_MAX / HUGE_PAGE + 2; /* 2 MiB, if it were allowed to overflow */
    must_fail(adopt(&a), EDDY_EINVAL);
    says("beyond the end");
    a.pages = UINT64_MAX / HUGE_PAGE; /* fits, but not behind this address */
    must_fail(adopt(&a), EDDY_EINVAL);
    says("beyond the end");
    same(eddy_join_list(NULL, 0), 0);
}

static void memory_may_reach_to_the_very_end(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption();
    struct eddy_join_info info;
    a.memory = (void *)(UINTPTR_MAX - STANDIN_PAGE + 1);
    a.pages = 1;
    must(adopt(&a));
    must(eddy_join_find_address((void *)UINTPTR_MAX, 1, &info));
    must_fail(eddy_join_find_address(a.memory, STANDIN_PAGE + 1, &info), EDDY_EINVAL);
    must_fail(eddy_join_find_address((char *)a.memory - 1, 1, &info), EDDY_ENOENT);
    must(eddy_join_disown(a.handle, NULL));
}

static void what_is_in_use_cannot_be_adopted(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption(), b = adoption();
    must(adopt(&a));
    must_fail(adopt(&b), EDDY_EINVAL);
    says("name");
    b.name = "x2";
    must_fail(adopt(&b), EDDY_EINVAL);
    says("handle");
    b.handle = &handles[1];
    b.memory = memory + 2 * STANDIN_PAGE;
    must_fail(adopt(&b), EDDY_EINVAL);
    says("memory");
    must_fail(eddy_join_find("x2", NULL), EDDY_ENOENT);
    must_fail(eddy_join_find_handle(b.handle, NULL), EDDY_ENOENT);
    b.memory = memory + 3 * STANDIN_PAGE;
    must(adopt(&b));
    must(eddy_join_disown(a.handle, NULL));
    must(eddy_join_disown(b.handle, NULL));
}

static void a_joined_region_cannot_be_adopted(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption();
    void *handle = standin_joined("x1");
    must_fail(adopt(&a), EDDY_EINVAL); /* its name */
    a.name = "x2";
    a.handle = handle;
    must_fail(adopt(&a), EDDY_EINVAL);
    a.handle = &handles[0];
    a.memory = handle;
    must_fail(adopt(&a), EDDY_EINVAL);
    must(eddy_leave(handle));
    must(adopt(&a));
    must(eddy_join_disown(a.handle, NULL));
}

static void what_is_not_adopted_cannot_be_disowned(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption();
    must_fail(eddy_join_disown(NULL, NULL), EDDY_EINVAL);
    must_fail(eddy_join_disown(&handles[0], NULL), EDDY_EINVAL);
    void *handle = standin_joined("x2");
    must_fail(eddy_join_disown(handle, NULL), EDDY_EINVAL);
    must(eddy_leave(handle));
    must(adopt(&a));
    must(join_adopted(EDDY_MAP_READ, NULL));
    must_fail(eddy_join_disown(a.handle, NULL), EDDY_EINVAL);
    says("1 times");
    must(eddy_leave(a.handle));
    must(eddy_join_disown(a.handle, NULL));
    must_fail(eddy_join_disown(a.handle, NULL), EDDY_EINVAL);
}

static void regression_leaving_never_unmaps_adopted_memory(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption();
    char *real =
        mmap(NULL, STANDIN_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(real != MAP_FAILED);
    a.memory = real;
    a.pages = 1;
    must(adopt(&a));
    must_fail(eddy_leave(a.handle), EDDY_EINVAL);
    says("eddy_join_disown");
    same(references_of("x1"), 1);
    memset(real, 1, STANDIN_PAGE); /* still ours */
    must(eddy_join_disown(a.handle, NULL));
    memset(real, 2, STANDIN_PAGE);
    check(munmap(real, STANDIN_PAGE) == 0);
}

static void memory_adopted_for_reading_is_not_made_writable(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption();
    struct eddy_join_info info;
    a.map = EDDY_MAP_READ;
    must(adopt(&a));
    must_fail(join_adopted(EDDY_MAP_READ_WRITE, NULL), EDDY_EACCES);
    must(join_adopted(EDDY_MAP_READ, &info));
    same(info.map, EDDY_MAP_READ);
    same(info.references, 2);
    must(eddy_leave(a.handle));
    must(eddy_join_disown(a.handle, NULL));
}

static void any_domain_finds_what_is_adopted(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption();
    must_fail(join_adopted(EDDY_MAP_READ, NULL), EDDY_EINVAL);
    must(adopt(&a));
    must(standin_join_in(&standin_elsewhere, "x1", NULL, NULL, NULL));
    must(standin_join_in(&standin_folder, "x1", NULL, NULL, NULL));
    same(references_of("x1"), 3);
    must(eddy_leave(a.handle));
    must(eddy_leave(a.handle));
    must(eddy_join_disown(a.handle, NULL));
}

/* Whoever frees adopted memory without a word is found out when a region is mapped there. */
static void a_region_at_the_address_of_forgotten_memory_says_so(void **state)
{
    (void)state;
    struct eddy_adoption a = adoption();
    a.memory = standin.where = standin_joined("x2");
    must(eddy_leave(a.memory));
    a.pages = 1;
    must(adopt(&a));
    must_fail(standin_join("x2", NULL, NULL, NULL), EDDY_EEXIST);
    says("eddy_join_disown");
    same(standin.mapped, 0);
    must(eddy_join_disown(a.handle, NULL));
    must(eddy_leave(standin_joined("x2")));
}

static void machines_have_pages_of_other_sizes(void **state)
{
    (void)state;
    static const long usual[] = {4 << 10, 16 << 10, 64 << 10};
    struct eddy_adoption a = adoption();
    for (size_t i = 0; i < 3; i++) {
        usual_page = usual[i];
        for (size_t j = 0; j < 3; j++) {
            a.page_bytes = (uint64_t)usual[j];
            if (j < i) {
                must_fail(adopt(&a), EDDY_EINVAL);
                continue;
            }
            must(adopt(&a));
            must(eddy_join_disown(a.handle, NULL));
        }
    }
    usual_page = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADOPT_TEST(adopted_memory_is_joined_and_found_like_a_region),
        ADOPT_TEST(a_name_with_a_slash_is_the_same_without),
        ADOPT_TEST(arguments_are_checked_in_order),
        ADOPT_TEST(memory_may_reach_to_the_very_end),
        ADOPT_TEST(what_is_in_use_cannot_be_adopted),
        ADOPT_TEST(a_joined_region_cannot_be_adopted),
        ADOPT_TEST(what_is_not_adopted_cannot_be_disowned),
        ADOPT_TEST(regression_leaving_never_unmaps_adopted_memory),
        ADOPT_TEST(memory_adopted_for_reading_is_not_made_writable),
        ADOPT_TEST(any_domain_finds_what_is_adopted),
        ADOPT_TEST(a_region_at_the_address_of_forgotten_memory_says_so),
        ADOPT_TEST(machines_have_pages_of_other_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
