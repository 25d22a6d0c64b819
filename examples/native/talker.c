/* talker.c - publishes a line of text once a second, written where it will be read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>

static void publish(eddy_writer *writer, uint64_t number)
{
    struct eddy_loan loan;
    example_check(eddy_writer_loan(writer, 64, EDDY_FOREVER, &loan), "eddy_writer_loan");
    int length = snprintf(loan.data, loan.size, "hello number %llu", (unsigned long long)number);
    example_check(eddy_writer_publish(writer, &loan, (size_t)length + 1, EDDY_FOREVER),
                  "eddy_writer_publish");
    printf("wrote %llu, readers %u\n", (unsigned long long)number, eddy_writer_readers(writer));
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "greeting", .rate = 1};
    example_parse(argc, argv, "Publishes a line of text; start it with listener.", &options);

    eddy_domain *domain = NULL;
    eddy_writer *writer = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = "text"};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_writer_open(domain, &topic, NULL, &writer), "eddy_writer_open");
    printf("flink: %s\n", eddy_writer_flink(writer));

    eddy_waitset *waitset = example_waitset(domain);
    uint64_t end = example_end(&options), next = eddy_now(), number = 0;
    do {
        publish(writer, ++number);
        next += (uint64_t)(1e9 / options.rate);
    } while (number != options.count && next < end && example_wait(waitset, next));

    eddy_waitset_close(waitset);
    example_check(eddy_writer_close(writer), "eddy_writer_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
