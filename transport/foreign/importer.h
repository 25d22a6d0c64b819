/* importer.h - the inside of an importer: which memory of whom is mapped.  (internal)
 *
 *   none -- asked for --> ASKED -- it comes, and is as it must be --> HERE -- GONE, unused --> none
 *                           '-- it is not there, or cannot be used: none
 *
 * Threads: one at a time.
 * Crash:   private memory.                                               spec/foreign.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_IMPORTER_INSIDE_H
#define EDDY_IMPORTER_INSIDE_H

#include "transport/foreign/foreign.h"

/* Whose memory, and which. */
struct eddy_imported_key {
    uint64_t participant, exporter, memory;
};

/* An exporter that was asked for something. */
struct eddy_peer {
    struct eddy_peer *next;
    uint64_t participant, exporter;
    struct eddy_kept connection; /* none once it is gone */
};

struct eddy_imported {
    struct eddy_imported *next; /* in its bucket */
    struct eddy_importer *importer;
    struct eddy_imported_key key;
    enum eddy_foreign_kind kind;
    bool is_here; /* else it has been asked for */
    bool is_gone; /* as soon as nobody uses it, it goes */
    uint32_t uses;
    uint64_t bytes;
    void *base; /* NULL: not mapped */
    struct eddy_kept file;
};

#define EDDY_IMPORT_BUCKETS 64u /* a power of two */

struct eddy_importer {
    struct eddy_domain *domain;
    uint32_t fork_count, flags;
    uint64_t mapped, limit; /* bytes */
    struct eddy_peer *peers;
    struct eddy_imported *buckets[EDDY_IMPORT_BUCKETS];
};

/* Asks for memory that is not known here, or was asked for, and waits for it.  The errors of
 * eddy_importer_map. */
int eddy_importer_ask(struct eddy_importer *importer, const struct eddy_imported_key *key,
                      uint64_t deadline, struct eddy_imported **imported);

/* Hears what exporters have said meanwhile. */
void eddy_importer_hear(struct eddy_importer *importer);

/* Looks it up; NULL: not known. */
struct eddy_imported *eddy_imported_find(const struct eddy_importer *importer,
                                         const struct eddy_imported_key *key);
/* Asked for from now on.  NULL: no memory. */
struct eddy_imported *eddy_imported_make(struct eddy_importer *importer,
                                         const struct eddy_imported_key *key);
/* What was asked for has come.  The descriptor is taken over, also on error. */
int eddy_imported_admit(struct eddy_imported *imported, int fd);
/* It is gone: forgotten now, or when nobody uses it any more. */
void eddy_imported_end(struct eddy_imported *imported);
/* Unmaps and frees. */
void eddy_imported_free(struct eddy_imported *imported);

#endif
