/* standin_store.c - how samples come to a reader, and what becomes of their loans; see standin.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "standin_inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is serialized is copied into one of these. */
struct copy {
    struct psmx_loan psmx;
    struct psmx_metadata meta;
    _Alignas(16) unsigned char data[];
};

atomic_uint standin_lag;
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct standin_cached *kept; /* under kept_lock: to be freed by standin_sweep */

/* --- loans ------------------------------------------------------------------------------------ */

void standin_free(struct psmx_loan *loan)
{
    if (atomic_fetch_sub(&loan->references, 1) == 1)
        loan->free(loan);
}

static void free_copy(struct psmx_loan *loan)
{
    free((struct copy *)loan);
}

void standin_keep(struct standin_cached *cached)
{
    pthread_mutex_lock(&kept_lock);
    cached->next = kept;
    kept = cached;
    pthread_mutex_unlock(&kept_lock);
}

void standin_sweep(void)
{
    pthread_mutex_lock(&kept_lock);
    struct standin_cached *all = kept;
    kept = NULL;
    pthread_mutex_unlock(&kept_lock);
    for (struct standin_cached *next; all != NULL; all = next) {
        next = all->next;
        standin_free(all->loan);
        free(all);
    }
}

/* --- a reader's cache ------------------------------------------------------------------------- */

/* With the reader's cache_lock held, as what it overwrites is freed under a lock of the cache. */
static void drop_oldest(struct standin_reader *r)
{
    struct standin_cached *oldest = r->first;
    r->first = oldest->next;
    r->last = r->first == NULL ? NULL : r->last;
    r->count--;
    standin_free(oldest->loan);
    free(oldest);
}

/* A serialized sample is looked through and corrected in place, then copied. */
static struct psmx_loan *copy_of(const struct psmx_loan *loan)
{
    struct copy *copy = malloc(sizeof *copy + loan->metadata->size);
    unsigned char *data = loan->data;
    if (copy == NULL)
        return NULL;
    for (uint32_t i = 0; i < loan->metadata->size; i += 64)
        ((volatile unsigned char *)data)[i] = data[i];
    copy->psmx = (struct psmx_loan){.free = free_copy, .references = 1};
    copy->meta = *loan->metadata;
    memcpy(copy->data, data, loan->metadata->size);
    copy->psmx.metadata = &copy->meta;
    copy->psmx.data = copy->data;
    return &copy->psmx;
}

static struct psmx_loan *kept_form(struct psmx_loan *loan)
{
    if (loan->metadata->state == PSMX_STATE_SERIALIZED_DATA)
        return copy_of(loan);
    atomic_fetch_add(&loan->references, 1);
    return loan;
}

static int32_t keep(struct standin_reader *r, struct psmx_loan *loan)
{
    struct standin_cached *cached = malloc(sizeof *cached);
    int32_t result = PSMX_ERROR;
    pthread_mutex_lock(&r->cache_lock);
    if (cached != NULL && (r->qos.limit == 0 || r->count < r->qos.limit)) {
        *cached = (struct standin_cached){NULL, kept_form(loan)};
        *(r->last != NULL ? &r->last->next : &r->first) = cached;
        r->last = cached;
        r->count++;
        while (!r->qos.keeps_all && r->count > (r->qos.depth > 0 ? r->qos.depth : 1))
            drop_oldest(r);
        result = PSMX_OK;
    } else {
        free(cached);
    }
    pthread_mutex_unlock(&r->cache_lock);
    return result;
}

struct psmx_loan *standin_take(struct standin_reader *r)
{
    struct psmx_loan *loan = NULL;
    pthread_mutex_lock(&r->cache_lock);
    if (r->first != NULL) {
        loan = r->first->loan;
        atomic_fetch_add(&loan->references, 1);
        drop_oldest(r);
    }
    pthread_mutex_unlock(&r->cache_lock);
    return loan;
}

/* --- store ------------------------------------------------------------------------------------ */

static bool is_here(const struct psmx_guid *writer)
{
    pid_t mine = getpid();
    return memcmp(writer, &mine, sizeof mine) == 0;
}

struct standin_domain *standin_domain_of(const struct psmx_guid *writer)
{
    pthread_mutex_lock(&standin_all);
    struct standin_writer *w = standin_writers;
    while (w != NULL && memcmp(&w->me, writer, sizeof *writer) != 0)
        w = w->next;
    struct standin_domain *domain = w != NULL ? w->domain : NULL;
    pthread_mutex_unlock(&standin_all);
    return domain;
}

/* It has been asked for often enough.  Those of other processes are known from then on. */
static bool is_found(struct standin_reader *r, const struct psmx_guid *writer)
{
    struct standin_asked *a = r->asked;
    while (a != NULL && memcmp(&a->writer, writer, sizeof *writer) != 0)
        a = a->next;
    if (a == NULL && (a = calloc(1, sizeof *a)) != NULL) {
        a->writer = *writer;
        a->next = r->asked;
        r->asked = a;
    }
    return a != NULL && a->times++ >= atomic_load(&standin_lag);
}

static int32_t store(struct standin_reader *r, struct psmx_loan *loan, bool of_anybody)
{
    const struct psmx_guid *writer = &loan->metadata->writer;
    struct standin_domain *domain = standin_domain_of(writer);
    if (domain == r->entity.domain)
        return PSMX_OK;
    if (!of_anybody && ((domain == NULL && is_here(writer)) || !is_found(r, writer)))
        return PSMX_NOT_FOUND;
    int32_t result = keep(r, loan);
    if (result == PSMX_OK && r->listener != NULL)
        r->listener(r, r->argument);
    return result;
}

static int32_t pin_and_store(int32_t reader, struct psmx_loan *loan, bool of_anybody)
{
    struct standin_entity *entity = standin_pin(reader);
    if (entity == NULL)
        return PSMX_ALREADY_DELETED;
    struct standin_reader *r = (struct standin_reader *)entity;
    pthread_mutex_lock(&r->lock);
    int32_t result = store(r, loan, of_anybody);
    pthread_mutex_unlock(&r->lock);
    standin_unpin(entity);
    return result;
}

int32_t dds_reader_store_loaned_sample(int32_t reader, struct psmx_loan *loan)
{
    return pin_and_store(reader, loan, false);
}

int32_t dds_reader_store_loaned_sample_wr_metadata(int32_t reader, struct psmx_loan *loan,
                                                   int32_t strength, bool autodispose,
                                                   int64_t lifespan)
{
    (void)strength, (void)autodispose, (void)lifespan;
    return pin_and_store(reader, loan, true);
}
