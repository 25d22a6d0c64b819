/* huge_test.c - rings and regions that ask for huge pages have them, though their memory was
 * reserved before anybody could ask.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE = 2 << 20, COUNT = 4 };

/* KiB of huge pages in the mapping that an address lies in. */
static unsigned long huge_at(const void *address)
{
    char line[512];
    unsigned long first, end, huge = 0, value;
    bool inside = false;
    FILE *file = fopen("/proc/self/smaps", "re");
    check(file != NULL);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            inside = first <= (unsigned long)address && (unsigned long)address < end;
        if (inside && sscanf(line, "ShmemPmdMapped: %lu", &value) == 1)
            huge += value;
    }
    fclose(file);
    return huge;
}

/* Whether this kernel can do it at all (6.1, with transparent huge pages that are not denied). */
static bool is_possible(void)
{
    int file = open(world_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    check(file >= 0 && posix_fallocate(file, 0, 2 * HUGE) == 0);
    char *room = mmap(NULL, 3 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(room != MAP_FAILED);
    char *at = room + HUGE - (size_t)room % HUGE;
    check(mmap(at, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == at);
    bool possible = madvise(at, HUGE, MADV_COLLAPSE) == 0;
    close(file);
    munmap(room, 3 * HUGE);
    return possible;
}

static void a_ring_that_asks_for_huge_pages_has_them(void **state)
{
    (void)state;
    if (!is_possible())
        skip_because(
            "this kernel gives no huge pages on request (6.1 and later do, unless denied)");
    eddy_domain *domain = open_domain();
    struct eddy_ring_options options = {
        .slot_bytes = HUGE, .slots = COUNT, .flags = EDDY_RING_HUGE, .role = EDDY_RING_PRODUCER};
    struct eddy_chunk chunk;
    eddy_ring *ring;
    must(eddy_ring_create(domain, "huge", &options, &ring));
    must(eddy_ring_loan(ring, EDDY_POLL, &chunk));
    memset(chunk.data, 1, chunk.size);
    same(huge_at(chunk.data), COUNT * HUGE / 1024);
    must(eddy_ring_discard(ring, &chunk));
    must(eddy_ring_close(ring));
    must(eddy_domain_close(domain));
}

static void a_region_that_asks_for_huge_pages_has_them(void **state)
{
    (void)state;
    if (!is_possible())
        skip_because(
            "this kernel gives no huge pages on request (6.1 and later do, unless denied)");
    eddy_domain *domain = open_domain();
    struct eddy_region_options options = {.bytes = COUNT * HUGE, .flags = EDDY_REGION_HUGE};
    eddy_region *region;
    must(eddy_region_create(domain, "huge", &options, &region));
    memset(eddy_region_writable_data(region), 1, COUNT * HUGE);
    same(huge_at(eddy_region_data(region)), COUNT * HUGE / 1024);
    must(eddy_region_close(region));
    options.cleanup = EDDY_CLEANUP_AUTO;
    must(eddy_region_create_nameless(&options, &region));
    memset(eddy_region_writable_data(region), 1, COUNT * HUGE);
    same(huge_at(eddy_region_data(region)), COUNT * HUGE / 1024);
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_ring_that_asks_for_huge_pages_has_them),
        WORLD_TEST(a_region_that_asks_for_huge_pages_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
