/* Memory of others, mapped here.  spec/foreign.md, "What is believed"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/foreign/importer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct eddy_imported **bucket_of(const struct eddy_importer *i,
                                        const struct eddy_imported_key *key)
{
    uint64_t hash =
        (key->memory ^ key->exporter ^ key->memory >> 20) * UINT64_C(0x9e3779b97f4a7c15);
    return (struct eddy_imported **)&i->buckets[hash >> 58 & (EDDY_IMPORT_BUCKETS - 1)];
}

struct eddy_imported *eddy_imported_find(const struct eddy_importer *i,
                                         const struct eddy_imported_key *key)
{
    struct eddy_imported *m = *bucket_of(i, key);
    while (m && (m->key.memory != key->memory || m->key.exporter != key->exporter ||
                 m->key.participant != key->participant))
        m = m->next;
    return m;
}

struct eddy_imported *eddy_imported_make(struct eddy_importer *i,
                                         const struct eddy_imported_key *key)
{
    struct eddy_imported **bucket = bucket_of(i, key), *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    *m =
        (struct eddy_imported){.next = *bucket, .importer = i, .key = *key, .file = EDDY_KEPT_NONE};
    *bucket = m;
    return m;
}

static int check_kind(const struct eddy_imported *m)
{
    if (m->kind != EDDY_MEMORY_UNSEALED || (m->importer->flags & EDDY_IMPORT_UNSEALED))
        return EDDY_OK;
    return eddy_fail(EDDY_EACCES, "memory that came could be made shorter while it is read: "
                                  "EDDY_IMPORT_UNSEALED takes that, too");
}

static int map(struct eddy_imported *m, int fd)
{
    const struct eddy_importer *i = m->importer;
    if (m->bytes > i->limit || i->mapped > i->limit - m->bytes)
        return eddy_fail(EDDY_ELIMIT,
                         "memory of %llu bytes besides %llu is more than the importer's limit",
                         (unsigned long long)m->bytes, (unsigned long long)i->mapped);
    void *base = mmap(NULL, m->bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED && errno == ENOMEM)
        return eddy_fail(EDDY_ENOMEM, "no room to map memory of %llu bytes",
                         (unsigned long long)m->bytes);
    if (base == MAP_FAILED)
        return eddy_fail_errno("cannot map memory of another (see EDDY_IMPORT_UNMAPPED)");
    m->base = base;
    m->importer->mapped += m->bytes;
    return EDDY_OK;
}

int eddy_imported_admit(struct eddy_imported *m, int fd)
{
    bool unmapped = m->importer->flags & EDDY_IMPORT_UNMAPPED;
    int error = eddy_memory_look(fd, &m->kind, &m->bytes);
    if (!error)
        error = check_kind(m);
    if (!error && !unmapped)
        error = map(m, fd);
    if (!error && (unmapped || m->kind == EDDY_MEMORY_DMABUF))
        eddy_kept_begin(&m->file, fd, NULL, 0);
    else
        close(fd);
    m->is_here = !error;
    return error;
}

void eddy_imported_free(struct eddy_imported *m)
{
    struct eddy_imported **at = bucket_of(m->importer, &m->key);
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    if (m->base) {
        munmap(m->base, m->bytes);
        m->importer->mapped -= m->bytes;
    }
    eddy_kept_end(&m->file);
    free(m);
}

void eddy_imported_end(struct eddy_imported *m)
{
    m->is_gone = true;
    if (m->uses == 0)
        eddy_imported_free(m);
}
