/* must.h - the end of a program that cannot go on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_TRACE_MUST_H
#define EXAMPLE_TRACE_MUST_H

#include <eddy/errors.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The call worked; else says which one and why, and ends the program. */
#define must(call) must_be_done((call), #call)

static inline void must_be_done(int result, const char *call)
{
    if (result != EDDY_OK) {
        fprintf(stderr, "%.*s: %s: %s\n", (int)strcspn(call, "("), call, eddy_strerror(result),
                eddy_last_error());
        exit(EXIT_FAILURE);
    }
}

#endif
