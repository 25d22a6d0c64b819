/* dds_side.h - what the Cyclone DDS programs do in the same way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_DDS_SIDE_H
#define BENCH_DDS_SIDE_H

#include <dds/dds.h>
#include <stdbool.h>
#include <stddef.h>

/* Ends the program with bench_fail if `rc` is an error. */
dds_entity_t dds_side_must(dds_entity_t rc, const char *what);

/* A participant, in a process that may have been forked: it has then drawn other random numbers than
 * its parent.  libddsc begins them when it is loaded, and iceoryx ends a program whose plug-in has
 * drawn the name of another. */
dds_entity_t dds_side_join(dds_domainid_t domain);

/* Reliable, of the last 16. */
dds_qos_t *dds_side_qos(void);

/* In `way`: "shm" fails when Cyclone DDS does not use shared memory for this writer or reader. */
void dds_side_check(dds_entity_t entity, const char *way);

/* The type of so many bytes; ends the program if there is none. */
const dds_topic_descriptor_t *dds_side_type(size_t bytes);

/* Memory for the next sample: a loan where there are some, else `otherwise`.  For one thread. */
void *dds_side_loan(dds_entity_t writer, void *otherwise);

/* Returns when a writer, or a reader, knows so many of the other kind. */
void dds_side_await(dds_entity_t entity, bool is_writer, unsigned others);

/* True on Cyclone DDS 11: programs that were compiled for 0.10 run on it as they are. */
bool dds_side_is_newer(void);

/* The first word of the next sample; false: there is nothing (more). */
bool dds_side_take(dds_entity_t reader, uint64_t *first);

#endif
