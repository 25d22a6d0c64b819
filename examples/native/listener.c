/* listener.c - prints the lines of `talker`, read where they were written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>

static uint64_t print_all(eddy_reader *reader, uint64_t most)
{
    struct eddy_sample sample;
    uint64_t count = 0;
    int result = EDDY_EAGAIN;
    while (count < most && (result = eddy_reader_take(reader, &sample)) == EDDY_OK) {
        printf("sn %llu: %.*s\n", (unsigned long long)sample.sn, (int)sample.size,
               (const char *)sample.data);
        example_check(eddy_reader_release(reader, &sample), "eddy_reader_release");
        count++;
    }
    if (result != EDDY_EAGAIN)
        example_check(result, "eddy_reader_take");
    return count;
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "greeting"};
    example_parse(argc, argv, "Prints the lines of talker.", &options);

    eddy_domain *domain = NULL;
    eddy_reader *reader = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = "text"};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_reader_open(domain, &topic, NULL, &reader), "eddy_reader_open");

    eddy_waitset *waitset = example_waitset(domain);
    example_check(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, NULL),
                  "eddy_waitset_attach_reader");
    uint64_t end = example_end(&options), most = options.count != 0 ? options.count : UINT64_MAX;
    uint64_t count = 0;
    while (count < most && eddy_now() < end && example_wait(waitset, end))
        count += print_all(reader, most - count);

    eddy_waitset_close(waitset);
    example_check(eddy_reader_close(reader), "eddy_reader_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
