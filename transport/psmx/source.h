/* source.h - a writer of DDS, whose samples go to Eddy.  (internal)
 *
 *   created -> introduced (first sample) -> leaves: lingers until what it wrote is taken -> deleted
 *   -> closed when the last of its loans is given back
 *
 * Threads: writing: one at a time, as Cyclone DDS has it.  Giving loans back: any.
 * Locks:   `lock` guards the Eddy writers; the instance's, what is said so.
 * Crash:   the kernel drops the participant; others take back what it held.
 *                                                             spec/psmx.md, "Writing"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_SOURCE_H
#define EDDY_PSMX_SOURCE_H

#include "feed.h"

struct sample;

/* Where it writes to: the lane of one of its partitions. */
struct psmx_outlet {
    char *scope;
    eddy_writer *writer;
    unsigned own, generation; /* readers of this domain, when that was looked at */
    uint64_t partition;       /* its hash */
};

struct psmx_source {
    struct psmx_endpoint psmx; /* first */
    struct psmx_home *home;
    struct psmx_source *next, *previous; /* under the instance's lock */
    bool has_written;                    /* under the instance's lock: `me` is known */
    struct psmx_guid me;
    unsigned number; /* of this writer, among those that have written */
    char *name;
    enum psmx_lane lane;
    uint64_t wait_ns;      /* for room; 0: it never waits */
    struct psmx_wire wire; /* what is the same in each sample */
    uint32_t history;      /* samples of each instance that are kept for late readers */
    pthread_mutex_t lock;
    _Atomic uint64_t leaves_by; /* when it has lingered enough; 0: it does not leave */
    atomic_uint references;     /* the endpoint's, and of loans that are out */
    _Atomic(struct sample *) returned;
    unsigned outlet_count;        /* 1, if it waits for readers or keeps samples for late ones */
    struct psmx_outlet outlets[]; /* under lock */
};

/* leaving.c: the writer among those of its instance. */
void psmx_source_link(struct psmx_source *source);
void psmx_source_unlink(struct psmx_source *source);
/* DDS tells of a writer by its GUID, which its first sample has. */
void psmx_source_introduce(struct psmx_source *source, const struct psmx_guid *me);

/* source.c: frees it all, when nothing of it is left. */
void psmx_source_free(struct psmx_source *source);
/* writer.c */
void psmx_source_set_calls(struct psmx_source *source, bool with_keys);
void psmx_source_unref(struct psmx_source *source);

#endif
