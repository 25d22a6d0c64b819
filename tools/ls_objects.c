/* ls_objects.c - rings, regions and slots segments as tables for people, one a kind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/ls.h"
#include "tools/table.h"
#include "tools/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int print_name(FILE *out, const void *row)
{
    return eddy_text_print(out, ((const struct eddy_object_report *)row)->name);
}

static int print_state(FILE *out, const void *row)
{
    return eddy_text_print_or_dash(out, ((const struct eddy_object_report *)row)->state);
}

static int print_slots(FILE *out, const void *row)
{
    const struct eddy_object_report *object = row;
    int columns = fprintf(out, "%" PRIu64 " x ", object->slots);
    return columns + eddy_text_bytes(out, object->slot_bytes);
}

static int print_published(FILE *out, const void *row)
{
    return fprintf(out, "%" PRIu64, ((const struct eddy_object_report *)row)->published);
}

static int print_taken(FILE *out, const void *row)
{
    return fprintf(out, "%" PRIu64, ((const struct eddy_object_report *)row)->taken);
}

/* What is in use, and of how much unless that is all. */
static int print_memory(FILE *out, const void *row)
{
    const struct eddy_object_report *object = row;
    int columns = eddy_text_bytes(out, object->shared_bytes);
    if (object->shared_bytes < object->bytes) {
        columns += fprintf(out, " of ");
        columns += eddy_text_bytes(out, object->bytes);
    }
    return columns;
}

static int print_users(FILE *out, const void *row)
{
    return fprintf(out, "%zu", eddy_ls_users(row));
}

enum { NAME, STATE, SLOTS, PUBLISHED, TAKEN, MEMORY, USERS, COLUMN_COUNT };

static const struct eddy_column all_columns[COLUMN_COUNT] = {
    [NAME] = {"", print_name, false, true}, /* its title is the kind */
    [STATE] = {"STATE", print_state, false, false},
    [SLOTS] = {"SIZE", print_slots, true, false},
    [PUBLISHED] = {"PUBLISHED", print_published, true, false},
    [TAKEN] = {"TAKEN", print_taken, true, false},
    [MEMORY] = {"MEMORY", print_memory, true, false},
    [USERS] = {"USERS", print_users, true, false},
};

/* Columns that say nothing of a kind. */
static unsigned hidden_of(const char *kind)
{
    if (strcmp(kind, "region") == 0)
        return 1u << SLOTS | 1u << PUBLISHED | 1u << TAKEN;
    if (strcmp(kind, "slots") == 0)
        return 1u << STATE | 1u << TAKEN;
    return 0;
}

static void print_members(const void *row)
{
    const struct eddy_object_report *object = row;
    for (size_t i = 0; i < object->member_count; i++) {
        const struct eddy_object_member *member = &object->members[i];
        char pid[16] = "-"; /* not known */
        if (member->pid != 0)
            snprintf(pid, sizeof pid, "%" PRId32, member->pid);
        printf("    %-8s  pid %-7s %-7s  ", member->role, pid,
               eddy_ls_state(member->state, member->pid));
        eddy_text_print_or_dash(stdout, member->name);
        putchar('\n');
    }
}

static void title_of(const char *kind, char title[32])
{
    size_t length = 0;
    for (; length < 31 && kind[length] != '\0'; length++)
        title[length] = (char)toupper((unsigned char)kind[length]);
    title[length] = '\0';
}

/* Objects of one kind. */
static int print_section(const void *const *objects, size_t count, const struct eddy_ls_view *view)
{
    const char *kind = ((const struct eddy_object_report *)objects[0])->kind;
    unsigned hidden = hidden_of(kind);
    struct eddy_column columns[COLUMN_COUNT];
    char title[32];
    struct eddy_table table = {.columns = columns,
                               .rows = objects,
                               .row_count = count,
                               .width = view->width,
                               .print_below = view->members ? print_members : NULL};
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if ((hidden & 1u << i) == 0)
            columns[table.column_count++] = all_columns[i];
    }
    title_of(kind, title);
    columns[0].title = title;
    return eddy_table_print(&table);
}

static bool is_same_kind(const struct eddy_object_report *a, const struct eddy_object_report *b)
{
    return strcmp(a->kind, b->kind) == 0;
}

int eddy_ls_print_objects(const void *const *objects, size_t count, const struct eddy_ls_view *view)
{
    int error = 0;
    for (size_t first = 0, end; error == 0 && first < count; first = end) {
        for (end = first + 1; end < count && is_same_kind(objects[first], objects[end]); end++) {
        }
        if (first > 0)
            putchar('\n');
        error = print_section(&objects[first], end - first, view);
    }
    return error;
}
