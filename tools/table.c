/* table.c - see table.h.
 *
 * Two passes over the same cells: one measures, one writes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/table.h"

#include <eddy/errors.h>

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
    print_line(&layout, NULL);
    for (size_t i = 0; i < table->row_count; i++) {
        print_line(&layout, table->rows[i]);
        if (table->print_below != NULL)
            table->print_below(table->rows[i]);
    }
    fclose(layout.nowhere);
    return 0;
}
