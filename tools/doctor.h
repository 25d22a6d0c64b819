/* doctor.h - what `eddy doctor` finds.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_DOCTOR_H
#define EDDY_TOOLS_DOCTOR_H

#include <limits.h>
#include <stdbool.h>

enum eddy_finding { EDDY_FINDING_OK, EDDY_FINDING_NOTE, EDDY_FINDING_FAULT };

struct eddy_visit {
    const char *dir; /* the folder of the domain, NULL for the default */
    char library_dir[PATH_MAX];
    bool failed;
};

/* Prints a finding on one line, so that names in it can do nothing to a terminal.  A fault makes
 * the visit fail. */
void eddy_visit_say(struct eddy_visit *visit, enum eddy_finding finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What the kernel does about huge pages, locked memory and mappings.  Never a fault: topics need
 * none of it. */
void eddy_visit_memory(struct eddy_visit *visit);

#endif
