/* eddy/join.h - the regions that this process has mapped: each of them once, counted.
 *
 *   not joined -- eddy_join: map, attach hook --> JOINED, counted -- last eddy_leave: detach hook,
 *   unmap --> not joined
 *
 * Every eddy_join needs an eddy_leave.  Any number of modules of a program may join one region: it
 * is mapped by the first and unmapped after the last.  Hooks run when it is mapped and before it is
 * unmapped; they may join and leave other regions, so that one region can bring along those that
 * it needs.  A cycle is refused.
 *
 * Threads: all calls by any thread at any time.  A join of a region that another thread is just
 *          joining or leaving waits for that one, for as long as its hook takes; no lock is held
 *          while hooks run.
 * Crash:   the table is this process's own; see eddy/region.h for the regions.
 *          A hook returns: a thread that ends in one leaves its region neither joined nor free.
 * Fork:    the child has joined nothing; leaving what the parent joined is EDDY_EFORKED.  Its
 *          copies of the mappings stay where they are.
 *                                                                       spec/joins.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_JOIN_H
#define EDDY_JOIN_H

#include <eddy/region.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A join, as it is now: a copy.  Unused bytes are zero, so that two can be compared with memcmp. */
struct eddy_join_info {
    int64_t references; /* joins less leaves; -1: a hook is running */
    void *handle;       /* what the attach hook returned; without one, `address` */
    void *address;      /* first byte */
    uint64_t bytes;
    uint64_t page_bytes;
    uint64_t device, inode; /* of the object; 0 if adopted */
    uint32_t map;           /* enum eddy_map */
    uint32_t adopted;       /* 1: eddy_join_adopt */
    uint32_t shadows;       /* 1: adopted under a name that a region of the domain had */
    uint32_t locked;        /* 1: in memory for good */
    char name[EDDY_REGION_NAME_MAX + 1]; /* the first it was joined by; the rest is zero */
    uint64_t reserved[8];                /* zero */
};

struct eddy_join_options {
    enum eddy_map map;
    uint32_t flags; /* EDDY_REGION_RANDOM, _LOCK, _HUGE, _STRICT, _DUMP */
    /* Called by the join that maps, with `info` valid during the call.  Returns the handle; NULL:
     * the join fails (EDDY_ESYS, or what the hook stored in *error). */
    void *(*attach)(void *context, const struct eddy_join_info *info, int *error);
    /* Called before the last leave unmaps. */
    void (*detach)(void *context, const struct eddy_join_info *info);
    void *context;
};

/* Joins the region `name` of a domain.  A name that is joined already means what it meant then;
 * hooks and flags are those of the join that mapped it.  Another name of the same object counts the
 * same join.  A second join that asks to write makes a read-only view writable, or fails with
 * EDDY_EACCES.  domain may be NULL for what eddy_join_adopt named; options, info and handle may be
 * NULL.  Errors: EDDY_EINVAL (name, map, flags, no domain), EDDY_ENOENT, EDDY_ENOTREADY (it is
 * still empty), EDDY_ELOOP (a hook of this very join, or one that waits for it, asks for it),
 * EDDY_EEXIST (joined from another domain's folder; or the attach hook returned a handle that is in
 * use: detach is called then), and those of eddy_region_attach. */
static inline int eddy_join(eddy_domain *domain, const char *name,
                            const struct eddy_join_options *options, struct eddy_join_info *info,
                            void **handle)
{
    return eddy_join_sized(domain, name, options, sizeof *options, info, handle);
}

/* Ends one join.  Errors: EDDY_EINVAL (NULL; the last leave of an adopted one), EDDY_ENOENT
 * (unknown), EDDY_ELOOP (its detach hook is running in this thread), EDDY_ESYS (unmapping failed;
 * it is left all the same), EDDY_EFORKED. */
EDDY_API int eddy_leave(void *handle);

/* Memory that the caller has, to be found and joined like a region.  Nothing is mapped. */
struct eddy_adoption {
    const char *name;
    enum eddy_map map;
    uint32_t reserved; /* zero */
    void *handle;
    void *memory;        /* aligned to a page */
    uint64_t page_bytes; /* the machine's (4, 16 or 64 KiB), or of huge pages */
    uint64_t pages;      /* at least 1 */
    eddy_domain *domain; /* to see whether the name shadows a region there; may be NULL */
};
/* Counts as one join.  Errors, the first that applies: EDDY_EINVAL for name, map, handle, memory,
 * page size, alignment, pages 0, pages too many, a range that wraps, a name that is joined, a
 * handle that is in use, memory that overlaps a join. */
static inline int eddy_join_adopt(const struct eddy_adoption *adoption)
{
    return eddy_join_adopt_sized(adoption, sizeof *adoption);
}
/* Ends it; the memory stays.  info (may be NULL) gets the last state, with 0 references.  Errors:
 * EDDY_EINVAL (NULL, unknown, not adopted, or others still have it joined), EDDY_EFORKED. */
EDDY_API int eddy_join_disown(void *handle, struct eddy_join_info *info);

/* Looking up.  info may be NULL, and is written on success only.  EDDY_ENOENT: not joined. */
EDDY_API int eddy_join_find(const char *name, struct eddy_join_info *info); /* EDDY_EINVAL: name */
EDDY_API int eddy_join_find_handle(const void *handle, struct eddy_join_info *info); /* ": NULL */
/* Any join that shares a byte with the range.  0 bytes: EDDY_ENOENT; a range that wraps:
 * EDDY_EINVAL. */
EDDY_API int eddy_join_find_address(const void *address, uint64_t bytes,
                                    struct eddy_join_info *info);

/* Copies up to `max` joins, by name, and returns how many there are. */
EDDY_API size_t eddy_join_list(struct eddy_join_info *infos, size_t max);
/* Iterates by name: info->name "" begins; EDDY_ENOENT ends.  Joins that come and go meanwhile are
 * seen or not; none is seen twice. */
EDDY_API int eddy_join_next(struct eddy_join_info *info);

#ifdef __cplusplus
}
#endif
#endif
