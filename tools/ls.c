/* ls.c - `eddy ls`: what is in a domain, and who uses it, from outside.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/ls.h"

#include "tools/command.h"
#include "tools/options.h"
#include "tools/process.h"
#include "tools/text.h"

#include <argp.h>
#include <eddy/domain.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    struct eddy_options common; /* first: see options.h */
    bool json;
    struct eddy_ls_view view;
};

#define KEY_JSON 'j'

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Look at the domain in the folder DIR"),
    {"json", KEY_JSON, NULL, 0, "One JSON object a line, for each thing", 0},
    {"all", 'a', NULL, 0, "Also show idle topics of ROS 2's services and of Cyclone DDS 11", 0},
    {"verbose", 'v', NULL, 0, "Also list who uses each (always in JSON)", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case 'a':
        options->view.all = true;
        return 0;
    case 'v':
        options->view.members = true;
        return 0;
    default:
        return eddy_options_parse(key, arg, state);
    }
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse,
    .doc = "List the topics, rings, regions and slots segments of a domain, with who uses them. "
           "Looks from outside: does not take part, and disturbs nobody.\vThe domain is the folder "
           "EDDY_DIR, or "
           "/dev/shm/eddy-<uid>. eddy-ls(1) says what the columns and the JSON members mean."};

const char *eddy_ls_state(enum eddy_member_state state, int32_t pid)
{
    switch (state) {
    case EDDY_MEMBER_ALIVE:
        return eddy_process_stopped(pid) ? "stopped" : "alive";
    case EDDY_MEMBER_LEAVING:
        return "leaving";
    case EDDY_MEMBER_DEAD:
        return "dead";
    }
    return "unknown";
}

size_t eddy_ls_users(const struct eddy_object_report *object)
{
    size_t users = 0;
    for (size_t i = 0; i < object->member_count; i++)
        users += object->members[i].state != EDDY_MEMBER_DEAD;
    return users;
}

/* --- reports in order ------------------------------------------------------------------------ */

/* Readable ones first, in their order, then the others. */
struct list {
    const void **reports;
    size_t count, readable;
};

static bool list_make(struct list *list, size_t count)
{
    list->reports = calloc(count + 1, sizeof list->reports[0]);
    list->count = count;
    return list->reports != NULL;
}

/* `unreadable` counts from the end. */
static void list_put(struct list *list, size_t *unreadable, const void *report, int error)
{
    list->reports[error == 0 ? list->readable++ : list->count - ++*unreadable] = report;
}

static int compare_topics(const void *a, const void *b)
{
    const struct eddy_topic_report *x = *(const void *const *)a, *y = *(const void *const *)b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->scope, y->scope);
}

static int compare_objects(const void *a, const void *b)
{
    const struct eddy_object_report *x = *(const void *const *)a, *y = *(const void *const *)b;
    int order = strcmp(x->kind, y->kind);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static bool list_topics(const eddy_snapshot *snapshot, struct list *list)
{
    size_t unreadable = 0;
    if (!list_make(list, eddy_snapshot_topics(snapshot)))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        list_put(list, &unreadable, topic, topic->error);
    }
    qsort(list->reports, list->readable, sizeof list->reports[0], compare_topics);
    return true;
}

static bool list_objects(const eddy_snapshot *snapshot, struct list *list)
{
    size_t unreadable = 0;
    if (!list_make(list, eddy_snapshot_objects(snapshot)))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const struct eddy_object_report *object = eddy_snapshot_object(snapshot, i);
        list_put(list, &unreadable, object, object->error);
    }
    qsort(list->reports, list->readable, sizeof list->reports[0], compare_objects);
    return true;
}

/* --- printing -------------------------------------------------------------------------------- */

static void print_empty(const char *dir)
{
    char folder[PATH_MAX] = "";
    if (dir == NULL && eddy_default_dir(folder, sizeof folder) == 0)
        dir = folder;
    printf("Nothing to list in %s%s.\n", dir != NULL ? dir : "the domain",
           dir != NULL && access(dir, F_OK) != 0 ? ": there is no such folder now" : "");
}

static void warn_unreadable(const char *flink, const char *message, int error)
{
    fprintf(stderr, "eddy ls: ");
    eddy_text_print(stderr, flink != NULL ? flink : "a flink");
    fprintf(stderr, ": ");
    eddy_text_print(stderr, message != NULL ? message : "");
    fprintf(stderr, " (%s)\n", eddy_strerror(error));
}

static int print_json(const struct list *topics, const struct list *objects)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < topics->count; i++)
        error = eddy_ls_print_topic_json(topics->reports[i]);
    for (size_t i = 0; error == 0 && i < objects->count; i++)
        error = eddy_ls_print_object_json(objects->reports[i]);
    return error;
}

static int print_tables(const struct options *options, const struct list *topics,
                        const struct list *objects)
{
    int error = 0;
    if (topics->readable + objects->readable == 0)
        print_empty(options->common.dir);
    if (topics->readable > 0)
        error = eddy_ls_print_topics(topics->reports, topics->readable, &options->view);
    if (topics->readable > 0 && objects->readable > 0)
        putchar('\n');
    if (error == 0)
        error = eddy_ls_print_objects(objects->reports, objects->readable, &options->view);
    for (size_t i = topics->readable; i < topics->count; i++) {
        const struct eddy_topic_report *topic = topics->reports[i];
        warn_unreadable(topic->flink, topic->message, topic->error);
    }
    for (size_t i = objects->readable; i < objects->count; i++) {
        const struct eddy_object_report *object = objects->reports[i];
        warn_unreadable(object->flink, object->message, object->error);
    }
    return error;
}

/* What cannot be read is part of the JSON; beside a table it is a warning. */
static int print_all(const struct options *options, const eddy_snapshot *snapshot)
{
    struct list topics = {0}, objects = {0};
    int error = EDDY_ENOMEM;
    if (list_topics(snapshot, &topics) && list_objects(snapshot, &objects))
        error = options->json ? print_json(&topics, &objects)
                              : print_tables(options, &topics, &objects);
    free(topics.reports);
    free(objects.reports);
    return error;
}

int eddy_command_ls(int argc, char **argv)
{
    struct options options = {0};
    eddy_snapshot *snapshot = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EDDY_EXIT_FAILURE;
    /* Whoever looks closely and keeps it gets names in full. */
    if (!options.view.members || isatty(STDOUT_FILENO))
        options.view.width = eddy_text_width();
    int error = eddy_snapshot_take(options.common.dir, &snapshot);
    if (error != 0) {
        fprintf(stderr, "eddy ls: %s (%s)\n", eddy_last_error(), eddy_strerror(error));
        return EDDY_EXIT_FAILURE;
    }
    error = print_all(&options, snapshot);
    eddy_snapshot_free(snapshot);
    if (error != 0)
        fprintf(stderr, "eddy ls: %s\n", eddy_strerror(error));
    return error == 0 ? 0 : EDDY_EXIT_FAILURE;
}
