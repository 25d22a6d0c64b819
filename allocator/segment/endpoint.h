/* endpoint.h - whether a reader or writer is there, and what it and its topic say of themselves.
 *           (internal)
 *
 *   ABSENT -- arrive: COMING, its blob is written --> THERE -- leave: LEAVING, the blob goes --> ABSENT
 *
 * All of it is in one word of the seat, with how-manieth holder of the seat this is and how many of
 * them have died, so that who looks now and then misses nothing that is still so, and knows a new
 * holder from the one before, be it the same participant's.  A reader is THERE when it gets what is
 * published.  Blobs and the text of the type are read and written by system calls, not mapped: a file
 * that somebody makes shorter is an error and no signal, and what was read stays as it was read.
 *
 * Who changes any of it touches the control file (its time of change), of which the kernel tells those
 * who watch it: discovery/watchman.h.
 *
 * Threads: any may look; a seat's word is written by its holder alone, or who reaps it; the text with
 *          the topic's name held.
 * Crash:   reap ends what the dead began.                    spec/topics.md, "Who is there"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ENDPOINT_H
#define EDDY_ENDPOINT_H

#include "allocator/segment/segment.h"

/* Bytes that the caller has. */
struct eddy_bytes {
    const void *at;
    size_t size;
};

enum eddy_presence { EDDY_ABSENT, EDDY_COMING, EDDY_THERE, EDDY_LEAVING };

/* The word, taken apart. */
struct eddy_presence_seen {
    enum eddy_presence state;
    uint32_t holder;    /* how-manieth of the seat; wraps */
    uint16_t deaths;    /* of those before; wraps */
    uint32_t blob_size; /* EDDY_BLOB_BYTES at most */
};

struct eddy_presence_seen eddy_presence_read(uint64_t word);

static inline _Atomic uint64_t *eddy_presence_of(const struct eddy_segment *s, bool writer,
                                                 uint32_t seat)
{
    return writer ? &s->writers[seat].presence : &s->reader_rests[seat].presence;
}

/* The seat's holder is there from now on; EDDY_ENOMEM and the like: it is not. */
int eddy_endpoint_arrive(struct eddy_segment *segment, bool writer, uint32_t seat,
                         struct eddy_bytes blob);

/* Before the seat is given up, by its holder or (died) by who reaps it. */
void eddy_endpoint_leave(struct eddy_segment *segment, bool writer, uint32_t seat, bool died);

/* Tells who watches that something is different now. */
void eddy_segment_touch(const struct eddy_segment *segment);

/* For several looks: the control file is opened with the first that needs it. */
struct eddy_endpoint_file {
    const struct eddy_segment *segment;
    int fd; /* -1 to begin with */
};
void eddy_endpoint_file_close(struct eddy_endpoint_file *file);

/* The blob of the holder that the word was read of; `bytes` has room for EDDY_BLOB_BYTES.  EDDY_ESTALE:
 * that one has gone; EDDY_ESEGMENT: somebody made the file shorter. */
int eddy_endpoint_blob(struct eddy_endpoint_file *file, bool writer, uint32_t seat, uint64_t word,
                       void *bytes);

/* Writes the text, if there is none yet.  The topic's name is held. */
int eddy_type_text_give(struct eddy_segment *segment, struct eddy_bytes text);

/* How long it is; 0: there is none. */
uint32_t eddy_type_text_size(const struct eddy_segment *segment);

/* The first `size` bytes of it. */
int eddy_type_text_read(struct eddy_endpoint_file *file, void *bytes, uint32_t size);

#endif
