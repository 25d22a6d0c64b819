/* latency.h - how many samples arrived, how many are missing, and how long they took.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_DDS_LATENCY_H
#define EXAMPLE_DDS_LATENCY_H

#include <dds/dds.h>
#include <stdint.h>

struct example_latency {
    dds_time_t since, until; /* when the first and the last of `took` came */
    uint64_t count, lost;    /* in all */
    uint64_t last_number;    /* of the last sample; 0 before the first */
    uint32_t kept;
    int64_t took[4096]; /* nanoseconds, of the samples since the last report */
};

/* Counts a sample in.  Numbers go up by one; what is left out has been lost. */
void example_latency_add(struct example_latency *latency, uint64_t number, dds_time_t sent_at);

/* Prints rate, percentiles and losses once a second, or now if `now`. */
void example_latency_report(struct example_latency *latency, bool now);

#endif
