/* latency.c - see latency.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "latency.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEPT_MAX (sizeof((struct example_latency *)0)->took / sizeof(int64_t))

void example_latency_add(struct example_latency *latency, uint64_t number, dds_time_t sent_at)
{
    dds_time_t now = dds_time();
    if (latency->kept == 0)
        latency->since = now;
    if (latency->last_number != 0 && number > latency->last_number)
        latency->lost += number - latency->last_number - 1;
    latency->last_number = number;
    latency->until = now;
    latency->count++;
    if (latency->kept < KEPT_MAX)
        latency->took[latency->kept++] = now - sent_at;
}

static int ascending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static double percentile(const struct example_latency *latency, uint32_t percent)
{
    return (double)latency->took[(uint64_t)(latency->kept - 1) * percent / 100] / 1e3;
}

void example_latency_report(struct example_latency *latency, bool now)
{
    double seconds = (double)(latency->until - latency->since) / 1e9;
    if (latency->kept == 0 || (seconds < 1 && !now))
        return;
    qsort(latency->took, latency->kept, sizeof latency->took[0], ascending);
    printf("%" PRIu64 " received, %" PRIu64 " lost, %.1f a second, "
           "latency p50 %.0f us, p90 %.0f us, p99 %.0f us\n",
           latency->count, latency->lost, seconds > 0 ? (latency->kept - 1) / seconds : 0.0,
           percentile(latency, 50), percentile(latency, 90), percentile(latency, 99));
    latency->kept = 0;
}
