/* ls_table.c - topics as a table for people.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/ls.h"
#include "tools/plugin.h"
#include "tools/table.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_name(FILE *out, const void *row)
{
    return eddy_text_print(out, ((const struct eddy_topic_report *)row)->name);
}

static int print_type(FILE *out, const void *row)
{
    return eddy_text_print_or_dash(out, ((const struct eddy_topic_report *)row)->type);
}

static int print_scope(FILE *out, const void *row)
{
    return eddy_text_print_or_dash(out, ((const struct eddy_topic_report *)row)->scope);
}

static int print_writers(FILE *out, const void *row)
{
    return fprintf(out, "%" PRIu32, ((const struct eddy_topic_report *)row)->stats.writers);
}

static int print_readers(FILE *out, const void *row)
{
    return fprintf(out, "%" PRIu32, ((const struct eddy_topic_report *)row)->stats.readers);
}

static int print_published(FILE *out, const void *row)
{
    return fprintf(out, "%" PRIu64, ((const struct eddy_topic_report *)row)->stats.published);
}

static int print_memory(FILE *out, const void *row)
{
    return eddy_text_bytes(out, ((const struct eddy_topic_report *)row)->stats.shared_bytes);
}

static const struct eddy_column columns[] = {
    {"TOPIC", print_name, false, true},      {"TYPE", print_type, false, true},
    {"SCOPE", print_scope, false, true},     {"WRITERS", print_writers, true, false},
    {"READERS", print_readers, true, false}, {"PUBLISHED", print_published, true, false},
    {"MEMORY", print_memory, true, false},
};

/* --- members --------------------------------------------------------------------------------- */

static int line_width; /* of the view: rows are printed one by one, without it */

static void write_counts(FILE *out, const struct eddy_member_info *member)
{
    if (member->is_writer) {
        fprintf(out, ": published %" PRIu64 " (", member->samples);
        eddy_text_bytes(out, member->bytes);
        fprintf(out, "), keeps %" PRIu64, member->held);
        return;
    }
    fprintf(out, ": took %" PRIu64 ", holds %" PRIu64 ", behind %" PRIu64 " of %" PRIu32,
            member->samples, member->held, member->behind, member->depth);
    if (member->shallow)
        fputs(" (it asked for more; the topic's limit or memory was too little)", out);
    if (member->lost > 0)
        fprintf(out, ", missed %" PRIu64, member->lost);
    if (member->let_go)
        fputs(", let go of", out);
    if (member->let_go_count > 0)
        fprintf(out, ", came back %" PRIu32 " times", member->let_go_count);
    if (member->waiting > 0)
        fprintf(out, ", %" PRIu32 " held back (writer not known yet)", member->waiting);
    if (member->given_up > 0)
        fprintf(out, ", %" PRIu32 " given up", member->given_up);
}

static void print_member(const struct eddy_member_info *member)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return;
    fprintf(out, "    %s %-3" PRIu32 " pid %-7" PRId32 " %-7s  ",
            member->is_writer ? "writer" : "reader", member->seat, member->pid,
            eddy_ls_state(member->state, member->pid));
    eddy_text_print(out, member->name);
    write_counts(out, member);
    fputs(member->reliable ? ", reliable" : ", best-effort", out);
    if (member->blob_size > 0)
        fprintf(out, ", says %" PRIu32 " bytes of itself", member->blob_size);
    fclose(out);
    eddy_text_print_folded(stdout, line, line_width, 12);
    free(line);
}

/* In one line, however long it is where nobody reads it on a terminal. */
static void print_type_text(const struct eddy_topic_report *topic)
{
    static const char title[] = "    its type: ";
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return;
    eddy_text_print(out, topic->type_text);
    fclose(out);
    fputs(title, stdout);
    if (line_width > 0)
        eddy_text_print_cut(stdout, line, line_width - (int)sizeof title);
    else
        fputs(line, stdout);
    putchar('\n');
    free(line);
}

static void print_members(const void *row)
{
    const struct eddy_topic_report *topic = row;
    if (topic->type_text != NULL)
        print_type_text(topic);
    for (size_t i = 0; i < topic->member_count; i++)
        print_member(&topic->members[i]);
}

/* --- idle topics ----------------------------------------------------------------------------- */

static bool is_between(const char *name, const char *begin, const char *end)
{
    size_t length = strlen(name), first = strlen(begin), last = strlen(end);
    return length > first + last && strncmp(name, begin, first) == 0 &&
           strcmp(name + length - last, end) == 0;
}

/* Of ROS 2: each node has seven services, of two topics each, for its parameters alone. */
static bool is_service(const struct eddy_topic_report *topic)
{
    return is_between(topic->name, "rq/", "Request") || is_between(topic->name, "rr/", "Reply");
}

/* What a reader of Cyclone DDS 11 has for writers that wait, beside what it has for all others
 * (spec/psmx.md, "What goes where"), with no such writer. */
static bool is_unused_lane(const struct eddy_topic_report *topic)
{
    struct eddy_plugin_scope parts;
    return topic->stats.writers == 0 && eddy_plugin_read(topic->scope, &parts) &&
           strncmp(topic->scope + parts.meeting, "/all/", 5) == 0;
}

/* Nobody has ever published to it, and nobody's death or waiting is to be seen in it. */
static bool is_idle(const struct eddy_topic_report *topic)
{
    if (topic->stats.published > 0 || !(is_service(topic) || is_unused_lane(topic)))
        return false;
    for (size_t i = 0; i < topic->member_count; i++) {
        const struct eddy_member_info *member = &topic->members[i];
        if (member->state == EDDY_MEMBER_DEAD || member->waiting > 0 || member->given_up > 0)
            return false;
    }
    return true;
}

/* --------------------------------------------------------------------------------------------- */

int eddy_ls_print_topics(const void *const *topics, size_t count, const struct eddy_ls_view *view)
{
    const void **rows = calloc(count + 1, sizeof rows[0]);
    struct eddy_table table = {.columns = columns,
                               .column_count = sizeof columns / sizeof columns[0],
                               .rows = rows,
                               .width = view->width,
                               .print_below = view->members ? print_members : NULL};
    if (rows == NULL)
        return EDDY_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (view->all || !is_idle(topics[i]))
            rows[table.row_count++] = topics[i];
    }
    line_width = view->width;
    int error = table.row_count > 0 ? eddy_table_print(&table) : 0;
    if (table.row_count < count)
        printf(
            "Idle topics of ROS 2 services (rq/...Request, rr/...Reply), and of Cyclone DDS 11 for "
            "writers that wait, that are not shown: %zu; -a shows them.\n",
            count - table.row_count);
    free(rows);
    return error;
}
