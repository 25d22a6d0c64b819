/* gc_test.c - clearing away costs, for each topic, what it costs in a small folder.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/look.h"
#include "support/payload.h"

#include <fcntl.h>
#include <stdio.h>

enum { FEW = 40, MANY = 160 };

/* Files opened by the engine. */
static unsigned opened;
int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);

int __wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
    opened++;
    return __real_openat(dir, path, flags, mode);
}

/* All names first, then all extents: so a folder does not list them side by side. */
static void litter(int wire, void *count)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writers[MANY];
    unsigned topics = *(const unsigned *)count;
    char name[16];
    for (unsigned i = 0; i < topics; i++) {
        snprintf(name, sizeof name, "%u", i);
        writers[i] = open_writer(domain, name, NULL);
    }
    for (unsigned i = 0; i < topics; i++)
        payload_publish(writers[i], 64, 1, 0);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* While somebody else takes part in the domain. */
static unsigned files_opened_for(unsigned topics)
{
    eddy_domain *domain = open_domain();
    struct child child = child_start(litter, &topics);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
    opened = 0;
    same(collect().topics_removed, topics);
    unsigned result = opened;
    must(eddy_domain_close(domain));
    return result;
}

static void four_times_the_dead_topics_take_four_times_the_looks(void **state)
{
    (void)state;
    unsigned few = files_opened_for(FEW), many = files_opened_for(MANY);
    printf("files opened for each of %d topics: %u, of %d: %u\n", FEW, few / FEW, MANY,
           many / MANY);
    check(many < (uint64_t)few * MANY / FEW * 3 / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(four_times_the_dead_topics_take_four_times_the_looks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
