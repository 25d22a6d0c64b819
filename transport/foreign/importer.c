/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/foreign/importer.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/sized.h"

#include <stdlib.h>
#include <string.h>

/* --- opening and closing --------------------------------------------------------------------- */

static void count_handle(struct eddy_domain *d, int change)
{
    pthread_mutex_lock(&d->lock);
    d->handles += (uint32_t)change;
    pthread_mutex_unlock(&d->lock);
}

int eddy_importer_open_sized(eddy_domain *domain, const struct eddy_importer_options *options,
                             size_t options_size, eddy_importer **importer)
{
    EDDY_UNCANCELLED;
    struct eddy_importer_options o;
    if (!domain || !importer)
        return eddy_fail(EDDY_EINVAL, "eddy_importer_open: no domain or no place for the result");
    if (eddy_domain_forked(domain) || eddy_is_guest())
        return eddy_fail_forked();
    int error = EDDY_SIZED(eddy_importer_options, o, options, options_size);
    if (!error && ((o.flags & ~(EDDY_IMPORT_UNSEALED | EDDY_IMPORT_UNMAPPED)) || o.reserved))
        error = eddy_fail(EDDY_EINVAL, "unknown flags %#x of an importer, or `reserved` is set",
                          o.flags);
    if (error)
        return error;
    struct eddy_importer *i = calloc(1, sizeof *i);
    if (!i)
        return eddy_fail(EDDY_ENOMEM, "no memory for an importer");
    i->domain = domain;
    i->flags = o.flags;
    i->limit = o.limit_bytes ? o.limit_bytes : UINT64_MAX;
    i->fork_count = eddy_fork_enter();
    count_handle(domain, 1);
    *importer = i;
    return EDDY_OK;
}

static bool is_forked(const struct eddy_importer *i)
{
    return i->fork_count != eddy_fork_count;
}

int eddy_importer_close(eddy_importer *i)
{
    EDDY_UNCANCELLED;
    if (!i)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    bool forked = is_forked(i);
    for (uint32_t b = 0; b < EDDY_IMPORT_BUCKETS; b++)
        while (i->buckets[b])
            eddy_imported_free(i->buckets[b]);
    for (struct eddy_peer *p = i->peers, *next; p; p = next) {
        next = p->next;
        eddy_kept_end(&p->connection);
        free(p);
    }
    if (!forked)
        count_handle(i->domain, -1);
    free(i);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

/* --- mapping --------------------------------------------------------------------------------- */

/* Looked at once: a copy. */
static int read_record(const struct eddy_sample *sample, struct eddy_foreign_record *record)
{
    if (sample->header && sample->header_size == sizeof *record) {
        memcpy(record, sample->header, sizeof *record);
        if (record->magic == EDDY_RECORD_MAGIC)
            return EDDY_OK;
    }
    return eddy_fail(EDDY_EINVAL, "sample %llu stands for no memory of others",
                     (unsigned long long)sample->sn);
}

static int check_piece(const struct eddy_foreign_record *record, const struct eddy_imported *m)
{
    if (record->size <= m->bytes && record->offset <= m->bytes - record->size)
        return EDDY_OK;
    return eddy_fail(EDDY_ESEGMENT, "a piece of %llu bytes at %llu is not within memory of %llu",
                     (unsigned long long)record->size, (unsigned long long)record->offset,
                     (unsigned long long)m->bytes);
}

/* A dma-buf is read between two calls that say so. */
static int sync_piece(const struct eddy_imported *m, bool begins)
{
    if (m->kind != EDDY_MEMORY_DMABUF || !m->base)
        return EDDY_OK;
    return eddy_memory_sync(eddy_kept_fd(&m->file), begins);
}

static int use(struct eddy_imported *m, const struct eddy_foreign_record *record,
               struct eddy_import *import)
{
    int error = check_piece(record, m);
    if (!error)
        error = sync_piece(m, true);
    if (error)
        return error;
    m->uses++;
    import->data = m->base ? (const uint8_t *)m->base + record->offset : NULL;
    import->size = record->size;
    import->offset = record->offset;
    import->fd = eddy_kept_fd(&m->file);
    import->inside = m;
    return EDDY_OK;
}

/* The program has closed a descriptor that is needed: it is asked for once more. */
static struct eddy_imported *with_file(struct eddy_imported *m)
{
    if (!m || !m->is_here || m->uses > 0 || (m->base && m->kind != EDDY_MEMORY_DMABUF) ||
        eddy_kept_fd(&m->file) >= 0)
        return m;
    eddy_imported_free(m);
    return NULL;
}

int eddy_importer_map(eddy_importer *i, const struct eddy_sample *sample, uint64_t deadline,
                      struct eddy_import *import)
{
    EDDY_UNCANCELLED;
    struct eddy_foreign_record record = {0};
    if (is_forked(i))
        return eddy_fail_forked();
    int error = read_record(sample, &record);
    if (error)
        return error;
    const struct eddy_imported_key key = {sample->source, record.exporter, record.memory};
    struct eddy_imported *m = with_file(eddy_imported_find(i, &key));
    if (!m || !m->is_here) {
        eddy_importer_hear(i);
        error = eddy_importer_ask(i, &key, deadline, &m);
    }
    return error ? error : use(m, &record, import);
}

int eddy_importer_unmap(eddy_importer *i, struct eddy_import *import)
{
    EDDY_UNCANCELLED;
    if (is_forked(i))
        return eddy_fail_forked();
    struct eddy_imported *m = import->inside;
    if (!m)
        return eddy_fail(EDDY_ESTALE, "this import was unmapped already");
    import->inside = NULL;
    import->data = NULL;
    int error = sync_piece(m, false);
    m->uses--;
    if (m->uses == 0 && m->is_gone)
        eddy_imported_free(m);
    return error;
}

int eddy_importer_trim(eddy_importer *i, uint64_t *bytes)
{
    EDDY_UNCANCELLED;
    if (is_forked(i))
        return eddy_fail_forked();
    eddy_importer_hear(i);
    if (bytes)
        *bytes = i->mapped;
    return EDDY_OK;
}
