/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/ladder.h"

#include "allocator/atomic.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/layout.h"

#include <sys/mman.h>
#include <unistd.h>

uint64_t eddy_version_word(uint32_t layout)
{
    return layout | (uint64_t)EDDY_LINE << 16 | (uint64_t)sysconf(_SC_PAGESIZE) << 32;
}

static int check_version(const struct eddy_ladder *l, const char *file, uint64_t theirs)
{
    uint64_t ours = eddy_version_word(l->layout);
    if (theirs == ours)
        return EDDY_OK;
    return eddy_fail(EDDY_EVERSION,
                     "%s, %s, has layout %u, line %u, page %u; this Eddy has layout %u, line %u, "
                     "page %u; use one Eddy for all programs of a domain, or another EDDY_DIR",
                     file, l->what, (unsigned)(theirs & 0xffff), (unsigned)(theirs >> 16 & 0xffff),
                     (unsigned)(theirs >> 32), (unsigned)(ours & 0xffff),
                     (unsigned)(ours >> 16 & 0xffff), (unsigned)(ours >> 32));
}

static int check_head(const struct eddy_ladder *l, const char *file, const struct eddy_head *head)
{
    /* Relaxed: the file was linked when it was whole; who has opened it by its name has it all. */
    uint64_t magic = eddy_load_relaxed(&head->magic);
    if (magic == l->magic)
        return check_version(l, file, head->version);
    return eddy_fail(EDDY_ESEGMENT,
                     "%s is not %s (magic %016llx); stop the programs that use it and run "
                     "`eddy gc`",
                     file, l->what, (unsigned long long)magic);
}

static int check_rest(const struct eddy_ladder *l, const char *file, const void *header,
                      uint64_t file_bytes, void *object)
{
    const char *wrong = l->copy(file, header, file_bytes, object);
    if (!wrong)
        return EDDY_OK;
    return eddy_fail(EDDY_ESEGMENT,
                     "%s is damaged: its %s cannot be right; stop the programs that use it and run "
                     "`eddy gc`",
                     file, wrong);
}

int eddy_ladder_climb(const struct eddy_ladder *l, int fd, const char *file, uint64_t file_bytes,
                      void *object)
{
    void *header;
    if (file_bytes < l->header_bytes)
        return eddy_fail(EDDY_ESEGMENT, "%s is too short (%llu bytes) to be %s; run `eddy gc`",
                         file, (unsigned long long)file_bytes, l->what);
    int error = eddy_file_map(fd, 0, l->header_bytes, false, &header);
    if (error)
        return error;
    error = check_head(l, file, header);
    if (!error)
        error = check_rest(l, file, header, file_bytes, object);
    munmap(header, l->header_bytes);
    return error;
}
