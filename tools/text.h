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

/* Writes a word that any POSIX shell reads back as it is. */
void eddy_text_quote(FILE *out, const char *text);

/* A copy that is valid UTF-8: each byte that is not becomes U+FFFD.  To be freed; NULL without
 * memory. */
char *eddy_text_utf8(const char *text);

/* Writes "640 B" or "12.5 MiB".  Returns the columns it takes. */
int eddy_text_bytes(FILE *out, uint64_t bytes);

#endif
