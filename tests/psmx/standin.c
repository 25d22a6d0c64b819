/* standin.c - domains, readers and writers; see standin.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "standin_inside.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RAW         0x00c0u /* cdr_identifier of what is not serialized */
#define CDR         0x0001u
#define KEPT_ONE_IN 8u

int32_t eddy_create_psmx(struct psmx_instance **instance, uint32_t identifier, const char *config);

pthread_mutex_t standin_all = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t unpinned = PTHREAD_COND_INITIALIZER, ended = PTHREAD_COND_INITIALIZER;
struct standin_entity *standin_entities;
struct standin_writer *standin_writers;
static unsigned domains; /* under standin_all, as the next */
static bool is_ending;

/* --- handles ---------------------------------------------------------------------------------- */

void standin_enter(struct standin_entity *entity, enum standin_kind kind,
                   struct standin_domain *domain)
{
    static int32_t last;
    pthread_mutex_lock(&standin_all);
    *entity = (struct standin_entity){
        .next = standin_entities, .handle = ++last, .kind = kind, .domain = domain};
    standin_entities = entity;
    pthread_mutex_unlock(&standin_all);
}

void standin_leave(struct standin_entity *entity)
{
    pthread_mutex_lock(&standin_all);
    entity->is_closed = true;
    while (entity->pins > 0)
        pthread_cond_wait(&unpinned, &standin_all);
    struct standin_entity **at = &standin_entities;
    while (*at != entity)
        at = &(*at)->next;
    *at = entity->next;
    pthread_mutex_unlock(&standin_all);
}

struct standin_entity *standin_pin(int32_t handle)
{
    pthread_mutex_lock(&standin_all);
    struct standin_entity *e = standin_entities;
    while (e != NULL && (e->handle != handle || e->is_closed))
        e = e->next;
    if (e != NULL)
        e->pins++;
    pthread_mutex_unlock(&standin_all);
    return e;
}

void standin_unpin(struct standin_entity *entity)
{
    pthread_mutex_lock(&standin_all);
    if (--entity->pins == 0)
        pthread_cond_broadcast(&unpinned);
    pthread_mutex_unlock(&standin_all);
}

/* --- domains ---------------------------------------------------------------------------------- */

struct standin_domain *standin_domain_open(uint32_t number, const char *config, int32_t *result)
{
    struct standin_domain *d = calloc(1, sizeof *d);
    *result = PSMX_OUT_OF_RESOURCES;
    if (d == NULL)
        return NULL;
    *result = eddy_create_psmx(&d->psmx, number, config);
    if (*result != PSMX_OK) {
        free(d);
        return NULL;
    }
    d->number = number;
    d->psmx->id = number;
    d->psmx->name = "eddy";
    standin_enter(&d->participant, STANDIN_PARTICIPANT, d);
    pthread_mutex_lock(&standin_all);
    domains++;
    pthread_mutex_unlock(&standin_all);
    return d;
}

static struct standin_entity *builtin_of(struct standin_domain *domain)
{
    pthread_mutex_lock(&standin_all);
    struct standin_entity *e = standin_entities;
    while (e != NULL && (e->kind != STANDIN_BUILTIN || e->domain != domain))
        e = e->next;
    int32_t handle = e != NULL ? e->handle : 0;
    pthread_mutex_unlock(&standin_all);
    return handle != 0 ? standin_pin(handle) : NULL;
}

bool standin_hears(struct standin_domain *domain)
{
    struct standin_entity *builtin = builtin_of(domain);
    if (builtin != NULL)
        standin_unpin(builtin);
    return builtin != NULL;
}

bool standin_is_ending(void)
{
    pthread_mutex_lock(&standin_all);
    bool is = is_ending;
    pthread_mutex_unlock(&standin_all);
    return is;
}

void standin_await_end(void)
{
    pthread_mutex_lock(&standin_all);
    while (is_ending)
        pthread_cond_wait(&ended, &standin_all);
    pthread_mutex_unlock(&standin_all);
}

static void set_ending(bool is)
{
    pthread_mutex_lock(&standin_all);
    domains -= is;
    is_ending = is && domains == 0;
    pthread_cond_broadcast(&ended);
    pthread_mutex_unlock(&standin_all);
}

/* The participant goes with all that it has, then the plug-in is deleted. */
void standin_domain_close(struct standin_domain *domain)
{
    set_ending(true);
    standin_leave(&domain->participant);
    for (struct standin_entity *e; (e = builtin_of(domain)) != NULL;) {
        int32_t handle = e->handle;
        standin_unpin(e);
        (void)dds_delete(handle);
    }
    domain->psmx->ops.delete_instance(domain->psmx);
    set_ending(false);
    free(domain);
}

int32_t standin_participant(const struct standin_domain *domain)
{
    return domain->participant.handle;
}

/* --- topics and endpoints --------------------------------------------------------------------- */

/* Each endpoint has a topic of its own: one name comes to the plug-in several times. */
static struct psmx_topic *new_topic(struct standin_domain *d, const char *name,
                                    const struct psmx_qos *qos, enum psmx_role role)
{
    const psmx_properties properties = PSMX_TYPE_IS_PLAIN;
    struct psmx_instance *psmx = d->psmx;
    if (!psmx->ops.supports(psmx, PSMX_TOPIC, properties, qos) ||
        !psmx->ops.supports(psmx, role, properties, qos))
        return NULL;
    struct psmx_topic *topic = psmx->ops.create_topic(psmx, name, "Type", properties, NULL, 64);
    if (topic != NULL) {
        topic->instance = psmx;
        topic->name = name;
        topic->properties = properties;
    }
    return topic;
}

static void delete_topic(struct psmx_topic *topic)
{
    (void)topic->instance->ops.delete_topic(topic);
}

static struct psmx_endpoint *new_endpoint(struct standin_domain *d, const char *name,
                                          const struct psmx_qos *qos, enum psmx_role role)
{
    struct psmx_topic *topic = new_topic(d, name, qos, role);
    if (topic == NULL)
        return NULL;
    struct psmx_endpoint *endpoint = topic->ops.create_endpoint(topic, qos, role);
    if (endpoint == NULL) {
        delete_topic(topic);
        return NULL;
    }
    endpoint->topic = topic;
    endpoint->role = role;
    return endpoint;
}

static void delete_endpoint(struct psmx_endpoint *endpoint)
{
    struct psmx_topic *topic = endpoint->topic;
    (void)topic->ops.delete_endpoint(endpoint);
    delete_topic(topic);
}

/* --- readers ---------------------------------------------------------------------------------- */

struct standin_reader *standin_reader_open(struct standin_domain *domain, const char *topic,
                                           const struct psmx_qos *qos, standin_listener *listener,
                                           void *argument)
{
    struct standin_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->endpoint = new_endpoint(domain, topic, qos, PSMX_READER);
    if (r->endpoint == NULL) {
        free(r);
        return NULL;
    }
    r->qos = *qos;
    r->listener = listener;
    r->argument = argument;
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->cache_lock, NULL);
    standin_enter(&r->entity, STANDIN_READER, domain);
    (void)r->endpoint->ops.on_data_available(r->endpoint, r->entity.handle);
    return r;
}

/* Half of the cache goes before the plug-in hears of it, half some time after. */
void standin_reader_close(struct standin_reader *r)
{
    standin_leave(&r->entity);
    for (bool now = true; r->first != NULL; now = !now) {
        struct standin_cached *oldest = r->first;
        r->first = oldest->next;
        if (!now) {
            standin_keep(oldest);
            continue;
        }
        standin_free(oldest->loan);
        free(oldest);
    }
    delete_endpoint(r->endpoint);
    for (struct standin_asked *a = r->asked, *next; a != NULL; a = next) {
        next = a->next;
        free(a);
    }
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->cache_lock);
    free(r);
}

/* --- writers ---------------------------------------------------------------------------------- */

/* The process, the domain, and a number. */
static struct psmx_guid new_guid(uint32_t domain)
{
    static atomic_uint last;
    struct psmx_guid guid = {{0}};
    uint32_t words[] = {(uint32_t)getpid(), domain, atomic_fetch_add(&last, 1) + 1};
    memcpy(&guid, words, sizeof words);
    return guid;
}

struct standin_writer *standin_writer_open(struct standin_domain *domain, const char *topic,
                                           const struct psmx_qos *qos)
{
    struct standin_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->endpoint = new_endpoint(domain, topic, qos, PSMX_WRITER);
    if (w->endpoint == NULL) {
        free(w);
        return NULL;
    }
    w->domain = domain;
    w->me = new_guid(domain->number);
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_lock(&standin_all);
    w->next = standin_writers;
    standin_writers = w;
    pthread_mutex_unlock(&standin_all);
    standin_tell(domain, true, &w->me, true);
    standin_tell(domain, false, &w->me, true);
    return w;
}

struct psmx_loan *standin_loan(struct standin_writer *w, uint32_t size)
{
    pthread_mutex_lock(&w->lock);
    struct psmx_loan *loan = w->endpoint->ops.request_loan(w->endpoint, size);
    if (loan != NULL) {
        loan->origin = PSMX_ORIGIN_PSMX;
        loan->endpoint = w->endpoint;
        atomic_init(&loan->references, 1);
        *loan->metadata = (struct psmx_metadata){.size = size};
    }
    pthread_mutex_unlock(&w->lock);
    return loan;
}

static int64_t time_of_day(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int32_t standin_write(struct standin_writer *w, struct psmx_loan *loan, bool is_raw)
{
    struct standin_cached *cached = NULL;
    pthread_mutex_lock(&w->lock);
    struct psmx_metadata *meta = loan->metadata;
    meta->state = is_raw ? PSMX_STATE_RAW_DATA : PSMX_STATE_SERIALIZED_DATA;
    meta->writer = w->me;
    meta->timestamp = time_of_day();
    meta->cdr_identifier = is_raw ? RAW : CDR;
    int32_t result = w->endpoint->ops.write(w->endpoint, loan);
    if (++w->written % KEPT_ONE_IN == 0)
        cached = malloc(sizeof *cached);
    pthread_mutex_unlock(&w->lock);
    if (cached == NULL) {
        standin_free(loan);
    } else {
        cached->loan = loan;
        standin_keep(cached);
    }
    return result;
}

void standin_writer_close(struct standin_writer *w)
{
    standin_tell(w->domain, true, &w->me, false);
    pthread_mutex_lock(&standin_all);
    struct standin_writer **at = &standin_writers;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    pthread_mutex_unlock(&standin_all);
    standin_tell(w->domain, false, &w->me, false);
    delete_endpoint(w->endpoint);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
