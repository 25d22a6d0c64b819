/* dds.h - what this library asks of the Cyclone DDS that has loaded it.  (internal)
 *
 * Through the public functions of that libddsc, which are looked up in the object that called
 * iox_runtime_init: so it is the right one also if a program has loaded it for itself alone.  A
 * libddsc that cannot be asked (linked into a program statically, say) is one that answers nothing.
 *
 * A DDS reader is known by the context that Cyclone DDS gives with its callback.  That what lies
 * there is a reader's handle is checked, by the names of its topic and type, before it is used.
 *
 * Locks:   these calls take locks of DDS, so none of ours may be held, but those of nobody else.
 * Threads: eddy_dds_find: any; the others: the thread that calls Cyclone DDS back.
 * Crash:   private memory.
 *                                                             spec/iceoryx.md, "For Cyclone DDS"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_DDS_H
#define EDDY_ICEORYX_DDS_H

#include "service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDDY_DDS_GUID_BYTES 16
#define EDDY_DDS_FOREVER    INT64_MAX

/* A writer that DDS has matched with a reader. */
struct eddy_dds_match {
    uint64_t handle;
    uint8_t guid[EDDY_DDS_GUID_BYTES]; /* as it stands in the header of a chunk */
    int64_t lifespan;                  /* nanoseconds; EDDY_DDS_FOREVER: none */
    int64_t newest;                    /* source time of the newest sample that was handed on ... */
    int64_t had;                       /* ... and of what need not be handed on again */
};

struct eddy_dds_matches {
    struct eddy_dds_match *list;
    size_t count;
};

/* `caller` is an address inside of libddsc. */
void eddy_dds_find(const void *caller);

enum eddy_dds_known {
    EDDY_DDS_NOT_YET, /* DDS is still creating it */
    EDDY_DDS_NOBODY,  /* it cannot be asked about this one */
    EDDY_DDS_READER
};

/* The reader behind a callback's context, as an entity of DDS, and whether it is reliable. */
enum eddy_dds_known eddy_dds_reader(const void *context, const struct eddy_service *service,
                                    int32_t *reader, bool *reliable);

/* By which eddy_dds_watch tells of an entity. */
void eddy_dds_guid(int32_t entity, uint8_t guid[EDDY_DDS_GUID_BYTES]);

/* What the reader is matched with now, in place of `before`, whose answers are used where they hold
 * still.  False: no answer, as the reader is being deleted, or no memory. */
bool eddy_dds_matched(int32_t reader, const struct eddy_dds_matches *before,
                      struct eddy_dds_matches *now);

void eddy_dds_matches_free(struct eddy_dds_matches *matches);

/* A writer or reader that DDS has found, in this process or another, or is about to forget. */
struct eddy_dds_endpoint {
    uint8_t guid[EDDY_DDS_GUID_BYTES];
    bool is_reader;
    bool leaves;
    /* If it does not leave: */
    const char *topic, *type;
    bool is_ours; /* of a participant of this process that is watched */
    bool reliable;
    bool keeps_all;  /* a writer: late readers are owed all that it wrote */
    int64_t created; /* CLOCK_REALTIME, of our own */
};

/* Has this called for each writer and reader that comes or leaves in the DDS domain of the reader,
 * from the thread of DDS that notices, with locks of DDS held; and for those that are there, or have
 * left just before.  Who leaves is forgotten by DDS only when the call has returned; our own are told
 * of by the thread that creates them, before others hear of them.  Once for each participant; ends
 * with it. */
void eddy_dds_watch(int32_t reader, void (*changed)(const struct eddy_dds_endpoint *endpoint));

/* The same in the DDS domains of all participants of this process.  May be called by a thread that
 * is creating a writer.  False: there is no participant yet. */
bool eddy_dds_watch_all(void (*changed)(const struct eddy_dds_endpoint *endpoint));

/* True while some thread begins to watch a participant: it has not been told of all that is there. */
bool eddy_dds_begins_to_watch(void);

#endif
