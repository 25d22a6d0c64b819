/* ls.c - `eddy ls`: topics, writers and readers of a domain, from outside.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/ls.h"

#include "tools/command.h"
#include "tools/options.h"
#include "tools/process.h"
#include "tools/text.h"

#include <argp.h>
#include <eddy/domain.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    struct eddy_options common; /* first: see options.h */
    bool json;
    bool members;
};

#define KEY_JSON 'j'

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Look at the domain in the folder DIR"),
    {"json", KEY_JSON, NULL, 0, "One JSON object a topic, one topic a line", 0},
    {"verbose", 'v', NULL, 0, "Also list writers and readers (always in JSON)", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case 'v':
        options->members = true;
        return 0;
    default:
        return eddy_options_parse(key, arg, state);
    }
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse,
    .doc = "List the topics of a domain with their writers and readers. Looks from outside: does "
           "not take part, and disturbs nobody.\vThe domain is the folder EDDY_DIR, or "
           "/dev/shm/eddy-<uid>. eddy-ls(1) says what the columns and the JSON members mean."};

const char *eddy_ls_state(const struct eddy_member_info *member)
{
    switch (member->state) {
    case EDDY_MEMBER_ALIVE:
        return eddy_process_stopped(member->pid) ? "stopped" : "alive";
    case EDDY_MEMBER_LEAVING:
        return "leaving";
    case EDDY_MEMBER_DEAD:
        return "dead";
    }
    return "unknown";
}

static int compare_topics(const void *a, const void *b)
{
    const struct eddy_topic_report *x = *(const struct eddy_topic_report *const *)a;
    const struct eddy_topic_report *y = *(const struct eddy_topic_report *const *)b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->scope, y->scope);
}

/* The reports, readable ones first, each group by name.  NULL without memory. */
static const struct eddy_topic_report **sorted(const eddy_snapshot *snapshot, size_t *readable)
{
    size_t count = eddy_snapshot_topics(snapshot);
    size_t good = 0, bad = count;
    const struct eddy_topic_report **topics =
        calloc(count + 1, sizeof(const struct eddy_topic_report *));
    for (size_t i = 0; topics != NULL && i < count; i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        topics[topic->error == 0 ? good++ : --bad] = topic;
    }
    if (topics != NULL)
        qsort(topics, good, sizeof(const struct eddy_topic_report *), compare_topics);
    *readable = good;
    return topics;
}

static void print_empty(const char *dir)
{
    char folder[PATH_MAX] = "";
    if (dir == NULL && eddy_default_dir(folder, sizeof folder) == 0)
        dir = folder;
    printf("No topics in %s%s.\n", dir != NULL ? dir : "the domain",
           dir != NULL && access(dir, F_OK) != 0 ? ": there is no such folder now" : "");
}

static void warn_unreadable(const struct eddy_topic_report *topic)
{
    fprintf(stderr, "eddy ls: ");
    eddy_text_print(stderr, topic->flink != NULL ? topic->flink : "a topic");
    fprintf(stderr, ": ");
    eddy_text_print(stderr, topic->message != NULL ? topic->message : "");
    fprintf(stderr, " (%s)\n", eddy_strerror(topic->error));
}

/* Topics that cannot be read are part of the JSON; beside a table they are warnings. */
static int print_topics(const struct options *options, const eddy_snapshot *snapshot)
{
    size_t count = eddy_snapshot_topics(snapshot);
    size_t readable = 0;
    const struct eddy_topic_report **topics = sorted(snapshot, &readable);
    int error = topics == NULL ? EDDY_ENOMEM : 0;
    for (size_t i = 0; error == 0 && options->json && i < count; i++)
        error = eddy_ls_print_json(topics[i]);
    if (error == 0 && !options->json) {
        if (readable > 0)
            error = eddy_ls_print_table(topics, readable, options->members);
        else
            print_empty(options->common.dir);
        for (size_t i = readable; i < count; i++)
            warn_unreadable(topics[i]);
    }
    free(topics);
    return error;
}

int eddy_command_ls(int argc, char **argv)
{
    struct options options = {0};
    eddy_snapshot *snapshot = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EDDY_EXIT_FAILURE;
    int error = eddy_snapshot_take(options.common.dir, &snapshot);
    if (error != 0) {
        fprintf(stderr, "eddy ls: %s (%s)\n", eddy_last_error(), eddy_strerror(error));
        return EDDY_EXIT_FAILURE;
    }
    error = print_topics(&options, snapshot);
    eddy_snapshot_free(snapshot);
    if (error != 0)
        fprintf(stderr, "eddy ls: %s\n", eddy_strerror(error));
    else if (fflush(stdout) != 0)
        fprintf(stderr, "eddy ls: cannot write: %s\n", strerror(errno));
    return error == 0 && !ferror(stdout) ? 0 : EDDY_EXIT_FAILURE;
}
