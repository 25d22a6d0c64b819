/* eddy/locator.h - telling a participant of another middleware where shared memory is.
 *
 * The value of the DDS parameter PID_SHM_LOCATOR (0x8001: vendor-specific, and without the
 * must-understand bit, so that others skip it).  Little-endian:
 *
 *   0  host hash (FNV-1a, 32 bits)   4  uid   8  slot count   12  bytes of a slot
 *   16 length of the path with its NUL   20 path, NUL, zeros up to a multiple of 4
 *
 * Threads: any; nothing here blocks or allocates.                 spec/slots.md, "The locator"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LOCATOR_H
#define EDDY_LOCATOR_H

#include <eddy/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDDY_PID_SHM_LOCATOR   0x8001u
#define EDDY_LOCATOR_PATH_MAX  256u                               /* bytes, without the NUL */
#define EDDY_LOCATOR_BYTES_MAX (20u + EDDY_LOCATOR_PATH_MAX + 4u) /* of an encoded locator */

struct eddy_locator {
    uint32_t host_hash;
    uint32_t uid;
    uint32_t slot_count;
    uint32_t slot_size;
    char path[EDDY_LOCATOR_PATH_MAX + 1]; /* of the flink, UTF-8 */
};

/* Encodes into `buffer`; *used gets the bytes.  Errors: EDDY_ETOOBIG (path or buffer), EDDY_EINVAL
 * (the path is not UTF-8). */
EDDY_API int eddy_locator_encode(const struct eddy_locator *locator, void *buffer, size_t bytes,
                                 size_t *used);

/* Decodes what may be anything.  Errors: EDDY_EBOUNDS (truncated header, truncated string),
 * EDDY_ETOOBIG (path), EDDY_EINVAL (not UTF-8, no NUL at its end or one within). */
EDDY_API int eddy_locator_decode(const void *buffer, size_t bytes, struct eddy_locator *locator);

/* What two processes have in common that share memory: the kernel's boot, the file system of the
 * folder, the user.  Host names do not come into it. */
struct eddy_host {
    char boot[40]; /* the boot id of the kernel */
    uint64_t device;
    uint32_t uid;
    uint32_t hash;        /* of boot and device: a locator's host_hash */
    uint64_t reserved[2]; /* zero */
};

/* The identity of whoever looks at `dir` (NULL: /dev/shm).  Errors: EDDY_ENOENT, EDDY_EACCES,
 * EDDY_ESYS. */
EDDY_API int eddy_host_identity(const char *dir, struct eddy_host *identity);

/* True if host and user of a locator are these. */
EDDY_API bool eddy_locator_is_same_host(const struct eddy_locator *locator, uint32_t host_hash,
                                        uint32_t uid);

/* True if this process shares the file system of the locator's path with who made it, and the
 * user, or that folder is a group's (eddy/domain.h): attaching is worth a try. */
EDDY_API bool eddy_locator_is_local(const struct eddy_locator *locator);

/* The header that other slot allocators put before a sample: 16 bytes, little-endian. */
struct eddy_slot_header {
    uint32_t sn;
    uint32_t size;
    uint32_t reader_mask;
    uint32_t reserved;
};
#define EDDY_SLOT_HEADER_BYTES 16u
/* Errors: EDDY_EBOUNDS (fewer than 16 bytes). */
EDDY_API int eddy_slot_header_encode(const struct eddy_slot_header *header, void *buffer,
                                     size_t bytes);
EDDY_API int eddy_slot_header_decode(const void *buffer, size_t bytes,
                                     struct eddy_slot_header *header);

#ifdef __cplusplus
}
#endif
#endif
