/* common.h - what all the DDS examples share: options, an orderly end, a check of results.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_DDS_COMMON_H
#define EXAMPLE_DDS_COMMON_H

#include <dds/dds.h>
#include <dds/ddsc/dds_loan_api.h>
#include <stdbool.h>
#include <stdint.h>

struct example_options {
    const char *topic;
    dds_domainid_t domain;
    uint64_t count; /* samples, then end; 0: no end */
    double seconds; /* then end; 0: no end */
    double rate;    /* samples a second, where a program writes */
};

/* Reads the command line into `options`, which comes with the defaults.  Call it first in main: it
 * also sees to it that Ctrl-C ends a program through example_stop and not in mid-air. */
void example_parse(int argc, char **argv, const char *about, struct example_options *options);

/* The value of a DDS call, unless it failed: then says which one and ends the program. */
dds_entity_t example_check(dds_return_t result, const char *call);

/* A quality of service that may go through shared memory, which takes: history KEEP_LAST,
 * liveliness AUTOMATIC, no deadline, durability volatile or transient-local.  Give it to
 * dds_delete_qos. */
dds_qos_t *example_qos(int32_t depth);

/* Says whether samples of this writer or reader may go through shared memory. */
void example_print_transport(dds_entity_t endpoint);

/* A wait set that has a guard condition attached which is set by Ctrl-C and when the seconds of the
 * options are over. */
dds_entity_t example_stop(dds_entity_t participant, const struct example_options *options);

/* Whether `count` samples are as many as the options ask for. */
bool example_enough(const struct example_options *options, uint64_t count);

/* Attaches a reader to it: whatever there is to take ends a wait. */
void example_wake_for(dds_entity_t waitset, dds_entity_t reader);

/* Waits for what is attached to `waitset`, until `deadline`; false: it is time to stop. */
bool example_wait(dds_entity_t waitset, dds_time_t deadline);

#endif
