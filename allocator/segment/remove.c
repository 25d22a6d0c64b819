/* The end of a segment: leaving it, removing its files, counting their bytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/segment/extent.h"
#include "allocator/segment/logs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void eddy_segment_detach(struct eddy_segment *s)
{
    for (uint32_t i = 0; i < EDDY_EXTENTS_MAX; i++)
        eddy_extent_unmap(&s->extents[i]);
    for (struct eddy_extent *x = s->all_later, *next; x; x = next) {
        next = x->next;
        eddy_extent_unmap(x);
        free(x);
    }
    eddy_logs_unmap(s);
    munmap(s->control, s->control_bytes);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool eddy_segment_part(const char *name, uint64_t *magic)
{
    unsigned extent, column;
    char again[24];
    if (strspn(name, "0123456789abcdef") != EDDY_NONCE_TEXT - 1)
        return false;
    const char *end = name + EDDY_NONCE_TEXT - 1;
    int numbers = sscanf(end, ".x%5u.m%2u", &extent, &column);
    if (numbers < 1 || extent >= EDDY_EXTENTS_MAX * EDDY_TURNS_MAX ||
        (numbers == 2 && column >= EDDY_SEATS_MAX / 64))
        return false;
    /* Nothing but what Eddy prints: no sign, no zero in front, nothing behind. */
    snprintf(again, sizeof again, numbers == 2 ? ".x%u.m%u" : ".x%u", extent, column);
    if (strcmp(end, again) != 0)
        return false;
    *magic = numbers == 2 ? 0 : EDDY_MAGIC_EXTENT;
    return true;
}

struct files {
    int dir;
    const char *id;
    uint32_t readers;
    void (*visit)(int, const char *, void *);
    void *context;
};

static bool is_there(const struct files *f, uint32_t extent)
{
    char name[64];
    snprintf(name, sizeof name, "%.32s.x%u", f->id, extent);
    return faccessat(f->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* How many there are without a gap of `first`, `first` + `step`, ... */
static uint32_t count_extents(const struct files *f, uint32_t first, uint32_t step, uint32_t most)
{
    uint32_t n = 0;
    while (n < most && is_there(f, first + n * step))
        n++;
    return n;
}

static void visit_extent(const struct files *f, uint32_t extent)
{
    char name[64];
    for (uint32_t c = 1; c * 64 < f->readers; c++) {
        snprintf(name, sizeof name, "%.32s.x%u.m%u", f->id, extent, c);
        f->visit(f->dir, name, f->context);
    }
    snprintf(name, sizeof name, "%.32s.x%u", f->id, extent);
    f->visit(f->dir, name, f->context);
}

/* By their names, which follow from the segment's: a folder may hold thousands of others.  The last
 * extent comes first, also of those of one number, and the control file last: as long as a file is
 * there, those that are left can be found again. */
static void each_file(int dir, const char *id, uint32_t readers,
                      void (*visit)(int, const char *, void *), void *context)
{
    char name[64];
    const struct files f = {dir, id, readers, visit, context};
    uint32_t extents = count_extents(&f, 0, 1, EDDY_EXTENTS_MAX);
    for (uint32_t x = extents; x-- > 0;) {
        /* Only where all numbers are taken have there been others. */
        uint32_t turns = extents == EDDY_EXTENTS_MAX
                             ? count_extents(&f, x, EDDY_EXTENTS_MAX, EDDY_TURNS_MAX)
                             : 1;
        while (turns-- > 0)
            visit_extent(&f, x + turns * EDDY_EXTENTS_MAX);
    }
    EDDY_POINT("remove:parts");
    snprintf(name, sizeof name, "%.32s.seg", id);
    visit(dir, name, context);
}

static void remove_one(int dir, const char *name, void *context)
{
    if (unlinkat(dir, name, 0) == 0)
        ++*(uint32_t *)context;
}

uint32_t eddy_segment_remove(int dir, const char *id, uint32_t readers)
{
    uint32_t removed = 0;
    each_file(dir, id, readers, remove_one, &removed);
    return removed;
}

static void add_bytes(int dir, const char *name, void *context)
{
    struct stat status;
    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        *(uint64_t *)context += (uint64_t)status.st_blocks * 512;
}

uint64_t eddy_segment_bytes(int dir, const char *id, uint32_t readers)
{
    uint64_t bytes = 0;
    each_file(dir, id, readers, add_bytes, &bytes);
    return bytes;
}
