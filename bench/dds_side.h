/* dds_side.h - what the Cyclone DDS programs do in the same way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_DDS_SIDE_H
#define BENCH_DDS_SIDE_H

#include <dds/dds.h>
#include <stdbool.h>

/* Ends the program with bench_fail if `rc` is an error. */
dds_entity_t dds_side_must(dds_entity_t rc, const char *what);

/* Reliable, of the last 16. */
dds_qos_t *dds_side_qos(void);

/* In `way`: "shm" fails when Cyclone DDS does not use shared memory for this writer or reader. */
void dds_side_check(dds_entity_t entity, const char *way);

/* The first word of the next sample; false: there is nothing (more). */
bool dds_side_take(dds_entity_t reader, uint64_t *first);

#endif
