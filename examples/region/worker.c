/* worker.c - computes how heat spreads, in memory that belongs to somebody else.
 *
 *   eddy_domain_open -> eddy_region_attach -> compute in place -> eddy_region_close
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plate.h"

#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int error)
{
    if (error == EDDY_OK)
        return;
    fprintf(stderr, "worker: %s: %s\n", eddy_error_name(error), eddy_last_error());
    exit(EXIT_FAILURE);
}

/* Each inner cell becomes the mean of its neighbours; the middle stays hot. */
static void compute(float (*from)[PLATE_SIDE], float (*to)[PLATE_SIDE])
{
    for (int y = 1; y < PLATE_SIDE - 1; y++)
        for (int x = 1; x < PLATE_SIDE - 1; x++)
            to[y][x] = (from[y - 1][x] + from[y + 1][x] + from[y][x - 1] + from[y][x + 1]) / 4;
    to[PLATE_SIDE / 2][PLATE_SIDE / 2] = 1000;
}

int main(int argc, char **argv)
{
    uint64_t steps = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000;
    eddy_domain *domain = NULL;
    eddy_region *region = NULL;
    must(eddy_domain_open(NULL, &domain));
    must(eddy_region_attach(domain, PLATE_NAME, NULL, &region)); /* to read and to write */
    struct plate *plate = eddy_region_writable_data(region);
    if (eddy_region_bytes(region) < sizeof *plate) {
        fprintf(stderr, "worker: the region is too small\n");
        return EXIT_FAILURE;
    }
    for (uint64_t step = 0; step < steps; step++) {
        compute(plate->heat[step % 2], plate->heat[(step + 1) % 2]);
        /* Release: who sees this number sees the cells of this step. */
        atomic_store_explicit(&plate->step, step + 1, memory_order_release);
        /* And who sees a cell of the next step will see this number: see look() in watcher.c. */
        atomic_thread_fence(memory_order_release);
    }
    atomic_store_explicit(&plate->finished, 1, memory_order_release);
    must(eddy_region_close(region)); /* the region stays: it is its creator's */
    must(eddy_domain_close(domain));
    return 0;
}
