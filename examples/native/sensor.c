/* sensor.c - publishes readings of two sensors in groups: one call, one wake-up for sixteen samples.
 *
 * With each goes which sensor it is of (key), its number (word) and when it was published (time).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "reading.h"

#include <stdio.h>
#include <string.h>

/* Fills in as many as there is room for; returns how many. */
static size_t fill(struct eddy_loan *loans, struct eddy_publication *with, size_t count,
                   uint64_t *number)
{
    static const char *const sensors[] = {"inside", "outside"};
    for (size_t i = 0; i < count; i++) {
        *(struct reading *)loans[i].data =
            (struct reading){.millikelvin = 293000 + (int32_t)(*number % 1000)};
        with[i] = (struct eddy_publication){.word = ++*number};
        snprintf((char *)with[i].key, sizeof with[i].key, "%s", sensors[*number % 2]);
    }
    return count;
}

/* A part of them may be published before a reader holds it up: the rest is tried again. */
static void publish_group(eddy_writer *writer, uint64_t *number)
{
    struct eddy_loan loans[READING_GROUP];
    struct eddy_publication with[READING_GROUP];
    size_t count = 0, published = 0;
    example_check(eddy_writer_loan_many(writer, sizeof(struct reading), loans, READING_GROUP,
                                        EDDY_FOREVER, &count),
                  "eddy_writer_loan_many");
    count = fill(loans, with, count, number);
    for (size_t done = 0; done < count; done += published)
        example_check(eddy_writer_publish_many(writer, loans + done, count - done, with + done,
                                               EDDY_FOREVER, &published),
                      "eddy_writer_publish_many");
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "readings", .rate = 50};
    example_parse(argc, argv, "Publishes readings in groups; start it with meter.", &options);

    eddy_domain *domain = NULL;
    eddy_writer *writer = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = READING_TYPE};
    const struct eddy_writer_options each = {.with =
                                                 EDDY_WITH_KEY | EDDY_WITH_WORD | EDDY_WITH_TIME};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_writer_open(domain, &topic, &each, &writer), "eddy_writer_open");

    eddy_waitset *waitset = example_waitset(domain);
    uint64_t end = example_end(&options), next = eddy_now(), number = 0, groups = 0;
    do {
        publish_group(writer, &number);
        next += (uint64_t)(1e9 / options.rate);
    } while (++groups != options.count && next < end && example_wait(waitset, next));

    eddy_waitset_close(waitset);
    example_check(eddy_writer_close(writer), "eddy_writer_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
