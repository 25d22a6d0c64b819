/* place.h - address space set aside, and files mapped into it.  (internal)
 *
 *   eddy_place_reserve -> eddy_place_map, as often as there is more to map -> eddy_place_free
 *
 * What is not mapped yet cannot be touched (PROT_NONE) and costs no memory, but nobody else's
 * mapping can come to lie there: what grows inside its place never moves.
 *
 * Threads: one at a time on one place.
 * Crash:   it goes with the process.                         spec/regions.md, "Addresses"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PLACE_H
#define EDDY_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define EDDY_HUGE_PAGE (UINT64_C(2) << 20)

#ifndef MADV_COLLAPSE /* Linux 6.1: what is there already becomes huge pages */
#define MADV_COLLAPSE 25
#endif

struct eddy_place {
    uint8_t *base;
    uint64_t bytes;
};

/* Sets `bytes` aside at an address that is a multiple of `align` (a power of two, or 0: a page).
 * `random`: far from anything else, so that an overrun meets nobody.  EDDY_ENOMEM. */
int eddy_place_reserve(uint64_t bytes, uint64_t align, bool random, struct eddy_place *place);

struct eddy_place_part {
    uint64_t offset, bytes; /* in place and file alike; whole pages */
    uint64_t page;          /* of the file; 0: the usual ones */
    bool writable;
};

/* Maps a part of a file, shared.  On failure the place stays as it was, or if another thread was
 * faster to take what lay free for an instant, ends before this part.  EDDY_ENOMEM, EDDY_EACCES. */
int eddy_place_map(struct eddy_place *place, int fd, const struct eddy_place_part *part);

void eddy_place_free(struct eddy_place *place);

#endif
