/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/ladder.h"

#include "allocator/error.h"
#include "allocator/file.h"

#include <sys/mman.h>

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

int eddy_ladder_climb(const struct eddy_ladder *l, enum eddy_use use, int fd, const char *file,
                      uint64_t file_bytes, void *object)
{
    void *header;
    if (file_bytes < l->header_bytes)
        return eddy_fail(EDDY_ESEGMENT, "%s is too short (%llu bytes) to be %s; run `eddy gc`",
                         file, (unsigned long long)file_bytes, l->format->what);
    int error = eddy_file_map(fd, 0, l->header_bytes, false, &header);
    if (error)
        return error;
    error = eddy_format_check(l->format, file, header, use);
    if (!error)
        error = check_rest(l, file, header, file_bytes, object);
    munmap(header, l->header_bytes);
    return error;
}
