/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/ladder.h"

#include "allocator/error.h"

#include <unistd.h>

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
    _Alignas(EDDY_LINE) uint8_t header[EDDY_LADDER_HEADER_MAX];
    if (file_bytes < l->header_bytes)
        return eddy_fail(EDDY_ESEGMENT, "%s is too short (%llu bytes) to be %s; run `eddy gc`",
                         file, (unsigned long long)file_bytes, l->format->what);
    /* A copy: what is shared may change while one looks. */
    ssize_t got = pread(fd, header, l->header_bytes, 0);
    if (got < 0)
        return eddy_fail_errno("cannot read %s", file);
    if (got != (ssize_t)l->header_bytes)
        return eddy_fail(EDDY_ESEGMENT, "%s has become shorter while it was read", file);
    int error = eddy_format_check(l->format, file, (const struct eddy_head *)(void *)header, use);
    return error ? error : check_rest(l, file, header, file_bytes, object);
}
