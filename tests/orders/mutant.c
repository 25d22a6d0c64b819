/* mutant.c - see mutant.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "mutant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t mutant_site;
int mutant_order;
uint64_t mutant_nap = 2000000;
uint8_t mutant_reached[MUTANT_SITES];

static const struct {
    const char *name;
    int order;
} orders[] = {{"relaxed", memory_order_relaxed},
              {"acquire", memory_order_acquire},
              {"release", memory_order_release},
              {"acq_rel", memory_order_acq_rel}};

__attribute__((constructor)) static void choose(void)
{
    const char *given = getenv("EDDY_MUTANT"), *colon = given ? strchr(given, ':') : NULL;
    for (size_t i = 0; colon && i < sizeof orders / sizeof *orders; i++) {
        if (strcmp(colon + 1, orders[i].name) != 0)
            continue;
        mutant_order = orders[i].order;
        mutant_site = (uint32_t)strtoul(given, NULL, 10);
    }
}

/* A mutant that the test never comes to proves nothing by surviving. */
__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("EDDY_MUTANT_REACHED");
    FILE *file = path ? fopen(path, "w") : NULL;
    for (int i = 1; file && i < MUTANT_SITES; i++)
        if (mutant_reached[i])
            fprintf(file, "%d\n", i);
    if (file)
        fclose(file);
}
