/* escape.h - text that others chose, such that a terminal shows it and does not obey it.  (internal)
 *
 * What is no printable UTF-8 becomes an escape as in C (\n, \t, \r, \\, \xNN): control characters,
 * bytes that are no character, and the marks that turn around or break the rest of a line.  The
 * locale does not matter.
 *
 * It knows nothing of the rest of Eddy: the stand-in for iceoryx has it, too.
 *
 * Threads: any; no locks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ESCAPE_H
#define EDDY_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* `text` escaped, as far as `room` bytes with the NUL go; never half an escape or character.
 * `escaped_before`: parts of it may have been; backslashes stay as they are. */
void eddy_escape(const char *text, bool escaped_before, char *out, size_t room);

#endif
