/* standin_calls.c - what else the plug-in asks DDS: QoS, participants, writers that come and go; see
 * standin.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "standin_inside.h"

#include <stdlib.h>
#include <string.h>

struct psmx_listener {
    void (*call)(int32_t reader, void *argument);
    void *argument;
};

struct standin_news {
    struct psmx_publication publication; /* first; only the writer is known of it */
    struct standin_news *next;
    bool is_there;
};

/* --- QoS -------------------------------------------------------------------------------------- */

void dds_free(void *memory)
{
    free(memory);
}

bool dds_qget_reliability(const struct psmx_qos *qos, uint32_t *kind, int64_t *blocking)
{
    *kind = qos->is_reliable ? PSMX_RELIABLE : 0;
    *blocking = qos->blocking;
    return true;
}

bool dds_qget_history(const struct psmx_qos *qos, uint32_t *kind, int32_t *depth)
{
    *kind = qos->keeps_all ? PSMX_KEEP_ALL : 0;
    *depth = qos->depth > 0 ? qos->depth : 1;
    return true;
}

bool dds_qget_resource_limits(const struct psmx_qos *qos, int32_t *samples, int32_t *instances,
                              int32_t *of_instance)
{
    *samples = qos->limit > 0 ? qos->limit : -1;
    *instances = *of_instance = -1;
    return true;
}

bool dds_qget_partition(const struct psmx_qos *qos, uint32_t *count, char ***names)
{
    const char *at = qos->partition;
    *count = 0;
    *names = NULL;
    while (at != NULL) {
        *names = realloc(*names, (*count + 1) * sizeof **names);
        (*names)[(*count)++] = strndup(at, strcspn(at, ","));
        at = strchr(at, ',');
        at = at != NULL ? at + 1 : NULL;
    }
    return true;
}

bool dds_qget_durability(const struct psmx_qos *qos, uint32_t *kind)
{
    *kind = qos->kept > 0 ? PSMX_TRANSIENT_LOCAL : 0;
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libddsc's */
bool dds_qget_durability_service(const struct psmx_qos *qos, int64_t *cleanup, uint32_t *history,
                                 int32_t *depth, int32_t *samples, int32_t *instances,
                                 int32_t *of_instance)
{
    *cleanup = 0;
    *history = 0;
    *depth = qos->kept;
    *samples = *instances = *of_instance = -1;
    return true;
}

/* No hash of any worth: there is one instance. */
void ddsrt_md5_init(struct psmx_md5 *state)
{
    memset(state, 0, sizeof *state);
}

void ddsrt_md5_append(struct psmx_md5 *state, const void *data, unsigned size)
{
    (void)data;
    state->words[0] += size;
}

void ddsrt_md5_finish(struct psmx_md5 *state, uint8_t digest[16])
{
    memcpy(digest, state->words, 16);
}

bool dds_qget_liveliness(const struct psmx_qos *qos, uint32_t *kind, int64_t *lease)
{
    (void)qos;
    *kind = PSMX_LIVELINESS_AUTOMATIC;
    *lease = PSMX_FOREVER;
    return true;
}

bool dds_qget_deadline(const struct psmx_qos *qos, int64_t *deadline)
{
    (void)qos;
    *deadline = PSMX_FOREVER;
    return true;
}

/* Of these nothing was said. */
bool dds_qget_latency_budget(const struct psmx_qos *qos, int64_t *budget)
{
    (void)qos, (void)budget;
    return false;
}

bool dds_qget_ownership(const struct psmx_qos *qos, uint32_t *kind)
{
    (void)qos, (void)kind;
    return false;
}

bool dds_qget_ownership_strength(const struct psmx_qos *qos, int32_t *strength)
{
    (void)qos, (void)strength;
    return false;
}

bool dds_qget_destination_order(const struct psmx_qos *qos, uint32_t *kind)
{
    (void)qos, (void)kind;
    return false;
}

bool dds_qget_lifespan(const struct psmx_qos *qos, int64_t *lifespan)
{
    (void)qos, (void)lifespan;
    return false;
}

bool dds_qget_writer_data_lifecycle(const struct psmx_qos *qos, bool *autodispose)
{
    (void)qos, (void)autodispose;
    return false;
}

bool dds_qget_presentation(const struct psmx_qos *qos, uint32_t *scope, bool *coherent,
                           bool *ordered)
{
    (void)qos, (void)scope, (void)coherent, (void)ordered;
    return false;
}

bool dds_qget_data_representation(const struct psmx_qos *qos, uint32_t *count,
                                  int16_t **representations)
{
    (void)qos, (void)count, (void)representations;
    return false;
}

/* --- types: known by their names alone -------------------------------------------------------- */

bool ddsi_typeid_is_hash(const void *id)
{
    return id != NULL;
}

void ddsi_typeid_get_equivalence_hash(const void *id, uint8_t hash[14])
{
    memcpy(hash, id, 14);
}

/* Nobody needs to ask whether types of other names match. */
int32_t dds_get_matched_publications(int32_t reader, uint64_t *handles, size_t room)
{
    (void)reader, (void)handles, (void)room;
    return 0;
}

struct psmx_publication *dds_get_matched_publication_data(int32_t reader, uint64_t handle)
{
    (void)reader, (void)handle;
    return NULL;
}

void dds_builtintopic_free_endpoint(struct psmx_publication *publication)
{
    (void)publication;
}

/* --- participants ----------------------------------------------------------------------------- */

int32_t dds_get_participant(int32_t entity)
{
    struct standin_entity *e = standin_pin(entity);
    if (e == NULL)
        return PSMX_BAD_PARAMETER;
    struct standin_entity *participant = standin_pin(standin_participant(e->domain));
    int32_t handle = participant != NULL ? participant->handle : PSMX_BAD_PARAMETER;
    if (participant != NULL)
        standin_unpin(participant);
    standin_unpin(e);
    return handle;
}

/* A domain has one participant, and goes by its handle. */
int32_t dds_get_children(int32_t entity, int32_t *children, size_t room)
{
    int32_t count = 0;
    pthread_mutex_lock(&standin_all);
    for (struct standin_entity *e = standin_entities; e != NULL; e = e->next) {
        if (e->kind != STANDIN_PARTICIPANT || e->is_closed ||
            (entity != PSMX_ALL_DOMAINS && entity != e->handle))
            continue;
        if ((size_t)count < room)
            children[count] = e->handle;
        count++;
    }
    pthread_mutex_unlock(&standin_all);
    return count;
}

/* The numbers of domains are not told apart. */
int32_t dds_lookup_participant(uint32_t number, int32_t *participants, size_t room)
{
    (void)number;
    standin_await_end();
    return dds_get_children(PSMX_ALL_DOMAINS, participants, room);
}

/* --- who writes ------------------------------------------------------------------------------- */

struct psmx_listener *dds_create_listener(void *argument)
{
    struct psmx_listener *listener = calloc(1, sizeof *listener);
    if (listener != NULL)
        listener->argument = argument;
    return listener;
}

void dds_delete_listener(struct psmx_listener *listener)
{
    free(listener);
}

void dds_lset_data_available(struct psmx_listener *listener, void (*call)(int32_t, void *))
{
    listener->call = call;
}

/* Only of the builtin topic.  Writers that are there are told of at once. */
int32_t dds_create_reader(int32_t parent, int32_t topic, const struct psmx_qos *qos,
                          const struct psmx_listener *listener)
{
    (void)qos;
    struct standin_entity *participant = standin_pin(parent);
    struct standin_builtin *b = calloc(1, sizeof *b);
    if (participant == NULL || b == NULL || topic != PSMX_BUILTIN_PUBLICATIONS) {
        if (participant != NULL)
            standin_unpin(participant);
        free(b);
        return PSMX_BAD_PARAMETER;
    }
    b->call = listener->call;
    b->argument = listener->argument;
    pthread_mutex_init(&b->lock, NULL);
    pthread_mutex_init(&b->cache_lock, NULL);
    standin_enter(&b->entity, STANDIN_BUILTIN, participant->domain);
    int32_t handle = b->entity.handle;
    standin_unpin(participant);
    standin_tell_of_all(handle);
    return handle;
}

static struct standin_builtin *pin_builtin(int32_t handle)
{
    struct standin_entity *e = standin_pin(handle);
    if (e != NULL && e->kind != STANDIN_BUILTIN) {
        standin_unpin(e);
        e = NULL;
    }
    return (struct standin_builtin *)e;
}

int32_t dds_delete(int32_t entity)
{
    struct standin_builtin *b = pin_builtin(entity);
    if (b == NULL)
        return PSMX_ALREADY_DELETED;
    standin_unpin(&b->entity);
    standin_leave(&b->entity);
    for (struct standin_news *n = b->first, *next; n != NULL; n = next) {
        next = n->next;
        free(n);
    }
    pthread_mutex_destroy(&b->lock);
    pthread_mutex_destroy(&b->cache_lock);
    free(b);
    return PSMX_OK;
}

static struct standin_news *take_news(struct standin_builtin *b)
{
    pthread_mutex_lock(&b->cache_lock);
    struct standin_news *n = b->first;
    if (n != NULL) {
        b->first = n->next;
        b->last = b->first != NULL ? b->last : NULL;
    }
    pthread_mutex_unlock(&b->cache_lock);
    return n;
}

int32_t dds_take(int32_t reader, void **samples, struct psmx_sample_info *infos, size_t room,
                 uint32_t most)
{
    struct standin_builtin *b = pin_builtin(reader);
    int32_t count = 0;
    if (b == NULL)
        return PSMX_ALREADY_DELETED;
    for (struct standin_news *n; (size_t)count < room && (uint32_t)count < most; count++) {
        if ((n = take_news(b)) == NULL)
            break;
        infos[count] = (struct psmx_sample_info){
            .instance_state = n->is_there ? PSMX_INSTANCE_ALIVE : 2 * PSMX_INSTANCE_ALIVE};
        samples[count] = &n->publication;
    }
    standin_unpin(&b->entity);
    return count;
}

int32_t dds_return_loan(int32_t reader, void **samples, int32_t count)
{
    (void)reader;
    for (int32_t i = 0; i < count; i++)
        free(samples[i]); /* first in its news */
    return PSMX_OK;
}

static void tell_one(struct standin_builtin *b, const struct psmx_guid *writer, bool is_there)
{
    struct standin_news *n = calloc(1, sizeof *n);
    if (n == NULL)
        return;
    n->publication.writer = *writer;
    n->is_there = is_there;
    pthread_mutex_lock(&b->lock);
    pthread_mutex_lock(&b->cache_lock);
    *(b->last != NULL ? &b->last->next : &b->first) = n;
    b->last = n;
    pthread_mutex_unlock(&b->cache_lock);
    b->call(b->entity.handle, b->argument);
    pthread_mutex_unlock(&b->lock);
}

/* The handles of builtin readers in the domain, or of those in all others. */
static size_t builtins_of(const struct standin_domain *domain, bool inside, int32_t *handles,
                          size_t room)
{
    size_t count = 0;
    pthread_mutex_lock(&standin_all);
    for (struct standin_entity *e = standin_entities; e != NULL && count < room; e = e->next) {
        if (e->kind == STANDIN_BUILTIN && (e->domain == domain) == inside)
            handles[count++] = e->handle;
    }
    pthread_mutex_unlock(&standin_all);
    return count;
}

void standin_tell(struct standin_domain *domain, bool inside, const struct psmx_guid *writer,
                  bool is_there)
{
    int32_t handles[16];
    size_t count = builtins_of(domain, inside, handles, 16);
    for (size_t i = 0; i < count; i++) {
        struct standin_builtin *b = pin_builtin(handles[i]);
        if (b == NULL)
            continue;
        tell_one(b, writer, is_there);
        standin_unpin(&b->entity);
    }
}

void standin_tell_of_all(int32_t builtin)
{
    struct psmx_guid there[256];
    size_t count = 0;
    pthread_mutex_lock(&standin_all);
    for (struct standin_writer *w = standin_writers; w != NULL && count < 256; w = w->next)
        there[count++] = w->me;
    pthread_mutex_unlock(&standin_all);
    struct standin_builtin *b = pin_builtin(builtin);
    for (size_t i = 0; i < count && b != NULL; i++) {
        tell_one(b, &there[i], true);
        if (standin_domain_of(&there[i]) == NULL) /* it has left meanwhile */
            tell_one(b, &there[i], false);
    }
    if (b != NULL)
        standin_unpin(&b->entity);
}
