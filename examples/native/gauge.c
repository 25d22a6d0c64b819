/* gauge.c - looks now and then what the newest reading of sensor is, and passes over all others.
 *
 * It is best-effort, so it holds nobody up, however seldom it looks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "reading.h"

#include <stdio.h>

static void print_newest(eddy_reader *reader)
{
    struct eddy_sample sample;
    int result = eddy_reader_take_latest(reader, &sample);
    if (result == EDDY_EAGAIN) {
        printf("nothing new\n");
        return;
    }
    example_check(result, "eddy_reader_take_latest");
    if (sample.size == sizeof(struct reading))
        printf("%.3f K, sample %llu\n", ((const struct reading *)sample.data)->millikelvin / 1e3,
               (unsigned long long)sample.sn);
    example_check(eddy_reader_release(reader, &sample), "eddy_reader_release");
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "readings", .rate = 2};
    example_parse(argc, argv, "Shows the newest reading of sensor.", &options);

    eddy_domain *domain = NULL;
    eddy_reader *reader = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = READING_TYPE};
    const struct eddy_reader_options seldom = {.reliability = EDDY_BEST_EFFORT, .depth = 1};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_reader_open(domain, &topic, &seldom, &reader), "eddy_reader_open");

    eddy_waitset *waitset = example_waitset(domain);
    uint64_t end = example_end(&options), next = eddy_now(), shown = 0;
    do {
        print_newest(reader);
        next += (uint64_t)(1e9 / options.rate);
    } while (++shown != options.count && next < end && example_wait(waitset, next));

    eddy_waitset_close(waitset);
    example_check(eddy_reader_close(reader), "eddy_reader_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
