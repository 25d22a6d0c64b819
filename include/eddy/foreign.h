/* eddy/foreign.h - samples that lie in memory of others: a camera's, a graphics card's, a memfd.
 *
 *   writer:  open -> add a descriptor -> publish pieces of it -> `returned`, when no reader has them
 *            any more -> remove -> close
 *   reader:  eddy_reader_take -> map -> read in place -> unmap -> eddy_reader_release
 *
 * The topic is one as any other.  Its samples say which memory they stand for (in the user header,
 * which is taken by that); data of their own they may have, too: what is in the frame, say.  The
 * kernel hands the descriptor over, to each process once, when that comes to use the memory for the
 * first time; what is read then is what the device wrote.
 *
 * Any descriptor will do that can be mapped.  A reader takes only what nobody can make shorter under
 * it (that would be SIGBUS): dma-bufs, and memfds that are sealed against shrinking, which
 * eddy_exporter_add does.  EDDY_..._UNSEALED is for the rest.
 *
 * Threads: an exporter serves the thread that its writer serves; an importer one at a time.  An
 *          exporter has a thread of the library, which blocks all signals, to hand descriptors over.
 * Crash:   of a reader: what it had comes back as if it had released it.  Of the writer: what is mapped
 *          stays, the rest is EDDY_EPEERGONE.
 *                                                                        spec/foreign.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FOREIGN_H
#define EDDY_FOREIGN_H

#include <eddy/topic.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_exporter eddy_exporter;
typedef struct eddy_importer eddy_importer;

/* --- writer ---------------------------------------------------------------------------------- */

/* All zero means default. */
struct eddy_exporter_options {
    /* Called for each piece that no reader has any more, nor will get: now it may be written again.
     * By eddy_exporter_publish and ..._collect, in their thread; it must not call these. */
    void (*returned)(void *context, void *piece);
    void *context;
    uint32_t limit; /* most pieces that may be out at once; default: as many as the topic has room
                          for */
    uint32_t reserved; /* zero */
};

/* Makes it possible to publish memory of others with a writer, which must have room for the sizes of
 * its samples alone: 48 bytes and their data.  options may be NULL.  Blocks for file operations.
 * Errors: EDDY_EINVAL, EDDY_ENOMEM, EDDY_EACCES, EDDY_ESYS (no thread, descriptor or socket),
 * EDDY_EFORKED. */
static inline int eddy_exporter_open(eddy_writer *writer,
                                     const struct eddy_exporter_options *options,
                                     eddy_exporter **exporter)
{
    return eddy_exporter_open_sized(writer, options, sizeof *options, exporter);
}

/* Before the writer is closed.  Pieces that are out stay with their readers and are not reported any
 * more: to see them all back, collect first.  NULL is allowed. */
EDDY_API int eddy_exporter_close(eddy_exporter *exporter);

/* Memory whose size others may change under a reader: it gets a SIGBUS then. */
#define EDDY_EXPORT_UNSEALED 1u

/* From now on pieces of this memory can be published.  The descriptor may be closed afterwards.  A
 * memfd is sealed against shrinking, and readers get it to read alone; F_SEAL_FUTURE_WRITE, which the
 * caller may add, sees to it that they cannot help themselves to more.  flags: EDDY_EXPORT_UNSEALED.
 * Errors: EDDY_EINVAL, EDDY_EACCES (it cannot be sealed, or is no memory), EDDY_ENOENT (the domain's
 * files were removed), EDDY_ENOMEM, EDDY_ELIMIT, EDDY_ESYS, EDDY_EFORKED. */
EDDY_API int eddy_exporter_add(eddy_exporter *exporter, int fd, uint32_t flags, uint64_t *memory);

/* It is given to nobody any more; who has it mapped unmaps it when it next looks (eddy_importer_trim).
 * Errors: EDDY_EBUSY (pieces of it are out), EDDY_ENOENT, EDDY_EFORKED. */
EDDY_API int eddy_exporter_remove(eddy_exporter *exporter, uint64_t memory);

/* A sample that stands for a piece of such memory.  All zero but `memory` and `size` means default. */
struct eddy_export {
    uint64_t memory; /* from eddy_exporter_add */
    uint64_t offset; /* bytes, from its beginning */
    uint64_t size;
    void *piece;      /* what `returned` is told */
    const void *data; /* the sample's own data, copied; NULL if it has none */
    size_t data_size;
};

/* Publishes it.  publication may be NULL; else as with eddy_writer_publish_with.  First reports what
 * has come back; if as many as the limit are out, then as eddy_exporter_collect does for one less.
 * On error the piece is still the caller's.  Errors: as eddy_writer_loan and
 * eddy_writer_publish_with; EDDY_ENOENT (no such memory), EDDY_ETOOBIG (the piece is not within it),
 * EDDY_EAGAIN or EDDY_ETIMEDOUT also if the limit is out, EDDY_ENOMEM. */
static inline int eddy_exporter_publish(eddy_exporter *exporter, const struct eddy_export *what,
                                        const struct eddy_publication *publication,
                                        uint64_t deadline)
{
    return eddy_exporter_publish_sized(exporter, what, sizeof *what, publication,
                                       sizeof *publication, deadline);
}

/* Reports what has come back.  If more than `most` are out then, ends those that only best-effort
 * readers are still to take, oldest first, which thereby lose them; if they are still more, waits
 * until readers let go.  UINT32_MAX: never ends or waits for any.  What the writer keeps as history
 * does not come back.  Errors: EDDY_EAGAIN or EDDY_ETIMEDOUT (more than `most` are out), EDDY_EFORKED. */
EDDY_API int eddy_exporter_collect(eddy_exporter *exporter, uint32_t most, uint64_t deadline);

/* Pieces that are out. */
EDDY_API uint32_t eddy_exporter_out(const eddy_exporter *exporter);

/* --- reader ---------------------------------------------------------------------------------- */

#define EDDY_IMPORT_UNSEALED 1u /* also memory whose size others may change: SIGBUS is possible */
#define EDDY_IMPORT_UNMAPPED 2u /* descriptors alone: to hand on to a device or a library */

/* All zero means default. */
struct eddy_importer_options {
    uint32_t flags;       /* EDDY_IMPORT_* */
    uint32_t reserved;    /* zero */
    uint64_t limit_bytes; /* most memory of others mapped at once; default: no limit */
};

/* Where memory of others is mapped, for samples of any topic and reader of a domain.  options may be
 * NULL.  Errors: EDDY_EINVAL, EDDY_ENOMEM, EDDY_EFORKED. */
static inline int eddy_importer_open(eddy_domain *domain,
                                     const struct eddy_importer_options *options,
                                     eddy_importer **importer)
{
    return eddy_importer_open_sized(domain, options, sizeof *options, importer);
}

/* Unmaps all, also what is in use.  NULL is allowed. */
EDDY_API int eddy_importer_close(eddy_importer *importer);

/* The piece that a sample stands for. */
struct eddy_import {
    const void *data; /* to read; NULL with EDDY_IMPORT_UNMAPPED */
    uint64_t size;
    uint64_t offset; /* of the piece in its memory */
    int fd;          /* the memory's, with EDDY_IMPORT_UNMAPPED and of a dma-buf; else -1.
                             The importer's: not to be closed; good until it is unmapped */
    uint32_t reserved_word;
    void *inside;         /* identifies it; do not change */
    uint64_t reserved[4]; /* neither read nor written, and so is reserved_word */
};

/* Finds the memory of a sample that is taken and not released yet.  Mapped already, it is looked up,
 * and of a dma-buf made ready for the processor (DMA_BUF_IOCTL_SYNC); else the writer's process is
 * asked for it, which takes some 50 microseconds, and until the deadline if that is stopped.  With
 * EDDY_POLL it is only asked, and had with a later call.  Errors: EDDY_EINVAL (no such sample),
 * EDDY_ESEGMENT (what came does not fit), EDDY_EACCES (its size could change), EDDY_EPEERGONE (the
 * writer's process is gone, or it has removed it), EDDY_EAGAIN, EDDY_ETIMEDOUT, EDDY_ELIMIT,
 * EDDY_ENOMEM, EDDY_ESYS, EDDY_EFORKED. */
EDDY_API int eddy_importer_map(eddy_importer *importer, const struct eddy_sample *sample,
                               uint64_t deadline, struct eddy_import *import);

/* Before the sample is released.  It stays mapped for the next sample there, until the writer has
 * removed it or is gone.  Errors: EDDY_ESTALE, EDDY_EFORKED. */
EDDY_API int eddy_importer_unmap(eddy_importer *importer, struct eddy_import *import);

/* Unmaps what is gone and not in use, which else happens with the next memory that is new.  bytes (may
 * be NULL): how much is mapped still.  Does not block.  Errors: EDDY_EFORKED. */
EDDY_API int eddy_importer_trim(eddy_importer *importer, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
