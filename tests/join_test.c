/* join_test.c - one mapping for all joins of a region, counted; hooks; nests and circles.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "join_standin.h"
#include "support/world.h"

#include <stdio.h>

/* --- counting -------------------------------------------------------------------------------- */

static void a_region_is_mapped_once_however_often_it_is_joined(void **state)
{
    (void)state;
    void *first = standin_joined("x1"), *second = standin_joined("x1");
    check(first == second);
    same(standin.maps, 1);
    same(references_of("x1"), 2);
    must(eddy_leave(first));
    same(standin.unmaps, 0);
    memset(first, 7, standin_bytes(1)); /* still there */
    must(eddy_leave(second));
    same(standin.unmaps, 1);
}

static void a_join_tells_what_it_is(void **state)
{
    (void)state;
    struct eddy_join_info info, wanted = {.references = 1, .name = "x4"};
    void *handle;
    struct eddy_join_options options = {.map = EDDY_MAP_READ, .flags = EDDY_REGION_LOCK};
    must(standin_join("x4", &options, &info, &handle));
    wanted.handle = wanted.address = handle;
    wanted.bytes = standin_bytes(4);
    wanted.page_bytes = STANDIN_PAGE;
    wanted.device = STANDIN_DEVICE;
    wanted.inode = 5;
    wanted.map = EDDY_MAP_READ;
    wanted.locked = 1;
    check(memcmp(&info, &wanted, sizeof info) == 0);
    same(standin.flags, EDDY_REGION_LOCK);
    must(eddy_leave(handle));
}

static void without_an_attach_hook_the_handle_is_the_first_byte(void **state)
{
    (void)state;
    struct eddy_join_info info;
    void *handle;
    must(standin_join("x1", NULL, &info, &handle));
    check(handle == info.address && info.handle == info.address);
    must(eddy_leave(handle));
}

static void results_may_be_left_out(void **state)
{
    (void)state;
    struct eddy_join_info info;
    must(standin_join("x1", NULL, NULL, NULL));
    must(standin_join("x1", NULL, &info, NULL));
    must(eddy_join_find("x1", NULL));
    must(eddy_join_find_handle(info.handle, NULL));
    must(eddy_join_find_address(info.address, 1, NULL));
    must(eddy_leave(info.handle));
    must(eddy_leave(info.handle));
}

static void what_fails_writes_no_results(void **state)
{
    (void)state;
    struct eddy_join_info info, before;
    void *handle = &info;
    memset(&info, 0x5a, sizeof info);
    before = info;
    standin.map_error = EDDY_ENOENT;
    must_fail(standin_join("x1", NULL, &info, &handle), EDDY_ENOENT);
    must_fail(eddy_join_find("x1", &info), EDDY_ENOENT);
    must_fail(eddy_join_find_handle(&info, &info), EDDY_ENOENT);
    must_fail(eddy_join_find_address(&info, 1, &info), EDDY_ENOENT);
    must_fail(eddy_join_disown(&info, &info), EDDY_EINVAL);
    check(memcmp(&info, &before, sizeof info) == 0 && handle == &info);
}

static void a_join_that_cannot_be_mapped_can_be_tried_again(void **state)
{
    (void)state;
    standin.map_error = EDDY_ENOTREADY;
    must_fail(standin_join("x1", NULL, NULL, NULL), EDDY_ENOTREADY);
    same(references_of("x1"), 0);
    standin.map_error = 0;
    must(eddy_leave(standin_joined("x1")));
}

static void map_and_flags_are_checked(void **state)
{
    (void)state;
    struct eddy_join_options options = {.map = 2};
    must_fail(standin_join("x1", &options, NULL, NULL), EDDY_EINVAL);
    options = (struct eddy_join_options){.map = (enum eddy_map)UINT32_MAX};
    must_fail(standin_join("x1", &options, NULL, NULL), EDDY_EINVAL);
    options = (struct eddy_join_options){.flags = EDDY_REGION_REPLACE};
    must_fail(standin_join("x1", &options, NULL, NULL), EDDY_EINVAL);
    same(standin.maps, 0);
}

/* --- leaving --------------------------------------------------------------------------------- */

static void leaving_what_is_not_joined_fails(void **state)
{
    (void)state;
    must_fail(eddy_leave(NULL), EDDY_EINVAL);
    must_fail(eddy_leave(&standin), EDDY_ENOENT); /* nothing is joined */
    void *handle = standin_joined("x1");
    must_fail(eddy_leave(&standin), EDDY_ENOENT);
    must_fail(eddy_leave((char *)handle + 1), EDDY_ENOENT);
    must(eddy_leave(handle));
    must_fail(eddy_leave(handle), EDDY_ENOENT); /* one leave too many */
}

static void a_join_that_cannot_be_unmapped_is_left_all_the_same(void **state)
{
    (void)state;
    standin.unmap_error = EDDY_ESYS;
    must_fail(eddy_leave(standin_joined("x1")), EDDY_ESYS);
    standin.unmap_error = 0;
    same(references_of("x1"), 0);
    must(eddy_leave(standin_joined("x1")));
}

/* --- while it is mapped and unmapped --------------------------------------------------------- */

static void is_nobodys(const void *address)
{
    must_fail(eddy_join_find("x1", NULL), EDDY_ENOENT);
    must_fail(eddy_join_find_handle(address, NULL), EDDY_ENOENT);
    must_fail(eddy_join_find_address(address, 1, NULL), EDDY_ENOENT);
    same(eddy_join_list(NULL, 0), 0);
}

static void look_at_map(const char *name)
{
    (void)name;
    standin.at_map = NULL;
    is_nobodys(&standin);
    must_fail(standin_join("x1", NULL, NULL, NULL), EDDY_ELOOP);
    must(eddy_leave(standin_joined("x2"))); /* no lock is held */
}

/* Not found any more, as others may have the address soon; but not yet free to be mapped anew. */
static void look_at_unmap(void *address)
{
    is_nobodys(address);
    must_fail(standin_join("x1", NULL, NULL, NULL), EDDY_ELOOP);
}

static void what_is_not_mapped_yet_or_no_longer_is_not_found(void **state)
{
    (void)state;
    standin.at_map = look_at_map;
    void *handle = standin_joined("x1");
    check(!standin.at_map);
    standin.at_unmap = look_at_unmap;
    must(eddy_leave(handle));
    same(standin.maps, 2);
}

/* --- rights ---------------------------------------------------------------------------------- */

static const struct eddy_join_options reading = {.map = EDDY_MAP_READ};

static void regression_a_second_join_that_writes_can_write(void **state)
{
    (void)state;
    struct eddy_join_info info;
    must(standin_join("x1", &reading, &info, NULL));
    same(info.map, EDDY_MAP_READ);
    must(standin_join("x1", NULL, &info, NULL));
    same(info.map, EDDY_MAP_READ_WRITE);
    memset(info.address, 1, info.bytes);
    must(standin_join("x1", &reading, &info, NULL)); /* never narrower again */
    same(info.map, EDDY_MAP_READ_WRITE);
    same(info.references, 3);
    same(standin.protects, 1);
    for (int i = 0; i < 3; i++)
        must(eddy_leave(info.handle));
}

static void regression_a_second_join_that_may_not_write_is_refused(void **state)
{
    (void)state;
    struct eddy_join_info info;
    must(standin_join("x1", &reading, &info, NULL));
    standin.protect_error = EDDY_EACCES;
    must_fail(standin_join("x1", NULL, NULL, NULL), EDDY_EACCES);
    same(references_of("x1"), 1);
    must(eddy_join_find("x1", &info));
    same(info.map, EDDY_MAP_READ);
    must(eddy_leave(info.handle));
}

/* --- names and objects ----------------------------------------------------------------------- */

static void two_names_of_one_object_are_one_join(void **state)
{
    (void)state;
    struct eddy_join_info first, second, found;
    must(standin_join("x1", &reading, &first, NULL));
    must(standin_join("y1", NULL, &second, NULL));
    check(second.address == first.address && second.handle == first.handle);
    same(second.references, 2);
    same(second.map, EDDY_MAP_READ_WRITE);
    same(standin.mapped, 1);
    check(strcmp(second.name, "x1") == 0);
    must(eddy_join_find("y1", &found));
    check(memcmp(&found, &second, sizeof found) == 0);
    same(eddy_join_list(&found, 1), 1);
    same(standin.maps, 2); /* to see which object it is */
    must(standin_join("y1", NULL, NULL, NULL));
    same(standin.maps, 2);
    for (int i = 0; i < 3; i++)
        must(eddy_leave(first.handle));
    must_fail(eddy_join_find("y1", NULL), EDDY_ENOENT);
}

static void a_name_of_another_folder_is_another_region(void **state)
{
    (void)state;
    void *handle = standin_joined("x1");
    must_fail(standin_join_in(&standin_elsewhere, "x1", NULL, NULL, NULL), EDDY_EEXIST);
    says("/elsewhere");
    must_fail(standin_join_in(NULL, "x1", NULL, NULL, NULL), EDDY_EINVAL);
    must(standin_join_in(&standin_elsewhere, "y1", NULL, NULL, NULL)); /* the same object */
    same(references_of("x1"), 2);
    must(eddy_leave(handle));
    must(eddy_leave(handle));
    must_fail(standin_join_in(NULL, "x1", NULL, NULL, NULL), EDDY_EINVAL);
    must(standin_join_in(&standin_elsewhere, "x1", NULL, NULL, &handle));
    must(eddy_leave(handle));
}

static void there_is_no_end_of_joins(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static void *handles[MANY];
    char name[16];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "x%u", i);
        handles[i] = standin_joined(name);
    }
    same(eddy_join_list(NULL, 0), MANY);
    for (unsigned i = 0; i < MANY; i++)
        must(eddy_leave(handles[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STANDIN_TEST(a_region_is_mapped_once_however_often_it_is_joined),
        STANDIN_TEST(a_join_tells_what_it_is),
        STANDIN_TEST(without_an_attach_hook_the_handle_is_the_first_byte),
        STANDIN_TEST(results_may_be_left_out),
        STANDIN_TEST(what_fails_writes_no_results),
        STANDIN_TEST(a_join_that_cannot_be_mapped_can_be_tried_again),
        STANDIN_TEST(map_and_flags_are_checked),
        STANDIN_TEST(leaving_what_is_not_joined_fails),
        STANDIN_TEST(a_join_that_cannot_be_unmapped_is_left_all_the_same),
        STANDIN_TEST(what_is_not_mapped_yet_or_no_longer_is_not_found),
        STANDIN_TEST(regression_a_second_join_that_writes_can_write),
        STANDIN_TEST(regression_a_second_join_that_may_not_write_is_refused),
        STANDIN_TEST(two_names_of_one_object_are_one_join),
        STANDIN_TEST(a_name_of_another_folder_is_another_region),
        STANDIN_TEST(there_is_no_end_of_joins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
