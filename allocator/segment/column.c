/* Mask columns: one word a slot for each further 64 readers.  spec/layout.md, "Columns"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/segment/extent.h"

#include <stdio.h>
#include <unistd.h>

static int make_column(const struct eddy_segment *s, const char *name, uint64_t bytes)
{
    struct eddy_file file;
    int error = eddy_file_create(eddy_segment_dir(s), bytes, &file);
    if (error)
        return error;
    error = eddy_file_reserve(file.fd, 0, bytes, "more readers");
    if (!error)
        error = eddy_file_link(&file, name);
    eddy_file_drop(&file);
    return error == EDDY_EEXIST ? EDDY_OK : error;
}

static void *map_column(const struct eddy_segment *s, const char *name, uint64_t bytes)
{
    int fd;
    struct stat status;
    void *at = NULL;
    if (eddy_file_open(eddy_segment_dir(s), name, true, &fd, &status))
        return NULL;
    if ((uint64_t)status.st_size < bytes)
        eddy_fail(EDDY_ESEGMENT, "%s is too short; stop the programs that use it and run `eddy gc`",
                  name);
    else if (eddy_file_map(fd, 0, bytes, true, &at))
        at = NULL;
    close(fd);
    return at;
}

/* A column that was made stays. */
static bool has_column(const struct eddy_extent *x, uint32_t c)
{
    return eddy_load_relaxed(&x->header->columns) >> c & 1; /* else it is made once more */
}

_Atomic uint64_t *eddy_extent_map_column(struct eddy_segment *s, struct eddy_extent *x, uint32_t c,
                                         bool create)
{
    EDDY_UNCANCELLED;
    char name[64];
    snprintf(name, sizeof name, "%s.x%u.m%u", s->id, x->file, c);
    uint64_t bytes = eddy_page_round(x->count * 8ull);
    pthread_mutex_lock(&s->lock);
    _Atomic uint64_t *column = eddy_load_relaxed(&x->column[c]); /* set under the lock */
    if (!column && (!create || make_column(s, name, bytes) == EDDY_OK)) {
        EDDY_POINT("column:linked");
        column = map_column(s, name, bytes);
        eddy_store_release(&x->column[c], column); /* [mapped] */
    }
    pthread_mutex_unlock(&s->lock);
    EDDY_POINT("column:mapped");
    if (column && create)
        /* seq: before any bit is set in it; a claimer clears sn, then looks here. */
        eddy_or_seq(&x->header->columns, 1ull << c);
    return column;
}

static int make_in(struct eddy_segment *s, struct eddy_extent *x, uint32_t c)
{
    return has_column(x, c) || eddy_extent_column(s, x, c, true) ? EDDY_OK : EDDY_ENOMEM;
}

int eddy_extent_columns_make(struct eddy_segment *s, struct eddy_extent *x)
{
    /* acquire, from [extent], whoever entered it; seq: who joins says so there, then looks at the
     * extents.  One of us makes the column. */
    if (eddy_load_acquire(&s->control->extents[x->file % EDDY_EXTENTS_MAX]) == 0)
        return EDDY_ESEGMENT;
    uint64_t groups = eddy_load_seq(&s->control->reader_groups) & ~1ull;
    int error = EDDY_OK;
    for (; groups && !error; groups &= groups - 1)
        error = make_in(s, x, (uint32_t)__builtin_ctzll(groups));
    return error;
}

int eddy_extent_columns_clear(struct eddy_segment *s, struct eddy_extent *x)
{
    /* Relaxed, all: nobody who is to be seen has set a bit. */
    for (uint64_t left = eddy_load_relaxed(&x->header->columns) & ~1ull; left; left &= left - 1) {
        uint32_t c = (uint32_t)__builtin_ctzll(left);
        _Atomic uint64_t *column = eddy_extent_column(s, x, c, false);
        if (!column)
            return EDDY_EBUSY;
        for (uint32_t i = 0; i < x->count; i++)
            if (eddy_load_relaxed(&column[i]))
                eddy_store_relaxed(&column[i], 0u);
    }
    return EDDY_OK;
}

int eddy_columns_make(struct eddy_segment *s, uint32_t c)
{
    int error = EDDY_OK;
    /* seq, after the group's bit was set: see above. */
    for (uint32_t i = 0; i < EDDY_EXTENTS_MAX && eddy_load_seq(&s->control->extents[i]); i++) {
        struct eddy_extent *x;
        error = eddy_extent_now(s, i, &x);
        if (!error)
            error = make_in(s, x, c);
        if (error && error != EDDY_ESEGMENT) /* damaged: nobody uses it */
            return error;
    }
    return EDDY_OK;
}
