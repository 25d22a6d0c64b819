/* A writer of DDS: loans are slots of Eddy, and writing publishes them.
 *
 * A loan is kept by Cyclone DDS for as long as it likes, also after the writer is gone, and given
 * back from any thread.  Once published it is nothing but private memory.
 *
 * A writer in several partitions publishes on the lane of each that has readers: the loan itself on
 * one, copies of it on the others.
 *
 * Locks:   `lock` guards the Eddy writers.  Who gives a loan back only tries it: a write may hold it
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
    struct psmx_outlet *outlet; /* whose slot it is */
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
    for (unsigned i = 0; i < w->outlet_count; i++)
        eddy_writer_close(w->outlets[i].writer); /* takes its loans back */
    EDDY_POINT("psmx-writer:closed");
    for (struct sample *s = atomic_load(&w->returned), *next; s != NULL; s = next) {
        next = s->next;
        free(s);
    }
    pthread_mutex_destroy(&w->lock);
    psmx_home_unref(w->home);
    psmx_source_free(w);
}

/* Gives back what others could not.  Under the lock. */
static void discard_returned(struct psmx_source *w)
{
    struct sample *s = atomic_exchange(&w->returned, NULL);
    while (s != NULL) {
        struct sample *next = s->next;
        eddy_writer_discard(s->outlet->writer, &s->loan);
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

/* With room for the partitions before the outlet's. */
static int loan_slot(struct psmx_source *w, const struct psmx_outlet *o, size_t size,
                     uint64_t deadline, struct eddy_loan *loan)
{
    size_t before = (size_t)(o - w->outlets);
    struct eddy_loan_options options = {.size = size + SLACK,
                                        .alignment = 64,
                                        .header_size =
                                            sizeof w->wire + before * sizeof o->partition,
                                        .header_alignment = 8};
    return eddy_writer_loan_with(o->writer, &options, deadline, loan);
}

/* Readers besides those of this domain, to which Cyclone DDS gives it itself, or readers that may
 * come and are owed it then.  Called with the lock.  The set of our own must not have changed while the
 * others were counted. */
static bool has_readers(struct psmx_source *w, struct psmx_outlet *o)
{
    unsigned now = atomic_load(&w->home->generation);
    if (o->generation != now) {
        o->own = psmx_feed_count(w->home, w->name, o->scope);
        o->generation = now;
    }
    uint32_t all = eddy_writer_readers(o->writer);
    return w->history > 0 || all > o->own || atomic_load(&w->home->generation) != now;
}

/* The first that has readers, else the first. */
static struct psmx_outlet *choose_outlet(struct psmx_source *w)
{
    for (unsigned i = 0; w->outlet_count > 1 && i < w->outlet_count; i++) {
        if (has_readers(w, &w->outlets[i]))
            return &w->outlets[i];
    }
    return &w->outlets[0];
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
    s->outlet = choose_outlet(w);
    int error = loan_slot(w, s->outlet, size, deadline_of(w), &s->loan);
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

static bool has_lifespan(const struct sample *s)
{
    return (s->meta.statusinfo & (PSMX_STATUS_DISPOSE | PSMX_STATUS_UNREGISTER)) == 0;
}

static void fill_header(const struct psmx_source *w, const struct psmx_outlet *o,
                        const struct sample *s, void *header)
{
    struct psmx_wire *wire = header;
    uint64_t *before = (uint64_t *)(wire + 1);
    *wire = w->wire;
    wire->meta = s->meta;
    for (const struct psmx_outlet *each = w->outlets; each < o; each++)
        *before++ = each->partition;
}

/* Late readers get nothing of an instance that its writer has unregistered: DDS's own cache for the
 * network forgets it, too. */
static int publish(struct psmx_source *w, struct psmx_outlet *o, const struct sample *s,
                   struct eddy_loan *loan, uint64_t deadline)
{
    struct psmx_wire *wire = loan->header;
    struct eddy_publication publication = {0};
    fill_header(w, o, s, wire);
    EDDY_POINT("psmx-write:ready");
    if (w->history == 0)
        return eddy_writer_publish(o->writer, loan, s->meta.size, deadline);
    if (wire->lifespan != PSMX_FOREVER && has_lifespan(s))
        wire->written = eddy_now();
    memcpy(publication.key, s->key, sizeof publication.key);
    if (s->meta.statusinfo & PSMX_STATUS_UNREGISTER)
        publication.flags = EDDY_PUBLISH_ENDS_KEY;
    return eddy_writer_publish_with(o->writer, loan, s->meta.size, &publication, deadline);
}

static int publish_copy(struct psmx_source *w, struct psmx_outlet *o, const struct sample *s,
                        uint64_t deadline)
{
    struct eddy_loan loan;
    int error = loan_slot(w, o, s->room, deadline, &loan);
    if (error)
        return error;
    memcpy(loan.data, s->psmx.data, s->meta.size);
    error = publish(w, o, s, &loan, deadline);
    if (error)
        eddy_writer_discard(o->writer, &loan);
    return error;
}

/* Our own readers never keep us waiting: what they have not come to yet is taken off the topic. */
static int publish_on(struct psmx_source *w, struct psmx_outlet *o, struct sample *s)
{
    uint64_t deadline = deadline_of(w);
    if (o->own > 0)
        psmx_feed_make_room(w->home, w->name, o->scope);
    return s->heap != NULL || o != s->outlet ? publish_copy(w, o, s, deadline)
                                             : publish(w, o, s, &s->loan, deadline);
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

/* Where there are readers; its own slot last, as it is somebody else's from then on.  *used: it is. */
static int32_t publish_all(struct psmx_source *w, struct sample *s, bool *used)
{
    int32_t result = PSMX_OK;
    for (unsigned i = 0; i <= w->outlet_count && result == PSMX_OK; i++) {
        bool is_last = i == w->outlet_count;
        struct psmx_outlet *o = is_last ? s->outlet : &w->outlets[i];
        if ((o == s->outlet) != is_last || !has_readers(w, o))
            continue;
        EDDY_POINT("psmx-write:counted");
        int error = publish_on(w, o, s);
        *used = is_last && s->heap == NULL && error == 0;
        result = result_of(w, error);
    }
    return result;
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
    bool is_used = false;
    if (s->meta.size > s->room)
        return PSMX_BAD_PARAMETER;
    if (!w->has_written)
        psmx_source_introduce(w, &s->meta.writer);
    pthread_mutex_lock(&w->lock);
    int32_t result = publish_all(w, s, &is_used);
    /* Where nobody wants it, or it is passed over, the slot is still ours. */
    if (result == PSMX_OK && s->heap == NULL && !is_used)
        eddy_writer_discard(s->outlet->writer, &s->loan);
    unlock(w);
    EDDY_POINT("psmx-write:written");
    if (result != PSMX_OK)
        return result;
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

void psmx_source_set_calls(struct psmx_source *w, bool with_keys)
{
    w->psmx.ops.request_loan = request_loan;
    w->psmx.ops.write = write_sample;
    if (with_keys)
        w->psmx.ops.write_with_key = write_with_key;
}
