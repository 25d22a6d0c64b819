/* text.h - names for terminals and shells, numbers for people.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_TEXT_H
#define EDDY_TOOLS_TEXT_H

#include <stdint.h>
#include <stdio.h>

/* Writes a name so that it can do nothing to a terminal: what does not print in this locale, and
 * the backslash, becomes an escape (\n, \t, \\, \xNN).  Returns the columns it takes. */
int eddy_text_print(FILE *out, const char *text);
/* The same; "-" for an empty one. */
int eddy_text_print_or_dash(FILE *out, const char *text);

/* Writes a text that prints as it is, with an ellipsis in its middle if it takes more columns. */
void eddy_text_print_cut(FILE *out, const char *text, int columns);

/* Writes a text that prints as it is and a new line; with a width (0: none) in several lines, each
 * but the first indented, that end with a comma. */
void eddy_text_print_folded(FILE *out, const char *text, int width, int indent);

/* Columns of what standard output goes to: COLUMNS if it is set, else those of the terminal; 0 if
 * it is none. */
int eddy_text_width(void);

/* Writes a word that any POSIX shell reads back as it is. */
void eddy_text_quote(FILE *out, const char *text);

/* A copy that is valid UTF-8: each byte that is not becomes U+FFFD.  To be freed; NULL without
 * memory. */
char *eddy_text_utf8(const char *text);

/* Writes "640 B" or "12.5 MiB".  Returns the columns it takes. */
int eddy_text_bytes(FILE *out, uint64_t bytes);

#endif
