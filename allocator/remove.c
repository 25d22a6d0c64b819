/* The end of a segment: leaving it, removing its files, counting their bytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/extent.h"
#include "allocator/file.h"

#include <dirent.h>
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
    munmap(s->control, s->control_bytes);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Calls visit(dir, name, context) for each file of segment `id`, the control file last: as long as
 * it is there, the others can be found again. */
static void each_file(int dir, const char *id, void (*visit)(int, const char *, void *),
                      void *context)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (!list) {
        if (copy >= 0)
            close(copy);
        return;
    }
    char control[48];
    snprintf(control, sizeof control, "%.32s.seg", id);
    for (struct dirent *e; (e = readdir(list)) != NULL;)
        if (strncmp(e->d_name, id, 32) == 0 && e->d_name[32] == '.' &&
            strcmp(e->d_name, control) != 0)
            visit(dir, e->d_name, context);
    closedir(list);
    visit(dir, control, context);
}

static void remove_one(int dir, const char *name, void *context)
{
    if (unlinkat(dir, name, 0) == 0)
        ++*(uint32_t *)context;
}

uint32_t eddy_segment_remove(int dir, const char *id)
{
    uint32_t removed = 0;
    each_file(dir, id, remove_one, &removed);
    return removed;
}

static void add_bytes(int dir, const char *name, void *context)
{
    struct stat status;
    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        *(uint64_t *)context += (uint64_t)status.st_blocks * 512;
}

uint64_t eddy_segment_bytes(int dir, const char *id)
{
    uint64_t bytes = 0;
    each_file(dir, id, add_bytes, &bytes);
    return bytes;
}
