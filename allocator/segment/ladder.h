/* ladder.h - the rungs that everything in shared memory is climbed by before it is believed.
 *
 *   eddy_ladder_climb: long enough -> magic -> version, features -> what `copy` finds -> the rest is mapped
 *
 * Kind, owner and mode of the file come before that, in file.h.
 *
 * Threads: any.
 * Crash:   nothing is written.                                    spec/layout.md, "The ladder"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LADDER_H
#define EDDY_LADDER_H

#include "allocator/segment/format.h"

#define EDDY_LADDER_HEADER_MAX 4096u

struct eddy_ladder {
    const struct eddy_format *format;
    uint32_t header_bytes;
    /* Checks a copy of the header, and puts into `object` what it needs of it.  Returns what cannot
     * be right, or NULL. */
    const char *(*copy)(const char *file, const void *header, uint64_t file_bytes, void *object);
};

/* EDDY_ESEGMENT, EDDY_EVERSION, EDDY_ENOMEM; each says what is wrong with which file. */
int eddy_ladder_climb(const struct eddy_ladder *ladder, enum eddy_use use, int fd, const char *file,
                      uint64_t file_bytes, void *object);

#endif
