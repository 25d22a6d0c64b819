/* join_random_test.c - names, queries and lists, and all of it at random beside a simple model.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "join_standin.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <ctype.h>
#include <stdio.h>

enum { NAMES = SANITIZED ? 100000 : 1000000, STEPS = 65536, REGIONS = 300 };

/* --- names ----------------------------------------------------------------------------------- */

/* Written another way than the library does. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    if (length > 0 && name[0] == '/')
        return length > 1 && name[1] != '/' && is_name(name + 1);
    bool good = length >= 1 && length <= EDDY_REGION_NAME_MAX && isalnum((unsigned char)name[0]);
    for (size_t i = 0; i < length; i++)
        good = good && (isalnum((unsigned char)name[i]) || strchr("_-.", name[i]));
    return good;
}

/* Mostly letters that are allowed, so that long names are often good. */
static void random_name(uint64_t *seed, char *name, size_t room)
{
    static const char likely[] = "abcXYZ019_-.";
    size_t length = payload_random(seed) % room;
    bool wild = payload_random(seed) % 4 == 0;
    for (size_t i = 0; i < length; i++) {
        char any = (char)(payload_random(seed) % 255 + 1);
        name[i] = wild && i == payload_random(seed) % length
                      ? any
                      : likely[payload_random(seed) % (sizeof likely - 1)];
    }
    name[length] = 0;
}

static void random_names_are_good_or_not(void **state)
{
    (void)state;
    uint64_t seed = payload_seed(), good = 0;
    char name[EDDY_REGION_NAME_MAX + 8];
    for (int i = 0; i < NAMES; i++) {
        random_name(&seed, name, sizeof name);
        bool wanted = is_name(name);
        if (eddy_join_find(name, NULL) != (wanted ? EDDY_ENOENT : EDDY_EINVAL))
            fail_msg("\"%s\" is taken for a %s name", name, wanted ? "bad" : "good");
        good += wanted;
    }
    check(good > NAMES / 10 && good < NAMES - NAMES / 10);
}

static void a_name_has_a_letter_or_digit_first_and_63_characters(void **state)
{
    (void)state;
    char name[EDDY_REGION_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    name[EDDY_REGION_NAME_MAX + 1] = 0;
    must_fail(eddy_join_find(name, NULL), EDDY_EINVAL);
    name[EDDY_REGION_NAME_MAX] = 0;
    must_fail(eddy_join_find(name, NULL), EDDY_ENOENT);
    static const char *const bad[] = {"", "/", "//a", "..", ".a", "_a", "-a", "a/b", "a b", "\xe4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        must_fail(eddy_join_find(bad[i], NULL), EDDY_EINVAL);
    must_fail(eddy_join_find(NULL, NULL), EDDY_EINVAL);
    static const char *const good[] = {"a", "0", "/a", "A.b-c_d", "a..", "a--"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        must_fail(eddy_join_find(good[i], NULL), EDDY_ENOENT);
}

/* --- queries --------------------------------------------------------------------------------- */

static void queries_check_what_they_are_asked(void **state)
{
    (void)state;
    for (int joined = 0; joined < 2; joined++) { /* with an empty table, too */
        void *handle = joined ? standin_joined("x2") : NULL;
        must_fail(eddy_join_find_handle(NULL, NULL), EDDY_EINVAL);
        must_fail(eddy_join_find_handle(&standin, NULL), EDDY_ENOENT);
        must_fail(eddy_join_find_address(&standin, 0, NULL), EDDY_ENOENT);
        must_fail(eddy_join_find_address((void *)UINTPTR_MAX, 0, NULL), EDDY_ENOENT);
        must_fail(eddy_join_find_address((void *)UINTPTR_MAX, 2, NULL), EDDY_EINVAL);
        int all = eddy_join_find_address((void *)1, UINT64_MAX, NULL); /* up to the last byte */
        check(all == (joined ? EDDY_OK : EDDY_ENOENT));
        if (joined)
            must(eddy_leave(handle));
    }
}

static void an_address_is_found_by_any_shared_byte(void **state)
{
    (void)state;
    char *first = standin_joined("x2");
    char *last = first + standin_bytes(2) - 1;
    must(eddy_join_find_address(first, 1, NULL));
    must(eddy_join_find_address(last, 1, NULL));
    must(eddy_join_find_address(last, 100, NULL));
    must(eddy_join_find_address(first - 1, 2, NULL));
    must(eddy_join_find_address(first - 100, 200 + standin_bytes(2), NULL));
    must_fail(eddy_join_find_address(first - 1, 1, NULL), EDDY_ENOENT);
    must_fail(eddy_join_find_address(last + 1, 1, NULL), EDDY_ENOENT);
    must(eddy_leave(first));
}

/* --- lists ----------------------------------------------------------------------------------- */

static void a_list_goes_by_name(void **state)
{
    (void)state;
    static const char *const in_order[] = {"x0", "x10", "x5", "y7"};
    void *handles[] = {standin_joined("y7"), standin_joined("x10"), standin_joined("x0"),
                       standin_joined("x5")};
    must(standin_join("x7", NULL, NULL, NULL)); /* another name of y7 */
    struct eddy_join_info infos[5], info = {.name = ""};
    memset(infos, 0x5a, sizeof infos);
    same(eddy_join_list(infos, 2), 4);
    check(infos[2].references == 0x5a5a5a5a5a5a5a5a);
    same(eddy_join_list(infos, 5), 4);
    for (int i = 0; i < 4; i++) {
        must(eddy_join_next(&info));
        check(memcmp(&info, &infos[i], sizeof info) == 0);
        check(strcmp(info.name, in_order[i]) == 0);
    }
    must_fail(eddy_join_next(&info), EDDY_ENOENT);
    check(memcmp(&info, &infos[3], sizeof info) == 0);
    must(eddy_leave(handles[0]));
    for (int i = 0; i < 4; i++)
        must(eddy_leave(handles[i]));
}

static void regression_iterating_bears_with_joins_that_come_and_go(void **state)
{
    (void)state;
    struct eddy_join_info info = {.name = ""};
    void *one = standin_joined("x1"), *three = standin_joined("x3"), *five = standin_joined("x5");
    must(eddy_join_next(&info));
    must(eddy_leave(one)); /* the one we stand on */
    must(eddy_leave(three));
    void *four = standin_joined("x4");
    must(eddy_join_next(&info));
    check(strcmp(info.name, "x4") == 0);
    must(eddy_join_next(&info));
    check(strcmp(info.name, "x5") == 0);
    must_fail(eddy_join_next(&info), EDDY_ENOENT);
    must_fail(eddy_join_next(NULL), EDDY_EINVAL);
    memset(info.name, 'a', sizeof info.name);
    must_fail(eddy_join_next(&info), EDDY_EINVAL);
    must(eddy_leave(four));
    must(eddy_leave(five));
}

/* --- at random, beside a model --------------------------------------------------------------- */

/* What each region should be: its name, and how often it is joined.  The first is its own info. */
static struct eddy_join_info model[REGIONS];
static unsigned joined; /* regions */

static void name_region(unsigned i, char name[16])
{
    snprintf(name, 16, "x%u", i);
}

/* Every third is adopted at an address of its own, never touched. */
static bool is_adopted(unsigned i)
{
    return i % 3 == 0;
}

static void adopt(unsigned i, const char *name)
{
    static char handles[REGIONS];
    struct eddy_adoption a = {.name = name,
                              .handle = &handles[i],
                              .memory = (void *)((uintptr_t)(i + 1) << 20),
                              .page_bytes = STANDIN_PAGE,
                              .pages = i + 1};
    must(eddy_join_adopt_check(&a));
    must(eddy_join_adopt_enter(&a, i % 2));
    struct eddy_join_info *m = &model[i];
    memset(m, 0, sizeof *m);
    m->references = 1;
    m->handle = a.handle;
    m->address = a.memory;
    m->bytes = a.pages * a.page_bytes;
    m->page_bytes = a.page_bytes;
    m->adopted = 1;
    m->shadows = i % 2;
    memcpy(m->name, name, strlen(name));
}

static void join(unsigned i)
{
    char name[16];
    name_region(i, name);
    struct eddy_join_info info, *m = &model[i];
    joined += m->references == 0;
    if (is_adopted(i) && m->references == 0) {
        adopt(i, name);
        return;
    }
    must(standin_join(name, NULL, &info, NULL));
    if (m->references++ == 0) {
        *m = info;
        check(info.handle == info.address && info.bytes == standin_bytes(i));
        m->references = 1;
    }
    check(memcmp(&info, m, sizeof info) == 0);
}

static void leave(unsigned i)
{
    struct eddy_join_info info, *m = &model[i];
    if (m->references == 0) {
        if (is_adopted(i) && m->handle) /* else the address is another's by now, perhaps */
            must_fail(eddy_leave(m->handle), EDDY_ENOENT);
        return;
    }
    if (is_adopted(i) && m->references == 1) {
        must_fail(eddy_leave(m->handle), EDDY_EINVAL);
        must(eddy_join_disown(m->handle, &info));
        m->references = 0;
        check(memcmp(&info, m, sizeof info) == 0);
    } else {
        must(eddy_leave(m->handle));
        m->references--;
    }
    joined -= m->references == 0;
}

static void is_as_in_the_model(int error, const struct eddy_join_info *info, unsigned i)
{
    if (model[i].references == 0)
        check(error == EDDY_ENOENT);
    else
        check(error == EDDY_OK && memcmp(info, &model[i], sizeof *info) == 0);
}

/* By name, by handle, by a random address in it. */
static void look(unsigned i, uint64_t *seed)
{
    char name[16];
    struct eddy_join_info info;
    name_region(i, name);
    is_as_in_the_model(eddy_join_find(name, &info), &info, i);
    if (model[i].references == 0)
        return;
    is_as_in_the_model(eddy_join_find_handle(model[i].handle, &info), &info, i);
    char *byte = (char *)model[i].address + payload_random(seed) % model[i].bytes;
    is_as_in_the_model(eddy_join_find_address(byte, 1, &info), &info, i);
}

static void random_joins_and_leaves_are_as_in_the_model(void **state)
{
    (void)state;
    uint64_t seed = payload_seed();
    memset(model, 0, sizeof model);
    joined = 0;
    for (int step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)(payload_random(&seed) % REGIONS);
        if (payload_random(&seed) % 2)
            join(i);
        else
            leave(i);
        look(i, &seed);
        look((unsigned)(payload_random(&seed) % REGIONS), &seed);
        if (step % 64 == 0)
            same(eddy_join_list(NULL, 0), joined);
    }
    for (unsigned i = 0; i < REGIONS; i++)
        while (model[i].references)
            leave(i);
    check(standin.maps > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STANDIN_TEST(random_names_are_good_or_not),
        STANDIN_TEST(a_name_has_a_letter_or_digit_first_and_63_characters),
        STANDIN_TEST(queries_check_what_they_are_asked),
        STANDIN_TEST(an_address_is_found_by_any_shared_byte),
        STANDIN_TEST(a_list_goes_by_name),
        STANDIN_TEST(regression_iterating_bears_with_joins_that_come_and_go),
        STANDIN_TEST(random_joins_and_leaves_are_as_in_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
