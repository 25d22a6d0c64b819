/* table.c - see table.h.
 *
 * Two passes over the same cells: one measures, one writes.  Names take what room there is: with a
 * width, what is too long is cut; without, it sticks out of its own line and no other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/table.h"

#include "tools/text.h"

#include <eddy/errors.h>
#include <stdlib.h>

/* A table, the width of each column, and /dev/null to measure with. */
struct layout {
    const struct eddy_table *table;
    FILE *nowhere;
    int widths[EDDY_TABLE_COLUMNS_MAX];
};

static int print_title(FILE *out, const void *title)
{
    return fprintf(out, "%s", (const char *)title);
}

static int widest(struct layout *layout, const struct eddy_column *column)
{
    const struct eddy_table *table = layout->table;
    int widest = print_title(layout->nowhere, column->title);
    for (size_t i = 0; i < table->row_count; i++) {
        int width = column->print(layout->nowhere, table->rows[i]);
        if (width > widest)
            widest = width;
    }
    return widest;
}

/* A name that is longer makes its column no wider, unless there is a width to keep to. */
#define NAME_USUAL 64
/* No name is cut shorter. */
#define NAME_LEAST 8

static int width_of(const struct layout *layout)
{
    int count = layout->table->column_count, width = 2 * (count - 1);
    for (int i = 0; i < count; i++)
        width += layout->widths[i];
    return width;
}

/* The widest column of names that can be made narrower, -1: there is none. */
static int widest_name(const struct layout *layout)
{
    int found = -1;
    for (int i = 0; i < layout->table->column_count; i++) {
        if (layout->table->columns[i].is_name && layout->widths[i] > NAME_LEAST &&
            (found < 0 || layout->widths[i] > layout->widths[found]))
            found = i;
    }
    return found;
}

static void fit(struct layout *layout)
{
    const struct eddy_table *table = layout->table;
    for (int i = 0; i < table->column_count && table->width == 0; i++) {
        if (table->columns[i].is_name && layout->widths[i] > NAME_USUAL)
            layout->widths[i] = NAME_USUAL;
    }
    int column;
    while (table->width > 0 && width_of(layout) > table->width &&
           (column = widest_name(layout)) >= 0)
        layout->widths[column]--;
}

/* A name that does not fit, cut. */
static void print_cut(const struct layout *layout, int column, const void *row)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    layout->table->columns[column].print(out, row);
    fclose(out);
    eddy_text_print_cut(stdout, text, layout->widths[column]);
    free(text);
}

static void pad(int columns)
{
    if (columns > 0)
        printf("%*s", columns, "");
}

/* One line; row NULL: the titles. */
static void print_line(const struct layout *layout, const void *row)
{
    const struct eddy_table *table = layout->table;
    for (int i = 0; i < table->column_count; i++) {
        const struct eddy_column *column = &table->columns[i];
        int (*print)(FILE *, const void *) = row != NULL ? column->print : print_title;
        const void *cell = row != NULL ? row : column->title;
        int room = layout->widths[i] - print(layout->nowhere, cell);
        if (column->is_number)
            pad(room);
        if (room < 0 && table->width > 0 && column->is_name && row != NULL)
            print_cut(layout, i, row);
        else
            print(stdout, cell);
        if (i + 1 < table->column_count) {
            pad(column->is_number ? 0 : room);
            fputs("  ", stdout);
        }
    }
    putchar('\n');
}

int eddy_table_print(const struct eddy_table *table)
{
    struct layout layout = {.table = table, .nowhere = fopen("/dev/null", "we")};
    if (layout.nowhere == NULL)
        return EDDY_ESYS;
    for (int i = 0; i < table->column_count; i++)
        layout.widths[i] = widest(&layout, &table->columns[i]);
    fit(&layout);
    print_line(&layout, NULL);
    for (size_t i = 0; i < table->row_count; i++) {
        print_line(&layout, table->rows[i]);
        if (table->print_below != NULL)
            table->print_below(table->rows[i]);
    }
    fclose(layout.nowhere);
    return 0;
}
