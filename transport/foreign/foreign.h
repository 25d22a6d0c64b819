/* foreign.h - what samples that stand for memory of others say, and how that is asked for.  (internal)
 *
 *   importer -- ASK --> exporter's thread -- HERE and the descriptor, or NOT_HERE --> importer
 *   exporter's thread -- GONE, when memory is removed --> every importer that is connected
 *   exporter -- ADD and the descriptor, or REMOVE --> its own thread -- DONE
 *
 * Over a socket in the domain's folder, which whoever shares the folder can reach, in whatever
 * container: one message, one packet.
 *
 * Threads: see exporter.h and importer.h.
 * Crash:   of the exporter: connections end, and nobody listens.  Its socket stays until `eddy gc` or the
 *          next lone participant.                                              spec/foreign.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FOREIGN_INSIDE_H
#define EDDY_FOREIGN_INSIDE_H

#include "discovery/domain.h"

#include <eddy/foreign.h>

/* What a sample carries, as its user header: a stranger's input. */
struct eddy_foreign_record {
    uint64_t magic;
    uint64_t exporter; /* random: which of its participant's */
    uint64_t memory;   /* its number there, which never comes again */
    uint64_t offset, size;
    uint64_t spare; /* zero */
};
#define EDDY_RECORD_MAGIC UINT64_C(0x3165706f72756566) /* "feurope1" */

enum eddy_foreign_word {
    EDDY_FOREIGN_ASK = 1,
    EDDY_FOREIGN_HERE,
    EDDY_FOREIGN_NOT_HERE,
    EDDY_FOREIGN_GONE,
    EDDY_FOREIGN_ADD,
    EDDY_FOREIGN_REMOVE,
    EDDY_FOREIGN_DONE
};

struct eddy_foreign_message {
    uint64_t magic;
    uint32_t word;   /* enum eddy_foreign_word */
    int32_t error;   /* of DONE: EDDY_E* */
    uint64_t secret; /* of ADD and REMOVE: their exporter's own */
    uint64_t memory;
};
#define EDDY_MESSAGE_MAGIC UINT64_C(0x3167736d6e676666) /* "ffgnmsg1" */

/* --- sockets: socket.c ------------------------------------------------------------------------- */

/* <16 hex of the participant>.<16 hex of the exporter>.export, in the domain's folder. */
#define EDDY_EXPORT_ROOM 48u
void eddy_export_name(uint64_t participant, uint64_t exporter, char name[EDDY_EXPORT_ROOM]);

/* Makes an exporter's socket and listens.  EDDY_ESYS, ... */
int eddy_export_listen(const struct eddy_domain *domain, const char *name, int *fd);

/* A connection to one.  EDDY_EPEERGONE: nobody listens; EDDY_EAGAIN: too many ask just now; EDDY_EACCES.
 * It does not block, and neither do the next two. */
int eddy_export_connect(const struct eddy_domain *domain, const char *name, int *fd);

/* Sends one message, with a descriptor if that is not -1.  False with errno. */
bool eddy_foreign_send(int socket, const struct eddy_foreign_message *message, int fd);

/* Receives one.  EDDY_EAGAIN: none is there; EDDY_EPEERGONE; EDDY_ESEGMENT: what came is none.  *fd:
 * what came with it, or -1. */
int eddy_foreign_receive(int socket, struct eddy_foreign_message *message, int *fd);

/* Until something can be received, or that is hopeless; `deadline` may be EDDY_POLL.  False: not yet. */
bool eddy_foreign_wait(int socket, uint64_t deadline);

/* --- memory behind descriptors: memory.c -------------------------------------------------------- */

enum eddy_foreign_kind {
    EDDY_MEMORY_DMABUF,  /* the kernel keeps its size */
    EDDY_MEMORY_SEALED,  /* against shrinking */
    EDDY_MEMORY_UNSEALED /* whatever else can be mapped */
};

/* What it is, by what the kernel says of it alone.  EDDY_EACCES: no memory. */
int eddy_memory_look(int fd, enum eddy_foreign_kind *kind, uint64_t *bytes);

/* A descriptor of it to hand out: with no right to write, where one can be had. */
int eddy_memory_reduced(int fd, enum eddy_foreign_kind kind, int *reduced);

/* Seals a memfd against shrinking, if it may be. */
void eddy_memory_seal(int fd);

/* The processor reads a dma-buf from now on, or no longer. */
int eddy_memory_sync(int fd, bool begins);

#endif
