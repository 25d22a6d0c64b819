/* listener.c - prints the greetings of `talker`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "greeting.h"

#include <stdio.h>

static void print_all(dds_entity_t reader, const struct example_options *options, uint64_t *count)
{
    example_Greeting greeting;
    void *samples[] = {&greeting};
    dds_sample_info_t info;
    while (!example_enough(options, *count) &&
           example_check(dds_take(reader, samples, &info, 1, 1), "dds_take") > 0) {
        if (!info.valid_data)
            continue; /* only tells that a writer has gone */
        printf("%u: %.*s\n", greeting.number, (int)sizeof greeting.text, greeting.text);
        (*count)++;
    }
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "greeting", .domain = DDS_DOMAIN_DEFAULT};
    example_parse(argc, argv, "Prints the greetings of talker.", &options);

    dds_entity_t participant =
        example_check(dds_create_participant(options.domain, NULL, NULL), "dds_create_participant");
    dds_entity_t topic = example_check(
        dds_create_topic(participant, &example_Greeting_desc, options.topic, NULL, NULL),
        "dds_create_topic");
    dds_qos_t *qos = example_qos(16);
    dds_entity_t reader =
        example_check(dds_create_reader(participant, topic, qos, NULL), "dds_create_reader");
    dds_delete_qos(qos);
    example_print_transport(reader);

    dds_entity_t waitset = example_stop(participant, &options);
    example_wake_for(waitset, reader);
    uint64_t count = 0;
    while (!example_enough(&options, count) && example_wait(waitset, DDS_NEVER))
        print_all(reader, &options, &count);

    dds_delete(participant);
    return 0;
}
