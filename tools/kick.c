/* kick.c - `eddy kick`: lets go of a reader that holds writers up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/command.h"
#include "tools/options.h"
#include "tools/text.h"

#include <argp.h>
#include <eddy/inspect.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct eddy_options common; /* first: see options.h */
    const char *topic, *reader;
    uint32_t seat;
};

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Look for the topic in the folder DIR"), {0}};

static void parse_reader(struct argp_state *state, struct options *options)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(options->reader, &end, 10);
    if (errno != 0 || *end != '\0' || end == options->reader || *options->reader == '-' ||
        number >= UINT32_MAX)
        argp_error(state, "'%s' is no reader's number; `eddy ls -v` shows them", options->reader);
    options->seat = (uint32_t)number;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    if (key == ARGP_KEY_ARG && state->arg_num == 0)
        options->topic = arg;
    else if (key == ARGP_KEY_ARG && state->arg_num == 1)
        options->reader = arg;
    else if (key == ARGP_KEY_END && options->reader == NULL)
        argp_error(state, "which reader of which topic?");
    else if (key == ARGP_KEY_END)
        parse_reader(state, options);
    else
        return eddy_options_parse(key, arg, state);
    return 0;
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse,
    .args_doc = "TOPIC READER",
    .doc = "Let go of a reader that holds the writers of a topic up: it loses samples, is told so "
           "when it takes the next time, and goes on with what comes then.  Nobody else notices."
           "\vTOPIC is a name, or the path of a flink where several topics have the name.  READER "
           "is the number that `eddy ls -v` shows.  Only reliable readers hold anybody up."};

static bool is_meant(const struct eddy_topic_report *topic, const char *wanted)
{
    return topic->error == 0 &&
           (strcmp(topic->name, wanted) == 0 || strcmp(topic->flink, wanted) == 0);
}

/* NULL: there is none, or there are several; stderr says so. */
static const struct eddy_topic_report *find_topic(const eddy_snapshot *snapshot, const char *wanted)
{
    const struct eddy_topic_report *found = NULL;
    bool several = false;
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        if (!is_meant(topic, wanted))
            continue;
        several = several || found != NULL;
        if (several)
            fprintf(stderr, "eddy kick: several topics have that name; say which: %s or %s\n",
                    found->flink, topic->flink);
        found = topic;
    }
    if (found == NULL)
        fputs("eddy kick: there is no such topic; `eddy ls` shows them\n", stderr);
    return several ? NULL : found;
}

static const struct eddy_member_info *find_reader(const struct eddy_topic_report *topic,
                                                  uint32_t seat)
{
    for (size_t i = 0; i < topic->member_count; i++)
        if (!topic->members[i].is_writer && topic->members[i].seat == seat)
            return &topic->members[i];
    fprintf(stderr, "eddy kick: the topic has no reader %" PRIu32 "; `eddy ls -v` shows them\n",
            seat);
    return NULL;
}

static int kick(const eddy_snapshot *snapshot, const struct options *options)
{
    const struct eddy_topic_report *topic = find_topic(snapshot, options->topic);
    const struct eddy_member_info *reader = topic ? find_reader(topic, options->seat) : NULL;
    if (reader == NULL)
        return EDDY_EXIT_FAILURE;
    int error = eddy_topic_let_go(topic->flink, reader->seat, reader->participant);
    if (error != 0) {
        fprintf(stderr, "eddy kick: %s (%s)\n", eddy_last_error(), eddy_strerror(error));
        return EDDY_EXIT_FAILURE;
    }
    printf("let go of reader %" PRIu32 ", pid %" PRId32 " ", reader->seat, reader->pid);
    eddy_text_print(stdout, reader->name);
    printf(", which was behind %" PRIu64 "\n", reader->behind);
    return 0;
}

int eddy_command_kick(int argc, char **argv)
{
    struct options options = {0};
    eddy_snapshot *snapshot = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EDDY_EXIT_FAILURE;
    int error = eddy_snapshot_take(options.common.dir, &snapshot);
    if (error != 0) {
        fprintf(stderr, "eddy kick: %s (%s)\n", eddy_last_error(), eddy_strerror(error));
        return EDDY_EXIT_FAILURE;
    }
    int code = kick(snapshot, &options);
    eddy_snapshot_free(snapshot);
    return code;
}
