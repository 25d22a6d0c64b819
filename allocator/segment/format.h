/* format.h - which builds may share a thing in shared memory: its version and its features.  (internal)
 *
 * Whatever has a header begins with a head.  Each kind of thing (registry, topic, slots, ring) has
 * a layout version of its own, so that a change of one forbids no other; and within a version,
 * features, as file systems have them:
 *
 *   incompatible   an unknown bit: the thing is refused
 *   look_only      an unknown bit: it may be looked at (eddy ls), and not be taken part in
 *   compatible     an unknown bit is ignored, and kept
 *
 * A creator sets the bits of what it makes; after that nobody changes them.
 *
 * Threads: any.
 * Crash:   nothing is written once others can see it.         spec/layout.md, "Versions and features"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FORMAT_H
#define EDDY_FORMAT_H

#include "allocator/segment/layout.h"

/* A second build with features of its own, for the tests: bits that it knows and sets. */
#ifndef EDDY_TRIAL_INCOMPATIBLE
#define EDDY_TRIAL_INCOMPATIBLE 0
#endif
#ifndef EDDY_TRIAL_LOOK_ONLY
#define EDDY_TRIAL_LOOK_ONLY 0
#endif
#ifndef EDDY_TRIAL_COMPATIBLE
#define EDDY_TRIAL_COMPATIBLE 0
#endif

enum eddy_feature_set { EDDY_INCOMPATIBLE, EDDY_LOOK_ONLY, EDDY_COMPATIBLE, EDDY_FEATURE_SETS };

/* A feature that is planned or known, by name. */
struct eddy_feature {
    enum eddy_feature_set set;
    unsigned bit;
    const char *name;
};

/* What this build knows of one kind of thing. */
struct eddy_format {
    const char *what; /* in sentences: "a ring" */
    uint64_t magic;
    uint32_t layout;
    uint64_t known[EDDY_FEATURE_SETS]; /* bits that this build understands */
    uint64_t used[EDDY_FEATURE_SETS];  /* and those that it sets in what it creates */
    const struct eddy_feature *names;  /* ends with one without a name; NULL: none */
};

enum eddy_use { EDDY_USE_LOOK, EDDY_USE_SHARE };

/* Layout version, line size and page size in one word. */
uint64_t eddy_version_word(uint32_t layout);

/* A new thing's head.  The magic is left out: who fills in the rest stores it last. */
void eddy_format_fill(const struct eddy_format *format, struct eddy_head *head);

/* Whether this build may use `file`, whose head is read once.  EDDY_ESEGMENT: none of this kind;
 * EDDY_EVERSION, with what both have in words. */
int eddy_format_check(const struct eddy_format *format, const char *file,
                      const struct eddy_head *head, enum eddy_use use);

#endif
