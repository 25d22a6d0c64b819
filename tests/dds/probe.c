/* probe.c - prints what an Eddy domain's topics have carried, for the DDS tests to compare with.
 *
 *   probe DIR  ->  topic <tab> name <tab> type <tab> scope <tab> published <tab> writers <tab>
 * readers writer|reader <tab> topic's name <tab> scope <tab> pid <tab> samples <tab> held <tab>
 * lost
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/eddy.h>
#include <inttypes.h>
#include <stdio.h>

static void print_topic(const struct eddy_topic_report *topic)
{
    printf("topic\t%s\t%s\t%s\t%" PRIu64 "\t%" PRIu32 "\t%" PRIu32 "\n", topic->name, topic->type,
           topic->scope, topic->stats.published, topic->stats.writers, topic->stats.readers);
    for (size_t i = 0; i < topic->member_count; i++) {
        const struct eddy_member_info *member = &topic->members[i];
        printf("%s\t%s\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\n",
               member->is_writer ? "writer" : "reader", topic->name, topic->scope,
               member->state == EDDY_MEMBER_ALIVE ? "alive" : "gone", member->samples,
               member->held);
    }
}

int main(int argc, char **argv)
{
    eddy_snapshot *snapshot = NULL;
    int result = argc == 2 ? eddy_snapshot_take(argv[1], &snapshot) : EDDY_EINVAL;
    if (result != EDDY_OK) {
        fprintf(stderr, "probe: %s: %s\n", eddy_strerror(result), eddy_last_error());
        return 1;
    }
    int exit_code = 0;
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        if (topic->error == EDDY_OK) {
            print_topic(topic);
            continue;
        }
        fprintf(stderr, "probe: %s\n", topic->message);
        exit_code = 1;
    }
    eddy_snapshot_free(snapshot);
    return exit_code;
}
