/* why.c - `eddy why`: why samples do not arrive, or not through Eddy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/command.h"
#include "tools/options.h"
#include "tools/place.h"
#include "tools/why/discovery.h"
#include "tools/why/member.h"
#include "tools/why/process.h"
#include "tools/why/report.h"

#include <argp.h>
#include <eddy/topic.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct options {
    struct eddy_options common; /* first: see options.h */
    struct eddy_listening listening;
    const char *topic;
    bool json;
};

#define KEY_JSON    'j'
#define KEY_DOMAIN  'D'
#define KEY_SECONDS 's'

#define SECONDS_DEFAULT 2
#define SECONDS_MAX     600
#define LITTLE_BYTES    (128 << 10)
#define DOMAIN_MAX      232 /* the ports of a larger one do not exist */

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Compare with the Eddy domain in the folder DIR"),
    {"domain", KEY_DOMAIN, "N", 0,
     "Take part in DDS domain N (default: ROS_DOMAIN_ID, else as Cyclone DDS chooses)", 0},
    {"json", KEY_JSON, NULL, 0, "One JSON object a line, for each writer and reader", 0},
    {"seconds", KEY_SECONDS, "N", 0, "Listen for N seconds (default: 2)", 0},
    {0}};

static void parse_domain(struct argp_state *state, const char *arg,
                         struct eddy_listening *listening)
{
    char *end = NULL;
    unsigned long number = strtoul(arg, &end, 10);
    if (end == arg || *end != '\0' || arg[0] == '-' || number > DOMAIN_MAX)
        argp_error(state, "'%s' is not a DDS domain: a number up to %d", arg, DOMAIN_MAX);
    listening->has_domain = true;
    listening->domain = (uint32_t)number;
}

/* The domain of the programs of ROS 2; one that ROS 2 would not take, either, is not looked at. */
static void take_ros_domain(struct eddy_listening *listening)
{
    const char *text = getenv("ROS_DOMAIN_ID");
    char *end = NULL;
    unsigned long number = text != NULL ? strtoul(text, &end, 10) : 0;
    if (text == NULL || end == text || *end != '\0' || text[0] == '-' || number > DOMAIN_MAX)
        return;
    listening->has_domain = true;
    listening->domain = (uint32_t)number;
}

static void parse_seconds(struct argp_state *state, const char *arg,
                          struct eddy_listening *listening)
{
    char *end = NULL;
    double seconds = strtod(arg, &end);
    if (end == arg || *end != '\0' || !(seconds >= 0) || seconds > SECONDS_MAX)
        argp_error(state, "'%s' is not a number of seconds up to %d", arg, SECONDS_MAX);
    listening->seconds = seconds;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case KEY_DOMAIN:
        parse_domain(state, arg, &options->listening);
        return 0;
    case KEY_SECONDS:
        parse_seconds(state, arg, &options->listening);
        return 0;
    case ARGP_KEY_ARG:
        if (options->topic != NULL)
            argp_error(state, "one topic at a time, or none for all");
        options->topic = arg;
        return 0;
    default:
        return eddy_options_parse(key, arg, state);
    }
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse,
    .args_doc = "[TOPIC]",
    .doc = "Say which path samples take from each writer of TOPIC to each reader, and why not "
           "through Eddy, or why nothing arrives. Without TOPIC, of all topics those that are not "
           "wholly in Eddy. Takes part in the discovery of DDS for a moment, and creates "
           "nothing.\vTOPIC is a name as DDS or as ROS 2 shows it (rt/chatter, /chatter). Exits "
           "with 0 if all is in Eddy, 1 if something is not, 2 if something is lost or cannot get "
           "through, 125 if it cannot tell. eddy-why(1) says what the JSON members mean."};

/* Too little is left to open a writer or reader. */
static bool is_full(const char *dir)
{
    struct statvfs info;
    return statvfs(dir, &info) == 0 && info.f_blocks > 0 &&
           (uint64_t)info.f_bavail * info.f_frsize < LITTLE_BYTES;
}

/* Where things are.  False: stderr says why. */
static bool find_places(struct eddy_arena *arena, const struct options *options,
                        struct eddy_why_world *world)
{
    char dir[PATH_MAX], real[PATH_MAX], library[PATH_MAX];
    char stand_in[PATH_MAX + sizeof "/" EDDY_PLACE_LIBRARY];
    if (options->common.dir != NULL) {
        snprintf(dir, sizeof dir, "%s", options->common.dir);
    } else if (eddy_default_dir(dir, sizeof dir) != 0) {
        fprintf(stderr, "eddy why: %s\n", eddy_last_error());
        return false;
    }
    if (!eddy_place_library_dir("eddy why", library))
        return false;
    snprintf(stand_in, sizeof stand_in, "%s/" EDDY_PLACE_LIBRARY, library);
    world->dir = eddy_arena_text(arena, realpath(dir, real) != NULL ? real : dir);
    world->stand_in = eddy_arena_text(arena, stand_in);
    world->history_max = EDDY_HISTORY_MAX;
    return true;
}

/* All that there is to know.  False: stderr says why. */
static bool look(struct eddy_arena *arena, const struct options *options,
                 struct eddy_why_world *world)
{
    struct eddy_why_past past;
    if (!find_places(arena, options, world))
        return false;
    eddy_why_remember(arena, world->dir, &past);
    if (!eddy_discovery_listen(arena, &options->listening, world))
        return false;
    world->is_full = is_full(world->dir);
    eddy_why_look(arena, world);
    eddy_why_join(arena, &past, world);
    return true;
}

static int report(struct eddy_arena *arena, const struct options *options,
                  const struct eddy_why_world *world)
{
    struct eddy_why_report found;
    int error = 0;
    eddy_why_report(arena, world, options->topic, &found);
    if (options->json)
        error = eddy_why_print_json(&found);
    else
        eddy_why_print(&found);
    if (error != 0)
        fprintf(stderr, "eddy why: %s\n", eddy_strerror(error));
    else if (fflush(stdout) != 0)
        fprintf(stderr, "eddy why: cannot write: %s\n", strerror(errno));
    return error == 0 && !ferror(stdout) ? (int)found.grade : EDDY_EXIT_LAUNCH;
}

int eddy_command_why(int argc, char **argv)
{
    struct options options = {.listening = {.seconds = SECONDS_DEFAULT}};
    take_ros_domain(&options.listening);
    argp_err_exit_status = EDDY_EXIT_LAUNCH;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EDDY_EXIT_LAUNCH;
    struct eddy_arena *arena = eddy_arena_create();
    if (arena == NULL) {
        fprintf(stderr, "eddy why: no memory: %s\n", strerror(errno));
        return EDDY_EXIT_LAUNCH;
    }
    /* The child that listens fills it in. */
    struct eddy_why_world *world = eddy_arena_take(arena, 1, sizeof *world);
    int code = look(arena, &options, world) ? report(arena, &options, world) : EDDY_EXIT_LAUNCH;
    eddy_arena_destroy(arena);
    return code;
}
