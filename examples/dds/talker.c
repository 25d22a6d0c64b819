/* talker.c - publishes a small greeting once a second; `listener` prints it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "greeting.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "greeting", .domain = DDS_DOMAIN_DEFAULT, .rate = 1};
    example_parse(argc, argv, "Publishes a small greeting; start it with listener.", &options);

    dds_entity_t participant =
        example_check(dds_create_participant(options.domain, NULL, NULL), "dds_create_participant");
    dds_entity_t topic = example_check(
        dds_create_topic(participant, &example_Greeting_desc, options.topic, NULL, NULL),
        "dds_create_topic");
    dds_qos_t *qos = example_qos(16);
    dds_entity_t writer =
        example_check(dds_create_writer(participant, topic, qos, NULL), "dds_create_writer");
    dds_delete_qos(qos);
    example_print_transport(writer);

    dds_entity_t waitset = example_stop(participant, &options);
    dds_time_t next = dds_time();
    example_Greeting greeting = {.number = 0};
    do {
        greeting.number++;
        snprintf(greeting.text, sizeof greeting.text, "hello number %u", greeting.number);
        example_check(dds_write(writer, &greeting), "dds_write");
        printf("wrote %u\n", greeting.number);
        next += (dds_duration_t)(1e9 / options.rate);
    } while (greeting.number != options.count && example_wait(waitset, next));

    dds_delete(participant);
    return 0;
}
