/* A writer of DDS: loans are slots of Eddy, and writing publishes them.
 *
 * A loan is kept by Cyclone DDS for as long as it likes, also after the writer is gone, and given
 * back from any thread.  Once published it is nothing but private memory.
 *
 * Locks:   `lock` guards the Eddy writer.  Who gives a loan back only tries it: a write may hold it
 *          for as long as it waits.  What could not be given back then, the next call gives back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "qos.h"
#include "say.h"
#include "source.h"

#include "allocator/point.h"

#include <stdlib.h>
#include <string.h>

#define KEY_HEAD 4u
#define SLACK    8u /* bytes behind a loan: serializers are known that write past its end */

/* A loan.  `writer`: NULL once it is published. */
struct sample {
    struct psmx_loan psmx; /* first */
    struct psmx_metadata meta;
    struct eddy_loan loan;
    struct psmx_source *writer;
    struct sample *next;
    size_t room;
    void *heap;      /* where there was no slot */
    uint8_t key[16]; /* of its instance, if late readers get it */
};

static struct psmx_source *writer_of(struct psmx_endpoint *endpoint)
{
    return (struct psmx_source *)endpoint;
}

/* --- the end of it ---------------------------------------------------------------------------- */

void psmx_source_unref(struct psmx_source *w)
{
    if (atomic_fetch_sub(&w->references, 1) != 1)
        return;
    EDDY_POINT("psmx-writer:last");
    eddy_writer_close(w->writer); /* takes its loans back */
    EDDY_POINT("psmx-writer:closed");
    for (struct sample *s = atomic_load(&w->returned), *next; s != NULL; s = next) {
        next = s->next;
        free(s);
    }
    pthread_mutex_destroy(&w->lock);
    psmx_home_unref(w->home);
    free(w->name);
    free(w->scope);
    free(w);
}

/* Gives back what others could not.  Under the lock. */
static void discard_returned(struct psmx_source *w)
{
    struct sample *s = atomic_exchange(&w->returned, NULL);
    while (s != NULL) {
        struct sample *next = s->next;
        eddy_writer_discard(w->writer, &s->loan);
        free(s);
        s = next;
    }
}

/* Who holds the lock sees what was pushed before, or who pushed gets the lock afterwards. */
static void unlock(struct psmx_source *w)
{
    do {
        discard_returned(w);
        pthread_mutex_unlock(&w->lock);
        EDDY_POINT("psmx-unlock:unlocked");
    } while (atomic_load(&w->returned) != NULL && pthread_mutex_trylock(&w->lock) == 0);
}

static void give_back(struct psmx_source *w, struct sample *s)
{
    s->next = atomic_load(&w->returned);
    while (!atomic_compare_exchange_weak(&w->returned, &s->next, s))
        ;
    EDDY_POINT("psmx-free:pushed");
    if (pthread_mutex_trylock(&w->lock) == 0)
        unlock(w);
}

static void free_sample(struct psmx_loan *loan)
{
    struct sample *s = (struct sample *)loan;
    struct psmx_source *w = s->writer;
    bool has_slot = w != NULL && s->heap == NULL;
    free(s->heap);
    if (has_slot)
        give_back(w, s);
    else
        free(s);
    if (w != NULL)
        psmx_source_unref(w);
}

/* --- loans ------------------------------------------------------------------------------------ */

static uint64_t deadline_of(const struct psmx_source *w)
{
    return w->wait_ns > 0 ? eddy_deadline(w->wait_ns) : EDDY_POLL;
}

static int loan_slot(struct psmx_source *w, size_t size, uint64_t deadline, struct eddy_loan *loan)
{
    struct eddy_loan_options options = {.size = size + SLACK,
                                        .alignment = 64,
                                        .header_size = sizeof w->wire,
                                        .header_alignment = 8};
    return eddy_writer_loan_with(w->writer, &options, deadline, loan);
}

/* Where there is no room for it now, in private memory: it is copied when there is.  Refusing it
 * would keep the sample from the readers on the network, too. */
static struct psmx_loan *request_loan(struct psmx_endpoint *endpoint, uint32_t size)
{
    struct psmx_source *w = writer_of(endpoint);
    struct sample *s = malloc(sizeof *s);
    if (s == NULL)
        return NULL;
    memset(s, 0, sizeof *s);
    s->room = size;
    pthread_mutex_lock(&w->lock);
    int error = loan_slot(w, size, deadline_of(w), &s->loan);
    unlock(w);
    EDDY_POINT("psmx-loan:loaned");
    s->psmx.data = s->loan.data;
    if (error)
        s->psmx.data = s->heap = aligned_alloc(64, (size + SLACK + 63u) & ~(size_t)63u);
    if (s->psmx.data == NULL) {
        free(s);
        return NULL;
    }
    s->psmx.free = free_sample;
    s->psmx.metadata = &s->meta;
    s->writer = w;
    atomic_fetch_add(&w->references, 1);
    return &s->psmx;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Readers besides those of this domain, to which Cyclone DDS gives it itself, or readers that may
 * come and are owed it then.  Called with the lock.  The set of our own must not have changed while the others were counted. */
static bool has_readers(struct psmx_source *w)
{
    unsigned now = atomic_load(&w->home->generation);
    if (w->generation != now) {
        w->own = psmx_feed_count(w->home, w->name, w->scope);
        w->generation = now;
    }
    uint32_t all = eddy_writer_readers(w->writer);
    return w->history > 0 || all > w->own || atomic_load(&w->home->generation) != now;
}

static bool has_lifespan(const struct sample *s)
{
    return (s->meta.statusinfo & (PSMX_STATUS_DISPOSE | PSMX_STATUS_UNREGISTER)) == 0;
}

/* Late readers get nothing of an instance that its writer has unregistered: DDS's own cache for the
 * network forgets it, too. */
static int publish(struct psmx_source *w, struct sample *s, uint64_t deadline)
{
    struct psmx_wire *wire = s->loan.header;
    struct eddy_publication publication = {0};
    *wire = w->wire;
    wire->meta = s->meta;
    EDDY_POINT("psmx-write:ready");
    if (w->history == 0)
        return eddy_writer_publish(w->writer, &s->loan, s->meta.size, deadline);
    if (wire->lifespan != PSMX_FOREVER && has_lifespan(s))
        wire->written = eddy_now();
    memcpy(publication.key, s->key, sizeof publication.key);
    if (s->meta.statusinfo & PSMX_STATUS_UNREGISTER)
        publication.flags = EDDY_PUBLISH_ENDS_KEY;
    return eddy_writer_publish_with(w->writer, &s->loan, s->meta.size, &publication, deadline);
}

static int publish_copy(struct psmx_source *w, struct sample *s, uint64_t deadline)
{
    int error = loan_slot(w, s->room, deadline, &s->loan);
    if (error)
        return error;
    memcpy(s->loan.data, s->heap, s->meta.size);
    error = publish(w, s, deadline);
    if (error)
        eddy_writer_discard(w->writer, &s->loan);
    return error;
}

static int publish_either(struct psmx_source *w, struct sample *s)
{
    uint64_t deadline = deadline_of(w);
    return s->heap != NULL ? publish_copy(w, s, deadline) : publish(w, s, deadline);
}

/* Our own readers never keep us waiting: what they have not come to yet is taken off the topic. */
static int publish_with_room(struct psmx_source *w, struct sample *s)
{
    if (w->own > 0)
        psmx_feed_make_room(w->home, w->name, w->scope);
    return publish_either(w, s);
}

static int32_t result_of(const struct psmx_source *w, int error)
{
    if (error == 0)
        return PSMX_OK;
    bool has_no_room = error == EDDY_EAGAIN || error == EDDY_ETIMEDOUT || error == EDDY_ELIMIT;
    if (has_no_room && w->lane == PSMX_LANE_ALL)
        return PSMX_TIMEOUT;
    /* Who does not wait overwrites, and there is nothing to tell; but not what is kept. */
    if (has_no_room)
        return w->history > 0 ? PSMX_OUT_OF_RESOURCES : PSMX_OK;
    psmx_say(EDDY_LOG_ERROR, "topic %s: %s (%s)", w->name, eddy_last_error(), eddy_strerror(error));
    return error == EDDY_ENOMEM ? PSMX_OUT_OF_RESOURCES : PSMX_ERROR;
}

/* From here on Cyclone DDS may look at the metadata, and finds that there is nothing in it. */
static void mark_published(struct sample *s)
{
    s->meta.state = PSMX_STATE_NONE;
    s->psmx.data = NULL;
}

static int32_t write_sample(struct psmx_endpoint *endpoint, struct psmx_loan *loan)
{
    struct psmx_source *w = writer_of(endpoint);
    struct sample *s = (struct sample *)loan;
    int error = 0;
    if (s->meta.size > s->room)
        return PSMX_BAD_PARAMETER;
    if (!w->has_written)
        psmx_source_introduce(w, &s->meta.writer);
    pthread_mutex_lock(&w->lock);
    bool is_wanted = has_readers(w);
    EDDY_POINT("psmx-write:counted");
    if (is_wanted)
        error = publish_with_room(w, s);
    else if (s->heap == NULL)
        eddy_writer_discard(w->writer, &s->loan);
    unlock(w);
    EDDY_POINT("psmx-write:written");
    int32_t result = result_of(w, error);
    if (result != PSMX_OK)
        return result;
    if (error != 0 && s->heap == NULL) { /* passed over: the slot is still ours */
        pthread_mutex_lock(&w->lock);
        eddy_writer_discard(w->writer, &s->loan);
        unlock(w);
    }
    mark_published(s);
    EDDY_POINT("psmx-write:marked");
    s->writer = NULL;
    psmx_source_unref(w);
    return PSMX_OK;
}

/* Keys are told apart by their hash, as DDS itself does on the network.  The first four bytes say
 * how the rest is written. */
static int32_t write_with_key(struct psmx_endpoint *endpoint, struct psmx_loan *loan, size_t size,
                              const void *key)
{
    const struct psmx_cyclone *c = &writer_of(endpoint)->home->cyclone;
    struct sample *s = (struct sample *)loan;
    struct psmx_md5 state;
    if (size > KEY_HEAD) {
        c->ddsrt_md5_init(&state);
        c->ddsrt_md5_append(&state, (const uint8_t *)key + KEY_HEAD, (unsigned)(size - KEY_HEAD));
        c->ddsrt_md5_finish(&state, s->key);
    }
    return write_sample(endpoint, loan);
}

/* --- created and deleted ---------------------------------------------------------------------- */

static void describe(struct psmx_source *w, const struct psmx_subject *subject,
                     const struct psmx_qos *qos)
{
    const struct psmx_cyclone *c = &w->home->cyclone;
    bool autodispose = true;
    w->wire.magic = PSMX_WIRE_MAGIC;
    w->wire.shape = subject->shape;
    w->wire.lifespan = PSMX_FOREVER;
    psmx_qos_policies(c, PSMX_WRITER, qos, &w->wire.offer);
    (void)c->dds_qget_lifespan(qos, &w->wire.lifespan);
    (void)c->dds_qget_ownership_strength(qos, &w->wire.strength);
    (void)c->dds_qget_writer_data_lifecycle(qos, &autodispose);
    w->wire.autodispose = autodispose;
    w->history = psmx_qos_history(c, qos);
}

static int open_writer(struct psmx_source *w)
{
    struct eddy_topic_identity topic = {.name = w->name, .scope = w->scope};
    struct eddy_writer_options options = {.history_kind = EDDY_HISTORY_KEY,
                                          .history = w->history,
                                          .limit_bytes = w->home->options.limit_bytes};
    return eddy_writer_open(w->home->domain, &topic, &options, &w->writer);
}

static void note(struct psmx_source *w)
{
    struct eddy_notes notes = {.reliability = w->wire.offer.reliable ? EDDY_NOTED_RELIABLE
                                                                     : EDDY_NOTED_BEST_EFFORT};
    (void)eddy_writer_note(w->writer, &notes);
}

static void free_writer(struct psmx_source *w)
{
    free(w->name);
    free(w->scope);
    free(w);
}

/* NULL: no memory. */
static char *scope_of(const struct psmx_source *w, const struct psmx_qos *qos)
{
    struct psmx_partitions partitions;
    psmx_qos_partitions(&w->home->cyclone, qos, &partitions);
    char *scope = psmx_lane_scope(w->home, w->lane, partitions.names[0]);
    psmx_partitions_free(&w->home->cyclone, &partitions);
    return scope;
}

struct psmx_endpoint *psmx_writer_create(struct psmx_subject *subject, const struct psmx_qos *qos)
{
    struct psmx_home *home = subject->home;
    uint64_t wait_ns = 0;
    struct psmx_source *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->psmx.ops.request_loan = request_loan;
    w->psmx.ops.write = write_sample;
    w->home = home;
    w->lane = psmx_qos_waits(&home->cyclone, qos, &wait_ns) ? PSMX_LANE_ALL : PSMX_LANE_LAST;
    w->wait_ns = w->lane == PSMX_LANE_ALL ? wait_ns : 0;
    w->name = strdup(subject->name);
    w->scope = scope_of(w, qos);
    w->generation = atomic_load(&home->generation) - 1;
    atomic_init(&w->references, 1);
    describe(w, subject, qos);
    /* Where it is not needed DDS need not look for the key. */
    if (w->history > 0 && subject->has_key)
        w->psmx.ops.write_with_key = write_with_key;
    int error = w->name != NULL && w->scope != NULL ? open_writer(w) : EDDY_ENOMEM;
    if (error) {
        psmx_say(EDDY_LOG_ERROR, "topic %s: %s (%s)", subject->name, eddy_last_error(),
                 eddy_strerror(error));
        free_writer(w);
        return NULL;
    }
    EDDY_POINT("psmx-writer:opened");
    pthread_mutex_init(&w->lock, NULL);
    atomic_fetch_add(&home->references, 1);
    note(w);
    psmx_source_link(w);
    return &w->psmx;
}

int32_t psmx_writer_delete(struct psmx_endpoint *endpoint)
{
    psmx_source_unlink(writer_of(endpoint));
    EDDY_POINT("psmx-writer:unlinked");
    psmx_source_unref(writer_of(endpoint));
    return PSMX_OK;
}
