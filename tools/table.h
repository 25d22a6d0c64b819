/* table.h - rows for people, in columns as wide as they need be.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_TABLE_H
#define EDDY_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define EDDY_TABLE_COLUMNS_MAX 8

struct eddy_column {
    const char *title;
    int (*print)(FILE *out, const void *row); /* writes a cell; returns the columns it takes */
    bool is_number;                           /* aligned at its last digit */
    bool is_name;                             /* may be cut where there is no room */
};

struct eddy_table {
    const struct eddy_column *columns;
    int column_count;
    const void *const *rows;
    size_t row_count;
    int width; /* that lines should not exceed, at the cost of names; 0: any */
    void (*print_below)(const void *row); /* lines below each row; NULL: none */
};

/* To standard output.  0, or a negative EDDY_E*. */
int eddy_table_print(const struct eddy_table *table);

#endif
