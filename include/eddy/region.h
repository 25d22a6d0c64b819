/* eddy/region.h - one shared object, mapped: raw memory that several processes see.
 *
 *   create (by name, by path, or without either) -> ... -> eddy_region_close
 *   attach (by name, by path, by descriptor)     -> ... -> eddy_region_close
 *
 * There is no protocol on the bytes: who writes what and when is the caller's business.  A region
 * never shrinks and never moves: it grows in place, inside address space that is set aside when it
 * is mapped.
 *
 *   named      a flink in the folder of a domain leads to it; whoever shares the folder can attach
 *   path       a file of the caller's choice; no domain
 *   nameless   (EDDY_CLEANUP_AUTO) it goes with its last user, however that one ends; others get it
 *              by eddy_region_send or a descriptor.  It can be sealed, and never shrinks.
 *
 * Threads: all calls on one handle may be made by any thread at any time, but for close.  None but
 *          send and receive blocks, except for file operations.
 * Crash:   a named region whose owner is dead is removed by the next who creates that name, by
 *          eddy_gc, or by the first participant that is alone in the folder; a file at a path stays
 *          until it is replaced (EDDY_REGION_REPLACE).  What is mapped stays good.
 *                                                                              spec/regions.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_REGION_H
#define EDDY_REGION_H

#include <eddy/domain.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_region eddy_region;

#define EDDY_REGION_NAME_MAX 63 /* letters, digits, then also `_ - .`; a leading "/" is left out */

/* What a view may do, whoever created the region. */
enum eddy_map { EDDY_MAP_READ_WRITE = 0, EDDY_MAP_READ = 1 };

enum eddy_cleanup {
    EDDY_CLEANUP_OWNER = 0, /* the name goes when its owner closes; its creator owns it at first */
    EDDY_CLEANUP_AUTO = 1   /* it never has a name, and goes with its last user */
};

/* Flags. */
#define EDDY_REGION_SPARSE  0x01u /* memory comes as it is written: a full file system is SIGBUS */
#define EDDY_REGION_REPLACE 0x02u /* takes the name or path from whatever region (or file) has it */
#define EDDY_REGION_FOREIGN 0x04u /* path, fd: it may belong to, or be writable by, another user */
#define EDDY_REGION_RANDOM  0x08u /* at a random address, so that an overrun meets nobody */
#define EDDY_REGION_LOCK    0x10u /* in memory for good (mlock) */
#define EDDY_REGION_HUGE    0x20u /* transparent huge pages, where the kernel has them */
#define EDDY_REGION_STRICT  0x40u /* LOCK: failing is an error, not a remark in the info */
#define EDDY_REGION_DUMP    0x80u /* core dumps contain it; else they do not */

/* All zero means default; for attaching, `bytes`, `mode` and `cleanup` are not looked at. */
struct eddy_region_options {
    uint64_t bytes;       /* create: its size, at least 1; kept to the byte */
    uint64_t limit_bytes; /* how far it may grow: address space set aside.  Default: 8 x bytes, at
                             least 4 GiB, less where the process may have no more */
    uint64_t page_bytes;  /* 0: the file system's own; 2 MiB or 1 GiB: nameless, or a path on such a
                             file system (hugetlbfs).  Sizes are whole pages then */
    uint32_t mode;        /* permission bits, exact whatever the umask; default 0600, at most 0666;
                             with a name at most 0660, which in a group's domain is the default */
    enum eddy_map map;
    enum eddy_cleanup cleanup;
    uint32_t flags;
};

struct eddy_region_info {
    uint64_t bytes;       /* that this handle maps */
    uint64_t limit_bytes; /* it can grow to in this handle */
    uint64_t page_bytes;
    uint64_t device, inode; /* what it is, whatever leads to it */
    uint32_t mode;          /* permission bits of the file */
    enum eddy_map map;
    uint32_t seals;        /* EDDY_SEAL_* */
    bool created;          /* by this handle, not attached */
    bool owned;            /* by this handle: closing it removes the name */
    bool locked;           /* in memory */
    uint8_t reserved_byte; /* zero */
    uint64_t reserved[8];  /* zero */
};

/* --- coming and going ------------------------------------------------------------------------ */

/* Creates a region under a name in a domain.  Errors: EDDY_EEXIST (somebody alive has it, or it
 * was kept), EDDY_EINVAL (name, size 0, mode beyond 0660, AUTO), EDDY_ENOMEM, EDDY_EACCES,
 * EDDY_EBUSY, EDDY_ESYS, EDDY_EFORKED. */
static inline int eddy_region_create(eddy_domain *domain, const char *name,
                                     const struct eddy_region_options *options,
                                     eddy_region **region)
{
    return eddy_region_create_sized(domain, name, options, sizeof *options, region);
}

/* Attaches by name.  Errors: EDDY_ENOENT, EDDY_ENOTREADY (empty), EDDY_EFLINK, EDDY_EACCES,
 * EDDY_ENOMEM, EDDY_ESYS, EDDY_EFORKED. */
static inline int eddy_region_attach(eddy_domain *domain, const char *name,
                                     const struct eddy_region_options *options,
                                     eddy_region **region)
{
    return eddy_region_attach_sized(domain, name, options, sizeof *options, region);
}

/* Creates a file at a path.  Folders are not made.  EDDY_EEXIST if anything is there; with REPLACE
 * a regular file of the caller's is taken away from its name first: those who have it mapped keep
 * it whole.  Symbolic links are never followed at the path's end.  Errors: as above. */
static inline int eddy_region_create_path(const char *path,
                                          const struct eddy_region_options *options,
                                          eddy_region **region)
{
    return eddy_region_create_path_sized(path, options, sizeof *options, region);
}
static inline int eddy_region_attach_path(const char *path,
                                          const struct eddy_region_options *options,
                                          eddy_region **region)
{
    return eddy_region_attach_path_sized(path, options, sizeof *options, region);
}

/* Creates one without a name (cleanup must be AUTO). */
static inline int eddy_region_create_nameless(const struct eddy_region_options *options,
                                              eddy_region **region)
{
    return eddy_region_create_nameless_sized(options, sizeof *options, region);
}

/* Attaches to what a descriptor leads to and takes the descriptor over: it is closed with the
 * region, and on failure at once.  bytes: how much, 0 for all; EDDY_EBOUNDS if there is less.
 * The file must be a regular one of the caller's own, or sealed against shrinking, or FOREIGN
 * given: EDDY_EACCES.  A descriptor that is not open for writing allows EDDY_MAP_READ alone. */
static inline int eddy_region_attach_fd(int fd, uint64_t bytes,
                                        const struct eddy_region_options *options,
                                        eddy_region **region)
{
    return eddy_region_attach_fd_sized(fd, bytes, options, sizeof *options, region);
}

/* Unmaps; the owner's close removes the name, if it still leads to this region.  NULL is allowed.
 * In a forked child it frees the child's copy and returns EDDY_EFORKED. */
EDDY_API int eddy_region_close(eddy_region *region);

/* --- the memory ------------------------------------------------------------------------------ */

/* First byte; aligned to a page, the same as long as the handle is open; also in a forked child. */
EDDY_API const void *eddy_region_data(const eddy_region *region);
/* The same for writing; NULL where the view is read-only. */
EDDY_API void *eddy_region_writable_data(const eddy_region *region);
/* Bytes that are mapped now; only ever more. */
EDDY_API uint64_t eddy_region_bytes(const eddy_region *region);
/* The address of a range; NULL if it is not all inside, or `offset + bytes` overflows. */
EDDY_API const void *eddy_region_at(const eddy_region *region, uint64_t offset, uint64_t bytes);
/* Open as long as the region; for poll, fstat, and to send it on by hand.  Do not close. */
EDDY_API int eddy_region_fd(const eddy_region *region);
/* Absolute path of the file; "" if it has none. */
EDDY_API const char *eddy_region_path(const eddy_region *region);
EDDY_API int eddy_region_describe(const eddy_region *region, struct eddy_region_info *info);

/* Changes what the view may do.  EDDY_EACCES if the descriptor does not allow it. */
EDDY_API int eddy_region_protect(eddy_region *region, enum eddy_map map);

/* --- growing --------------------------------------------------------------------------------- */

/* Makes it `bytes` long, in place; new bytes are zero.  The owner (or creator of a nameless one)
 * alone, and not if it is sealed: EDDY_EACCES.  As long as now: nothing is done.  Shorter:
 * EDDY_EINVAL, "shrinking is not supported".  Longer than the limit: EDDY_ELIMIT.  No memory:
 * EDDY_ENOMEM.  Contents and addresses stay, whatever becomes of it.  Where the file is longer by
 * now (a former owner's doing), all of it is mapped. */
EDDY_API int eddy_region_grow(eddy_region *region, uint64_t bytes);

/* Maps what others have grown.  1: longer now; 0: not; never changes the file.  EDDY_ELIMIT: longer
 * than this handle's limit; EDDY_ESEGMENT: somebody made it shorter. */
EDDY_API int eddy_region_refresh(eddy_region *region);

/* Gives pages that lie wholly inside the range back to the system; they read as zero then.  Only a
 * SPARSE view may: of others memory is promised. */
EDDY_API int eddy_region_punch(eddy_region *region, uint64_t offset, uint64_t bytes);

/* --- whose it is ----------------------------------------------------------------------------- */

/* From now on this handle's close removes the name.  EDDY_EBUSY while somebody alive owns it,
 * EDDY_ENOENT if the name is gone or leads to another region, EDDY_EINVAL if it never had one. */
EDDY_API int eddy_region_own(eddy_region *region);
/* Nobody owns it: it stays, also when all its users are gone, until somebody owns or replaces it.
 * Not an error if this handle does not own it. */
EDDY_API int eddy_region_disown(eddy_region *region);

/* --- sending --------------------------------------------------------------------------------- */

/* Sends the region over a connected Unix socket, with the right to read alone or to write as well.
 * Waits until the deadline at most.  Errors: EDDY_EAGAIN, EDDY_ETIMEDOUT, EDDY_EPEERGONE, EDDY_EACCES,
 * EDDY_EINVAL (no Unix socket), EDDY_ESYS. */
EDDY_API int eddy_region_send(const eddy_region *region, int socket, enum eddy_map map,
                              uint64_t deadline);
/* Receives one that eddy_region_send sent.  Whatever else comes is refused (EDDY_ESEGMENT), and no
 * descriptor is kept.  One that was sent to be read needs options with EDDY_MAP_READ; one of
 * another user that is not sealed, EDDY_REGION_FOREIGN: else EDDY_EACCES. */
static inline int eddy_region_receive(int socket, const struct eddy_region_options *options,
                                      uint64_t deadline, eddy_region **region)
{
    return eddy_region_receive_sized(socket, options, sizeof *options, deadline, region);
}

/* --- sealing --------------------------------------------------------------------------------- */

#define EDDY_SEAL_SHRINK 1u /* nobody can make it shorter: nameless regions always have it */
#define EDDY_SEAL_GROW   2u /* nobody can make it longer */
#define EDDY_SEAL_WRITE  4u /* nobody can map it for writing any more; mappings there are go on */
#define EDDY_SEAL_SEAL   8u /* nobody can seal it further */
/* Seals a nameless region, for good.  EDDY_EINVAL for one with a name or path, EDDY_EACCES if its
 * file may only be read, knows no seals, or is sealed against them. */
EDDY_API int eddy_region_seal(eddy_region *region, uint32_t seals);

#ifdef __cplusplus
}
#endif
#endif
