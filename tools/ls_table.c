/* ls_table.c - topics as a table for people.
 *
 * Two passes over the same cells: one measures, one writes, so that columns are as wide as they
 * need be.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/ls.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COLUMNS 7

static const char *const titles[COLUMNS] = {"TOPIC",   "TYPE",      "SCOPE", "WRITERS",
                                            "READERS", "PUBLISHED", "MEMORY"};
/* Numbers are aligned at their last digit. */
static const bool is_number[COLUMNS] = {false, false, false, true, true, true, true};

struct table {
    const struct eddy_topic_report *const *topics;
    size_t count;
    int widths[COLUMNS];
};

/* Writes one cell; returns its columns. */
static int print_cell(FILE *out, const struct eddy_topic_report *topic, int column)
{
    switch (column) {
    case 0:
        return eddy_text_print(out, topic->name);
    case 1:
        return eddy_text_print(out, topic->type[0] != '\0' ? topic->type : "-");
    case 2:
        return eddy_text_print(out, topic->scope[0] != '\0' ? topic->scope : "-");
    case 3:
        return fprintf(out, "%" PRIu32, topic->stats.writers);
    case 4:
        return fprintf(out, "%" PRIu32, topic->stats.readers);
    case 5:
        return fprintf(out, "%" PRIu64, topic->stats.published);
    default:
        return eddy_text_bytes(out, topic->stats.shared_bytes);
    }
}

static void measure(struct table *table, FILE *nowhere)
{
    for (int column = 0; column < COLUMNS; column++) {
        table->widths[column] = fprintf(nowhere, "%s", titles[column]);
        for (size_t i = 0; i < table->count; i++) {
            int width = print_cell(nowhere, table->topics[i], column);
            if (width > table->widths[column])
                table->widths[column] = width;
        }
    }
}

static void pad(int columns)
{
    if (columns > 0)
        printf("%*s", columns, "");
}

static void print_titles(const struct table *table)
{
    for (int column = 0; column < COLUMNS; column++) {
        int width = table->widths[column];
        printf(is_number[column] ? "%*s" : "%-*s", width, titles[column]);
        fputs(column + 1 < COLUMNS ? "  " : "\n", stdout);
    }
}

static void print_row(const struct table *table, const struct eddy_topic_report *topic,
                      FILE *nowhere)
{
    for (int column = 0; column < COLUMNS; column++) {
        int room = table->widths[column] - print_cell(nowhere, topic, column);
        if (is_number[column])
            pad(room);
        print_cell(stdout, topic, column);
        if (!is_number[column])
            pad(room);
        fputs(column + 1 < COLUMNS ? "  " : "\n", stdout);
    }
}

static void print_member(const struct eddy_member_info *member)
{
    printf("    %s  pid %-7" PRId32 " %-7s  ", member->is_writer ? "writer" : "reader", member->pid,
           eddy_ls_state(member));
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

int eddy_ls_print_table(const struct eddy_topic_report *const *topics, size_t count, bool members)
{
    struct table table = {.topics = topics, .count = count};
    FILE *nowhere = fopen("/dev/null", "we");
    if (nowhere == NULL)
        return EDDY_ESYS;
    measure(&table, nowhere);
    print_titles(&table);
    for (size_t i = 0; i < count; i++) {
        print_row(&table, topics[i], nowhere);
        for (size_t k = 0; members && k < topics[i]->member_count; k++)
            print_member(&topics[i]->members[k]);
    }
    fclose(nowhere);
    return 0;
}
