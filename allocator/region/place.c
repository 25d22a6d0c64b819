/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/region/place.h"

#include "allocator/error.h"
#include "allocator/file.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>

#define RANDOM_TRIES 1000
#define LOWEST       (UINT64_C(1) << 20) /* below lies what is for the kernel to guard */

/* MAP_NORESERVE: it is never to be filled with memory of the process's own. */
static void *set_aside(void *hint, uint64_t bytes, int how)
{
    return mmap(hint, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | how, -1, 0);
}

/* --- where ----------------------------------------------------------------------------------- */

/* Sets more aside and gives back what is before and behind. */
static uint8_t *reserve_aligned(uint64_t bytes, uint64_t align)
{
    uint8_t *at = set_aside(NULL, bytes + align, 0);
    if (at == MAP_FAILED)
        return NULL;
    uint64_t before = (align - ((uintptr_t)at & (align - 1))) & (align - 1);
    if (before)
        munmap(at, before);
    munmap(at + before + bytes, align - before);
    return at + before;
}

/* NULL: not there. */
static uint8_t *reserve_at(uint64_t address, uint64_t bytes)
{
    uint8_t *wanted = (uint8_t *)(uintptr_t)address; /* NOLINT(performance-no-int-to-ptr) */
    void *at = set_aside(wanted, bytes, MAP_FIXED_NOREPLACE);
    if (at != MAP_FAILED && at != wanted) { /* kernels before 4.17 take the address for a wish */
        munmap(at, bytes);
        errno = EEXIST;
        return NULL;
    }
    return at == MAP_FAILED ? NULL : at;
}

/* Addresses end below this: the kernel hands out the highest ones first. */
static uint64_t end_of_addresses(const uint8_t *found, uint64_t bytes)
{
    uint64_t last = (uintptr_t)found + bytes - 1;
    return UINT64_C(1) << (64 - __builtin_clzll(last));
}

/* What the kernel chose serves to learn how far addresses go, and that there is room at all.  What
 * fails then is the address, so another is tried; but for memory, of which there is no more. */
static uint8_t *reserve_random(uint64_t bytes, uint64_t align, uint8_t *found)
{
    uint64_t end = end_of_addresses(found, bytes), random;
    if (end < LOWEST + bytes + 2 * align)
        return found;
    munmap(found, bytes);
    for (int tries = 0; tries < RANDOM_TRIES; tries++) {
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            break;
        uint64_t room = end - LOWEST - bytes - 2 * align;
        uint8_t *at = reserve_at((LOWEST + random % (room + 1) + align - 1) & ~(align - 1), bytes);
        if (at || errno == ENOMEM)
            return at ? at : reserve_aligned(bytes, align);
    }
    return reserve_aligned(bytes, align);
}

int eddy_place_reserve(uint64_t bytes, uint64_t align, bool random, struct eddy_place *place)
{
    uint64_t page = eddy_page_round(1), whole = eddy_page_round(bytes);
    if (align < page)
        align = page;
    bool sane = whole >= bytes && whole > 0 && whole <= UINT64_MAX - align;
    uint8_t *at = sane ? reserve_aligned(whole, align) : NULL;
    if (at && random)
        at = reserve_random(whole, align, at);
    if (!at)
        return eddy_fail(EDDY_ENOMEM,
                         "no address space for %llu bytes (see ulimit -v); ask for less",
                         (unsigned long long)bytes);
    *place = (struct eddy_place){at, whole};
    return EDDY_OK;
}

/* --- what ------------------------------------------------------------------------------------ */

/* A mapping in place that fails may have taken away what was there, and another thread's may have
 * come to lie in the gap.  If the gap can be filled, all is as before; if not, whose it is cannot
 * be known, so it is left alone and the place ends before it. */
static void mend(struct eddy_place *place, const struct eddy_place_part *part)
{
    uint64_t end = part->offset + part->bytes;
    if (reserve_at((uintptr_t)place->base + part->offset, part->bytes))
        return;
    if (end < place->bytes)
        munmap(place->base + end, place->bytes - end);
    place->bytes = part->offset;
}

/* The first page, somewhere else: shows whether this file may be mapped before anything in the
 * place is touched.  Leaves errno. */
static bool may_map(int fd, const struct eddy_place_part *part, int rights)
{
    uint64_t bytes = part->page ? part->page : eddy_page_round(1);
    void *probe = mmap(NULL, bytes, rights, MAP_SHARED, fd, (off_t)part->offset);
    return probe != MAP_FAILED && munmap(probe, bytes) == 0;
}

static int fail_map(const struct eddy_place_part *part)
{
    return eddy_fail_errno("cannot map %llu bytes of shared memory (see vm.max_map_count, ulimit "
                           "-v)",
                           (unsigned long long)part->bytes);
}

int eddy_place_map(struct eddy_place *place, int fd, const struct eddy_place_part *part)
{
    int rights = part->writable ? PROT_READ | PROT_WRITE : PROT_READ;
    if (!may_map(fd, part, rights))
        return fail_map(part);
    void *at = mmap(place->base + part->offset, part->bytes, rights, MAP_SHARED | MAP_FIXED, fd,
                    (off_t)part->offset);
    if (at != MAP_FAILED)
        return EDDY_OK;
    int error = fail_map(part);
    mend(place, part);
    return error;
}

void eddy_place_free(struct eddy_place *place)
{
    if (place->bytes)
        munmap(place->base, place->bytes);
    *place = (struct eddy_place){0};
}
