/* join_cost_test.c - looking up must not become a search when there are many joins.
 *
 * Times on a busy machine scatter upwards, so the least of many short slices is compared, and the
 * bound leaves room: a linear search misses it by far.  What 250 joined regions cost is printed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include <eddy/join.h>
#include <stdio.h>

enum { SLICES = 100, STEPS = 100, FEW = 16, MANY = 4096, REGIONS = 250, PAGE = 4096 };

static char handles[MANY];
static struct eddy_join_info infos[MANY];

static void adopt(unsigned i)
{
    struct eddy_join_info *info = &infos[i];
    snprintf(info->name, sizeof info->name, "join-%u", i);
    info->handle = &handles[i];
    info->address = (void *)((uintptr_t)(2 * i + 2) * PAGE);
    struct eddy_adoption adoption = {.name = info->name,
                                     .handle = info->handle,
                                     .memory = info->address,
                                     .page_bytes = PAGE,
                                     .pages = 1};
    must(eddy_join_adopt(&adoption));
}

/* --- what is measured ------------------------------------------------------------------------ */

typedef int lookup(const struct eddy_join_info *info, struct eddy_join_info *found);

static int by_name(const struct eddy_join_info *info, struct eddy_join_info *found)
{
    return eddy_join_find(info->name, found);
}

static int by_handle(const struct eddy_join_info *info, struct eddy_join_info *found)
{
    return eddy_join_find_handle(info->handle, found);
}

static int by_address(const struct eddy_join_info *info, struct eddy_join_info *found)
{
    return eddy_join_find_address(info->address, 8, found);
}

/* ns for one of them, with `count` joins in infos, in an order that caches do not foresee. */
static double cost_of(lookup *look, unsigned count)
{
    uint64_t best = UINT64_MAX;
    struct eddy_join_info found;
    unsigned i = 0;
    for (int slice = 0; slice < SLICES; slice++) {
        uint64_t before = eddy_now();
        for (int step = 0; step < STEPS; step++) {
            must(look(&infos[i], &found));
            i = (i + 7919) % count;
        }
        uint64_t taken = eddy_now() - before;
        best = taken < best ? taken : best;
    }
    return (double)best / (double)STEPS;
}

/* --- many are not searched ------------------------------------------------------------------- */

static void many_joins_are_found_as_few_are(void **state)
{
    (void)state;
    static lookup *const lookups[] = {by_name, by_handle, by_address};
    double few[3], many[3];
    unsigned count = 0;
    for (; count < FEW; count++)
        adopt(count);
    for (int i = 0; i < 3; i++)
        few[i] = cost_of(lookups[i], count);
    for (; count < MANY; count++)
        adopt(count);
    for (int i = 0; i < 3; i++) {
        many[i] = cost_of(lookups[i], count);
        print_message("lookup %d: %.0f ns of %d joins, %.0f ns of %d\n", i, few[i], FEW, many[i],
                      MANY);
    }
    while (count--)
        must(eddy_join_disown(&handles[count], NULL));
    for (int i = 0; i < 3; i++)
        check(many[i] < 40 * few[i]);
}

/* --- regions --------------------------------------------------------------------------------- */

static double cost_of_joining(eddy_domain *domain, unsigned first, unsigned count)
{
    uint64_t best = UINT64_MAX;
    for (int slice = 0; slice < SLICES; slice++) {
        const struct eddy_join_info *info = &infos[first + (unsigned)slice % count];
        void *handle;
        uint64_t before = eddy_now();
        must(eddy_join(domain, info->name, NULL, NULL, &handle));
        must(eddy_leave(handle));
        uint64_t taken = eddy_now() - before;
        best = taken < best ? taken : best;
    }
    return (double)best;
}

static void regions_are_joined_and_found(void **state)
{
    (void)state;
    static eddy_region *regions[REGIONS + 1];
    struct eddy_region_options options = {.bytes = PAGE};
    eddy_domain *domain = open_domain();
    for (unsigned i = 0; i <= REGIONS; i++) {
        snprintf(infos[i].name, sizeof infos[i].name, "join-%u", i);
        must(eddy_region_create(domain, infos[i].name, &options, &regions[i]));
        if (i < REGIONS)
            must(eddy_join(domain, infos[i].name, NULL, &infos[i], NULL));
    }
    print_message("%d regions: by name %.0f ns, by handle %.0f ns, by address %.0f ns\n", REGIONS,
                  cost_of(by_name, REGIONS), cost_of(by_handle, REGIONS),
                  cost_of(by_address, REGIONS));
    print_message("join and leave: %.0f ns of one that is joined, %.0f ns of one that is not\n",
                  cost_of_joining(domain, 0, REGIONS), cost_of_joining(domain, REGIONS, 1));
    for (unsigned i = 0; i <= REGIONS; i++) {
        if (i < REGIONS)
            must(eddy_leave(infos[i].handle));
        must(eddy_region_close(regions[i]));
    }
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(many_joins_are_found_as_few_are),
        WORLD_TEST(regions_are_joined_and_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
