/* chunk.h - what lies in front of a payload.  (internal)
 *
 *        | user header, rounded up to 8 | magic, user header size | payload ...
 *                                       ^ chunk header            ^ aligned as asked, 8 at least
 *
 * The chunk header is found from the payload by arithmetic alone, in any mapping and any thread.
 * All of it is written before the chunk is published: readers cannot write, but writers can, at any
 * time.  So where the user header is, is remembered in private memory for as long as a chunk is out,
 * and what stands in the chunk is not asked again.
 *
 *   loan or take -> eddy_chunk_hold -> eddy_chunk_let_go, before it is published or given back
 *
 * Of Cyclone DDS, whose user headers have one size, nothing has to be remembered.
 *
 * Threads: any; one lock for the process, taken only for chunks that are remembered.
 * Crash:   nothing of its own; the chunk belongs to its slot.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_CHUNK_H
#define EDDY_ICEORYX_CHUNK_H

#include "binding.h"

struct eddy_chunk_header {
    uint32_t magic;
    uint32_t user_header_size;
};

/* What Cyclone DDS 0.10 puts before each sample: its user header. */
#define EDDY_CHUNK_CYCLONE_HEADER 56u
#define EDDY_CHUNK_CYCLONE_ROOM   64u /* with the chunk header */

/* What to ask of Eddy for a chunk.  False: iceoryx forbids these parameters. */
bool eddy_chunk_plan(uint32_t size, uint32_t alignment, uint32_t header_size,
                     uint32_t header_alignment, struct eddy_loan_options *plan);

/* Writes the chunk header of a fresh loan. */
void eddy_chunk_start(const struct eddy_loan *loan, uint32_t user_header_size);

/* What the header of a chunk of Cyclone DDS says of the sample. */
struct eddy_chunk_origin {
    uint8_t guid[16]; /* of the DDS writer */
    int64_t written;  /* source time, nanoseconds since 1970 */
    uint32_t status;  /* EDDY_CHUNK_DISPOSES, EDDY_CHUNK_UNREGISTERS */
    uint8_t key[16];  /* key hash */
};
#define EDDY_CHUNK_DISPOSES    1u
#define EDDY_CHUNK_UNREGISTERS 2u

/* True if a sample that was taken is a chunk of ours, with a user header that this program expects
 * and, for Cyclone DDS, no more data than the sample has: only then may it be handed out.  For
 * Cyclone DDS *origin is what the header said when it was looked at; nobody else looks again. */
bool eddy_chunk_valid(const struct eddy_sample *sample, struct eddy_chunk_origin *origin);

/* Remembers the user header of a chunk that goes out: `header` and its size with the chunk header,
 * as the engine has them.  EDDY_ENOMEM: it must not go out. */
int eddy_chunk_hold(const void *payload, const void *header, size_t room);
void eddy_chunk_let_go(const void *payload);

/* What its header says, of a chunk that this program has on loan. */
void eddy_chunk_origin(const void *payload, struct eddy_chunk_origin *origin);

#endif
