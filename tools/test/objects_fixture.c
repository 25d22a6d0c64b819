/* objects_fixture.c - what else there is to look at: `objects_fixture NAME COUNT` makes a slots
 * segment at NAME.flink with one reader, a ring and a region.  It commits COUNT samples of 100
 * bytes and publishes as many chunks, takes and keeps the first of these, says "ready", and stays
 * until its input ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int error, const char *what)
{
    if (error == 0)
        return;
    fprintf(stderr, "fixture: %s: %s (%s)\n", what, eddy_last_error(), eddy_strerror(error));
    exit(1);
}

static eddy_slots *make_slots(eddy_domain *domain, const char *name, long count)
{
    static const char payload[100];
    const struct eddy_slots_options options = {.slot_count = 8, .slot_capacity = 1024};
    struct eddy_slot_loan loan;
    eddy_slots *slots;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.flink", eddy_domain_dir(domain), name);
    must(eddy_slots_create(domain, path, &options, &slots), "slots");
    must(eddy_slots_join(slots, 0, NULL), "join");
    for (long i = 0; i < count; i++) {
        must(eddy_slots_loan(slots, NULL, 0, EDDY_POLL, &loan), "reserve");
        must(eddy_slots_publish_copy(slots, &loan, payload, sizeof payload, NULL), "commit");
    }
    return slots;
}

static void fill_ring(eddy_domain *domain, long count, eddy_ring *rings[2], struct eddy_chunk *kept)
{
    const struct eddy_ring_options options = {
        .slots = 16, .slot_bytes = 4096, .role = EDDY_RING_PRODUCER};
    struct eddy_chunk chunk;
    must(eddy_ring_create(domain, "trace", &options, &rings[0]), "ring");
    must(eddy_ring_attach(domain, "trace", EDDY_RING_CONSUMER, NULL, &rings[1]), "consumer");
    for (long i = 0; i < count; i++) {
        must(eddy_ring_loan(rings[0], EDDY_POLL, &chunk), "loan");
        must(eddy_ring_publish(rings[0], &chunk, 100), "publish");
    }
    must(eddy_ring_take(rings[1], EDDY_POLL, kept), "take");
    must(eddy_ring_finish(rings[0]), "finish");
}

int main(int argc, char **argv)
{
    const struct eddy_region_options sparse = {.bytes = 1 << 20, .flags = EDDY_REGION_SPARSE};
    eddy_ring *rings[2];
    eddy_region *region;
    struct eddy_chunk kept;
    const struct eddy_domain_options domain_options = {.name = "fix\033[31mture"};
    eddy_domain *domain;
    if (argc != 3)
        return 2;
    must(eddy_domain_open(&domain_options, &domain), "domain");
    eddy_slots *slots = make_slots(domain, argv[1], strtol(argv[2], NULL, 10));
    fill_ring(domain, strtol(argv[2], NULL, 10), rings, &kept);
    must(eddy_region_create(domain, "world", &sparse, &region), "region");
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    must(eddy_region_close(region), "close");
    must(eddy_ring_release(rings[1], &kept), "release");
    must(eddy_ring_close(rings[1]), "close");
    must(eddy_ring_close(rings[0]), "close");
    must(eddy_slots_close(slots), "close");
    must(eddy_domain_close(domain), "close");
    return 0;
}
