/* A writer's pieces of foreign memory: which are out, and which have come back.  spec/foreign.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/sized.h"
#include "transport/foreign/foreign.h"
#include "transport/foreign/server.h"
#include "transport/topic/reclaim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define INDEX_BITS 20u /* of a memory's number; above is how many were added before */

struct memory {
    uint64_t number, bytes; /* number 0: free */
    uint32_t out;
};

/* A sample that readers may have. */
struct out {
    struct eddy_published sample;
    uint32_t memory; /* its index */
    void *piece;
};

struct eddy_exporter {
    struct eddy_writer *writer;
    struct eddy_exporter_options options;
    struct eddy_server *server;
    uint64_t number, added;
    uint32_t fork_count;
    uint32_t memory_count, memory_room, out_count, out_room;
    struct memory *memories;
    struct out *outs; /* oldest first */
};

static bool is_forked(const struct eddy_exporter *e)
{
    return e->fork_count != eddy_fork_count;
}

/* Room for one more; NULL: no memory. */
static void *make_room(void *list, uint32_t count, uint32_t *room, size_t bytes)
{
    if (count < *room)
        return list;
    uint32_t more = *room ? 2 * *room : 16;
    void *longer = reallocarray(list, more, bytes);
    if (longer)
        *room = more;
    return longer;
}

/* --- opening and closing --------------------------------------------------------------------- */

static int open_exporter(struct eddy_exporter *e)
{
    if (getrandom(&e->number, sizeof e->number, 0) != (ssize_t)sizeof e->number)
        return eddy_fail_errno("no random numbers for an exporter");
    return eddy_server_start(e->writer->domain, e->number, &e->server);
}

int eddy_exporter_open_sized(eddy_writer *writer, const struct eddy_exporter_options *options,
                             size_t options_size, eddy_exporter **exporter)
{
    EDDY_UNCANCELLED;
    struct eddy_exporter_options o;
    if (!writer || !exporter)
        return eddy_fail(EDDY_EINVAL, "eddy_exporter_open: no writer or no place for the result");
    if (writer->fork_count != eddy_fork_count || eddy_is_guest())
        return eddy_fail_forked();
    int error = EDDY_SIZED(eddy_exporter_options, o, options, options_size);
    if (!error && o.reserved)
        error = eddy_fail(EDDY_EINVAL, "options of an exporter: `reserved` is set");
    if (error)
        return error;
    struct eddy_exporter *e = calloc(1, sizeof *e);
    if (!e)
        return eddy_fail(EDDY_ENOMEM, "no memory for an exporter");
    *e = (struct eddy_exporter){.writer = writer, .options = o, .fork_count = eddy_fork_count};
    error = open_exporter(e);
    if (error) {
        free(e);
        return error;
    }
    writer->exporters++;
    *exporter = e;
    return EDDY_OK;
}

int eddy_exporter_close(eddy_exporter *e)
{
    EDDY_UNCANCELLED;
    if (!e)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    bool forked = is_forked(e);
    eddy_server_stop(e->server, forked);
    if (!forked) /* else it may be gone */
        e->writer->exporters--;
    free(e->memories);
    free(e->outs);
    free(e);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

/* --- memory ---------------------------------------------------------------------------------- */

static struct memory *find_memory(const struct eddy_exporter *e, uint64_t number)
{
    uint64_t i = number & ((1u << INDEX_BITS) - 1);
    return number != 0 && i < e->memory_count && e->memories[i].number == number ? &e->memories[i]
                                                                                 : NULL;
}

static int check_memory(int fd, uint32_t flags, enum eddy_foreign_kind *kind, uint64_t *bytes)
{
    if (flags & ~EDDY_EXPORT_UNSEALED)
        return eddy_fail(EDDY_EINVAL, "eddy_exporter_add: unknown flags 0x%x", flags);
    if (!(flags & EDDY_EXPORT_UNSEALED))
        eddy_memory_seal(fd);
    int error = eddy_memory_look(fd, kind, bytes);
    if (error || *kind != EDDY_MEMORY_UNSEALED || (flags & EDDY_EXPORT_UNSEALED))
        return error;
    return eddy_fail(EDDY_EACCES,
                     "descriptor %d could be made shorter under its readers, and cannot be sealed "
                     "against that: make a memfd with MFD_ALLOW_SEALING, or give "
                     "EDDY_EXPORT_UNSEALED, and readers EDDY_IMPORT_UNSEALED",
                     fd);
}

/* A place that is free. */
static struct memory *place_memory(struct eddy_exporter *e)
{
    for (uint32_t i = 0; i < e->memory_count; i++)
        if (e->memories[i].number == 0)
            return &e->memories[i];
    struct memory *list =
        make_room(e->memories, e->memory_count, &e->memory_room, sizeof *e->memories);
    if (!list || e->memory_count >> INDEX_BITS)
        return NULL;
    e->memories = list;
    e->memories[e->memory_count] = (struct memory){0};
    return &e->memories[e->memory_count++];
}

int eddy_exporter_add(eddy_exporter *e, int fd, uint32_t flags, uint64_t *memory)
{
    EDDY_UNCANCELLED;
    enum eddy_foreign_kind kind = EDDY_MEMORY_UNSEALED;
    uint64_t bytes;
    int reduced;
    if (is_forked(e))
        return eddy_fail_forked();
    if (!memory)
        return eddy_fail(EDDY_EINVAL, "eddy_exporter_add: no place for the result");
    int error = check_memory(fd, flags, &kind, &bytes);
    if (error)
        return error;
    struct memory *m = place_memory(e);
    if (!m)
        return eddy_fail(EDDY_ENOMEM, "no memory to export one more");
    error = eddy_memory_reduced(fd, kind, &reduced);
    if (error)
        return error;
    uint64_t number = (e->added + 1) << INDEX_BITS | (uint64_t)(m - e->memories);
    error = eddy_server_add(e->server, number, reduced);
    close(reduced);
    if (error)
        return error;
    e->added++;
    *m = (struct memory){number, bytes, 0};
    *memory = number;
    return EDDY_OK;
}

int eddy_exporter_remove(eddy_exporter *e, uint64_t memory)
{
    EDDY_UNCANCELLED;
    if (is_forked(e))
        return eddy_fail_forked();
    (void)eddy_exporter_collect(e, UINT32_MAX, EDDY_POLL);
    struct memory *m = find_memory(e, memory);
    if (!m)
        return eddy_fail(EDDY_ENOENT, "this exporter has no such memory");
    if (m->out)
        return eddy_fail(EDDY_EBUSY, "%u pieces of this memory are out; see eddy_exporter_collect",
                         m->out);
    int error = eddy_server_remove(e->server, memory);
    if (!error)
        m->number = 0;
    return error;
}

/* --- what comes back ------------------------------------------------------------------------- */

static void report(struct eddy_exporter *e, uint32_t i)
{
    struct out back = e->outs[i];
    e->out_count--;
    memmove(&e->outs[i], &e->outs[i + 1], (e->out_count - i) * sizeof *e->outs);
    e->memories[back.memory].out--;
    if (e->options.returned)
        e->options.returned(e->options.context, back.piece);
}

static void report_returned(struct eddy_exporter *e)
{
    const struct eddy_limit limit = eddy_writer_reclaim_limit(e->writer, false);
    for (uint32_t i = 0; i < e->out_count;)
        if (eddy_writer_reclaim(e->writer, &e->outs[i].sample, &limit))
            report(e, i);
        else
            i++;
}

struct collection {
    struct eddy_exporter *exporter;
    uint32_t most;
};

/* Oldest first, and not more than need be. */
static int press(void *context)
{
    struct collection *c = context;
    struct eddy_exporter *e = c->exporter;
    const struct eddy_limit limit = eddy_writer_reclaim_limit(e->writer, true);
    for (uint32_t i = 0; i < e->out_count && e->out_count > c->most;)
        if (eddy_writer_reclaim(e->writer, &e->outs[i].sample, &limit))
            report(e, i);
        else
            i++;
    return e->out_count > c->most ? EDDY_EAGAIN : EDDY_OK;
}

int eddy_exporter_collect(eddy_exporter *e, uint32_t most, uint64_t deadline)
{
    if (is_forked(e))
        return eddy_fail_forked();
    if (e->out_count > 0)
        report_returned(e);
    if (e->out_count <= most)
        return EDDY_OK;
    struct collection c = {e, most};
    return eddy_writer_await(e->writer, press, &c, deadline);
}

uint32_t eddy_exporter_out(const eddy_exporter *e)
{
    return e->out_count;
}

/* --- publishing ------------------------------------------------------------------------------ */

static int check_piece(const struct eddy_exporter *e, const struct eddy_export *what)
{
    const struct memory *m = find_memory(e, what->memory);
    if (!m)
        return eddy_fail(EDDY_ENOENT, "this exporter has no such memory");
    if (what->size > m->bytes || what->offset > m->bytes - what->size)
        return eddy_fail(EDDY_ETOOBIG, "a piece of %llu bytes at %llu is not within memory of %llu",
                         (unsigned long long)what->size, (unsigned long long)what->offset,
                         (unsigned long long)m->bytes);
    if (!what->data && what->data_size)
        return eddy_fail(EDDY_EINVAL, "eddy_exporter_publish: a size, but no data");
    return EDDY_OK;
}

static int publish(struct eddy_exporter *e, const struct eddy_export *what,
                   const struct eddy_publication *publication, uint64_t deadline,
                   struct eddy_loan *loan)
{
    const struct eddy_loan_options shape = {.size = what->data_size,
                                            .alignment = EDDY_LINE,
                                            .header_size = sizeof(struct eddy_foreign_record)};
    int error = eddy_writer_loan_with(e->writer, &shape, deadline, loan);
    if (error)
        return error;
    const struct eddy_foreign_record record = {.magic = EDDY_RECORD_MAGIC,
                                               .exporter = e->number,
                                               .memory = what->memory,
                                               .offset = what->offset,
                                               .size = what->size};
    memcpy(loan->header, &record, sizeof record);
    if (what->data_size)
        memcpy(loan->data, what->data, what->data_size);
    error = eddy_writer_publish_with(e->writer, loan, what->data_size, publication, deadline);
    if (error)
        eddy_writer_discard(e->writer, loan);
    return error;
}

static void note_out(struct eddy_exporter *e, const struct eddy_export *what,
                     const struct eddy_loan *loan)
{
    struct memory *m = find_memory(e, what->memory);
    m->out++;
    e->outs[e->out_count++] = (struct out){eddy_writer_published(e->writer, loan),
                                           (uint32_t)(m - e->memories), what->piece};
}

int eddy_exporter_publish_sized(eddy_exporter *e, const struct eddy_export *given,
                                size_t given_size, const struct eddy_publication *publication,
                                size_t publication_size, uint64_t deadline)
{
    struct eddy_export what;
    struct eddy_publication with;
    struct eddy_loan loan;
    if (is_forked(e))
        return eddy_fail_forked();
    int error = EDDY_SIZED(eddy_export, what, given, given_size);
    if (!error)
        error = eddy_publication_take(publication, publication_size, &with);
    if (!error)
        error = check_piece(e, &what);
    if (!error)
        error = eddy_exporter_collect(e, e->options.limit ? e->options.limit - 1 : UINT32_MAX,
                                      deadline);
    if (error)
        return error;
    struct out *list = make_room(e->outs, e->out_count, &e->out_room, sizeof *e->outs);
    if (!list)
        return eddy_fail(EDDY_ENOMEM, "no memory to remember one more piece");
    e->outs = list;
    error = publish(e, &what, &with, deadline, &loan);
    if (!error)
        note_out(e, &what, &loan);
    return error;
}
