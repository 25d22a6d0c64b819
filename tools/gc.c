/* gc.c - `eddy gc`: takes back what dead processes left.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/command.h"
#include "tools/options.h"
#include "tools/text.h"

#include <argp.h>
#include <eddy/inspect.h>
#include <eddy/memory.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Clear the domain in the folder DIR"),
    {"trim", 't', NULL, 0, "Also give back memory that topics in use have and do not need now", 0},
    {0}};

struct gc_options {
    struct eddy_options common;
    bool trim;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    if (key != 't')
        return eddy_options_parse(key, arg, state);
    ((struct gc_options *)state->input)->trim = true;
    return 0;
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse,
    .doc = "Take back what dead processes held, and remove topics, rings, regions and files that "
           "nobody uses. "
           "Never touches what a living or stopped process uses.\vNothing depends on this: "
           "programs do the same when they need the room."};

static void print_count(uint32_t count, const char *one, const char *many)
{
    printf("%" PRIu32 " %s", count, count == 1 ? one : many);
}

static void print_report(const struct eddy_gc_report *report)
{
    print_count(report->members_reaped, "dead writer or reader reaped, ",
                "dead writers and readers reaped, ");
    print_count(report->topics_removed, "topic removed, ", "topics removed, ");
    print_count(report->files_removed, "file removed, ", "files removed, ");
    eddy_text_bytes(stdout, report->bytes_freed);
    printf(" freed\n");
    if (report->objects_removed > 0)
        print_count(report->objects_removed, "ring, region or slots segment removed\n",
                    "rings, regions and slots segments removed\n");
    if (report->files_refused > 0) {
        print_count(report->files_refused, "file was", "files were");
        printf(" left alone: not Eddy's, another user's, or damaged\n");
    }
}

static int fail(int error)
{
    fprintf(stderr, "eddy gc: %s (%s)\n", eddy_last_error(), eddy_strerror(error));
    return EDDY_EXIT_FAILURE;
}

/* A topic that goes meanwhile, or cannot be used, is passed over. */
static uint64_t trim_topics(eddy_domain *domain, const eddy_snapshot *snapshot)
{
    uint64_t sum = 0, bytes = 0;
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        if (topic->error == 0 && eddy_topic_trim(domain, topic->flink, &bytes) == 0)
            sum += bytes;
    }
    return sum;
}

static int trim(const char *dir)
{
    eddy_snapshot *snapshot;
    eddy_domain *domain;
    int error = eddy_snapshot_take(dir, &snapshot);
    if (error != 0)
        return fail(error);
    if (eddy_snapshot_topics(snapshot) > 0) { /* else there may be no domain to join */
        error = eddy_domain_open(&(struct eddy_domain_options){.dir = dir}, &domain);
        if (error == 0) {
            eddy_text_bytes(stdout, trim_topics(domain, snapshot));
            printf(" given back by topics in use\n");
            eddy_domain_close(domain);
        }
    }
    eddy_snapshot_free(snapshot);
    return error == 0 ? 0 : fail(error);
}

int eddy_command_gc(int argc, char **argv)
{
    struct gc_options options = {0};
    struct eddy_gc_report report = {0};
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EDDY_EXIT_FAILURE;
    const char *dir = options.common.dir;
    if (dir != NULL && access(dir, F_OK) != 0) {
        fprintf(stderr, "eddy gc: %s: %s\n", dir, strerror(errno));
        return EDDY_EXIT_FAILURE;
    }
    int error = eddy_gc(dir, &report);
    if (error != 0)
        return fail(error);
    print_report(&report);
    return options.trim ? trim(dir) : 0;
}
