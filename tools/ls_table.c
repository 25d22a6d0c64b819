/* ls_table.c - topics as a table for people.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/ls.h"
#include "tools/table.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>

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
    {"TOPIC", false, print_name},     {"TYPE", false, print_type},
    {"SCOPE", false, print_scope},    {"WRITERS", true, print_writers},
    {"READERS", true, print_readers}, {"PUBLISHED", true, print_published},
    {"MEMORY", true, print_memory},
};

static void print_member(const struct eddy_member_info *member)
{
    printf("    %s  pid %-7" PRId32 " %-7s  ", member->is_writer ? "writer" : "reader", member->pid,
           eddy_ls_state(member->state, member->pid));
    eddy_text_print(stdout, member->name);
    if (member->is_writer) {
        printf(": published %" PRIu64 " (", member->samples);
        eddy_text_bytes(stdout, member->bytes);
        printf("), keeps %" PRIu64, member->held);
    } else {
        printf(": took %" PRIu64 ", holds %" PRIu64 ", behind %" PRIu64 " of %" PRIu32,
               member->samples, member->held, member->behind, member->depth);
        if (member->lost > 0)
            printf(", missed %" PRIu64, member->lost);
    }
    printf(member->reliable ? ", reliable\n" : ", best-effort\n");
}

static void print_members(const void *row)
{
    const struct eddy_topic_report *topic = row;
    for (size_t i = 0; i < topic->member_count; i++)
        print_member(&topic->members[i]);
}

int eddy_ls_print_topics(const void *const *topics, size_t count, bool members)
{
    return eddy_table_print(&(struct eddy_table){.columns = columns,
                                                 .column_count = sizeof columns / sizeof columns[0],
                                                 .rows = topics,
                                                 .row_count = count,
                                                 .print_below = members ? print_members : NULL});
}
