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
    char cyclone[PATH_MAX]; /* the libddsc that was asked last */
    bool failed;
};

/* Prints a finding on one line, so that names in it can do nothing to a terminal.  A fault makes
 * the visit fail. */
void eddy_visit_say(struct eddy_visit *visit, enum eddy_finding finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What Cyclone DDS makes of the settings that `eddy run` would give it: the one at that path, or ""
 * for those that the loader finds, one of each generation. */
void eddy_visit_cyclone(struct eddy_visit *visit, const char *library);
/* What it says on its standard output, before and beside what Cyclone DDS has to say. */
#define EDDY_DOCTOR_LIBRARY "eddy: library "
#define EDDY_DOCTOR_NEWER   "eddy: newer"
#define EDDY_DOCTOR_CREATED "eddy: created "
#define EDDY_DOCTOR_PLUGIN  "eddy: plugin "
/* What this program does when it has started itself for that: `eddy doctor --ask`.  The exit
 * code. */
int eddy_doctor_ask(const char *library, const char *domain);

/* What a command would load under `eddy run`. */
void eddy_visit_command(struct eddy_visit *visit, const char *command);

/* What the kernel does about huge pages, locked memory and mappings.  Never a fault: topics need
 * none of it. */
void eddy_visit_memory(struct eddy_visit *visit);

#endif
