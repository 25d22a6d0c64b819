/* interleave_region_test.c - regions, with one of two users standing at any point while the other
 * goes to any other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/interleave.h"
#include "support/region.h"

enum { BYTES = 3 * PAGE };

/* A region is what its owner says, byte for byte, whoever else has come by its name. */
static void fill(eddy_region *region, unsigned char value)
{
    for (uint64_t at = 0; at < eddy_region_bytes(region); at += 1000)
        put(region, at, value);
}

static void holds(eddy_region *region, unsigned char value)
{
    for (uint64_t at = 0; at < eddy_region_bytes(region); at += 1000)
        same(get(region, at), value);
}

/* Its own, however it got it; new bytes are zero. */
static void use(eddy_region *region, unsigned who)
{
    uint64_t before = eddy_region_bytes(region);
    fill(region, (unsigned char)(who + 1));
    must(eddy_region_grow(region, before + BYTES));
    for (uint64_t at = before; at < eddy_region_bytes(region); at += 1000)
        same(get(region, at), 0);
    fill(region, (unsigned char)(who + 1));
    holds(region, (unsigned char)(who + 1));
}

/* Whoever has the name lets it go, and gets it back or not: the other may be faster. */
static void change_hands(eddy_region *region, unsigned who)
{
    must(eddy_region_disown(region));
    int error = eddy_region_own(region);
    check(error == EDDY_OK || error == EDDY_EBUSY || error == EDDY_ENOENT);
    if (!error) {
        check(eddy_region_refresh(region) >= 0);
        use(region, who);
    }
}

static void look_in(int error, eddy_region *const *found)
{
    eddy_region *region = *found;
    check(error == EDDY_OK || error == EDDY_ENOENT);
    if (error)
        return;
    get(region, eddy_region_bytes(region) - 1);
    check(eddy_region_refresh(region) >= 0);
    get(region, eddy_region_bytes(region) - 1);
    error = eddy_region_own(region);
    check(error == EDDY_OK || error == EDDY_EBUSY || error == EDDY_ENOENT);
    if (!error)
        must(eddy_region_grow(region, eddy_region_bytes(region) + 1));
    must(eddy_region_close(region));
}

/* --- by name --------------------------------------------------------------------------------- */

static void live_by_name(unsigned who)
{
    struct eddy_region_options options = {.bytes = BYTES};
    eddy_domain *domain = open_domain();
    eddy_region *region = NULL, *other = NULL;
    look_in(eddy_region_attach(domain, "points", NULL, &other), &other);
    int error = eddy_region_create(domain, "points", &options, &region);
    check(error == EDDY_OK || error == EDDY_EEXIST);
    if (error) {
        options.flags = EDDY_REGION_REPLACE;
        must(eddy_region_create(domain, "points", &options, &region));
    }
    use(region, who);
    change_hands(region, who);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void begin(void)
{
}

/* What was disowned and that nobody owned again was kept. */
static void end_by_name(void)
{
    struct eddy_region_options options = {.bytes = BYTES, .flags = EDDY_REGION_REPLACE};
    eddy_domain *domain = open_domain();
    eddy_region *region = NULL;
    if (eddy_region_attach(domain, "points", NULL, &region) == EDDY_OK) {
        must(eddy_region_own(region));
        must(eddy_region_close(region));
    }
    must(eddy_region_create(domain, "points", &options, &region));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
    world_must_be_empty();
}

static void two_lives_with_a_name(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "by name",
                                          .begin = begin,
                                          .lives = {live_by_name, live_by_name},
                                          .end = end_by_name,
                                          .share = 0.7});
}

/* --- by path --------------------------------------------------------------------------------- */

static void live_by_path(unsigned who)
{
    struct eddy_region_options options = {.bytes = BYTES};
    eddy_region *region = NULL, *other = NULL;
    look_in(eddy_region_attach_path(in_world("p"), NULL, &other), &other);
    int error = eddy_region_create_path(in_world("p"), &options, &region);
    check(error == EDDY_OK || error == EDDY_EEXIST);
    if (error) {
        options.flags = EDDY_REGION_REPLACE;
        must(eddy_region_create_path(in_world("p"), &options, &region));
    }
    use(region, who);
    change_hands(region, who);
    must(eddy_region_close(region));
}

static void end_by_path(void)
{
    eddy_region *region = NULL;
    struct eddy_region_options options = {.bytes = BYTES, .flags = EDDY_REGION_REPLACE};
    must(eddy_region_create_path(in_world("p"), &options, &region));
    must(eddy_region_close(region));
    world_must_be_empty();
}

static void two_lives_with_a_path(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "by path",
                                          .begin = begin,
                                          .lives = {live_by_path, live_by_path},
                                          .end = end_by_path,
                                          .share = 0.3});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(two_lives_with_a_name),
        WORLD_TEST(two_lives_with_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
