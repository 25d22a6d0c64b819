/* gc.c - `eddy gc`: takes back what dead processes left.
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
#include <string.h>
#include <unistd.h>

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Clear the domain in the folder DIR"), {0}};

static const struct argp argp = {
    .options = option_table,
    .parser = eddy_options_parse,
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

int eddy_command_gc(int argc, char **argv)
{
    struct eddy_options options = {0};
    struct eddy_gc_report report = {0};
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EDDY_EXIT_FAILURE;
    if (options.dir != NULL && access(options.dir, F_OK) != 0) {
        fprintf(stderr, "eddy gc: %s: %s\n", options.dir, strerror(errno));
        return EDDY_EXIT_FAILURE;
    }
    int error = eddy_gc(options.dir, &report);
    if (error != 0) {
        fprintf(stderr, "eddy gc: %s (%s)\n", eddy_last_error(), eddy_strerror(error));
        return EDDY_EXIT_FAILURE;
    }
    print_report(&report);
    return 0;
}
