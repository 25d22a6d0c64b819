/* A writer of DDS is created and deleted.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "allocator/point.h"

#include "qos.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

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

static int open_outlet(struct psmx_source *w, struct psmx_outlet *o, const char *partition)
{
    o->partition = psmx_wire_partition(partition);
    o->generation = atomic_load(&w->home->generation) - 1;
    o->scope = psmx_lane_scope(w->home, w->lane, partition);
    struct eddy_topic_identity topic = {.name = w->name, .scope = o->scope};
    struct eddy_writer_options options = {.history_kind = EDDY_HISTORY_KEY,
                                          .history = w->history,
                                          .limit_bytes = w->home->options.limit_bytes};
    struct eddy_notes notes = {.reliability = w->wire.offer.reliable ? EDDY_NOTED_RELIABLE
                                                                     : EDDY_NOTED_BEST_EFFORT};
    int error = w->name != NULL && o->scope != NULL
                    ? eddy_writer_open(w->home->domain, &topic, &options, &o->writer)
                    : EDDY_ENOMEM;
    if (error == 0)
        (void)eddy_writer_note(o->writer, &notes);
    return error;
}

void psmx_source_free(struct psmx_source *w)
{
    for (unsigned i = 0; i < w->outlet_count; i++)
        free(w->outlets[i].scope);
    free(w->name);
    free(w);
}

/* NULL: it was said why. */
static struct psmx_source *open_source(struct psmx_subject *subject, const struct psmx_qos *qos,
                                       const struct psmx_partitions *partitions)
{
    struct psmx_home *home = subject->home;
    uint64_t wait_ns = 0;
    int error = EDDY_ENOMEM;
    struct psmx_source *w = calloc(1, sizeof *w + partitions->count * sizeof(struct psmx_outlet));
    if (w == NULL)
        return NULL;
    w->home = home;
    w->lane = psmx_qos_waits(&home->cyclone, qos, &wait_ns) ? PSMX_LANE_ALL : PSMX_LANE_LAST;
    w->wait_ns = w->lane == PSMX_LANE_ALL ? wait_ns : 0;
    w->name = strdup(subject->name);
    atomic_init(&w->references, 1);
    describe(w, subject, qos);
    for (error = 0; error == 0 && w->outlet_count < partitions->count; w->outlet_count++)
        error = open_outlet(w, &w->outlets[w->outlet_count], partitions->names[w->outlet_count]);
    if (error == 0)
        return w;
    psmx_say(EDDY_LOG_ERROR, "topic %s: %s (%s)", subject->name, eddy_last_error(),
             eddy_strerror(error));
    for (unsigned i = 0; i < w->outlet_count; i++)
        eddy_writer_close(w->outlets[i].writer);
    psmx_source_free(w);
    return NULL;
}

struct psmx_endpoint *psmx_writer_create(struct psmx_subject *subject, const struct psmx_qos *qos)
{
    const struct psmx_cyclone *c = &subject->home->cyclone;
    struct psmx_partitions partitions;
    psmx_qos_partitions(c, qos, &partitions);
    struct psmx_source *w = open_source(subject, qos, &partitions);
    psmx_partitions_free(c, &partitions);
    if (w == NULL)
        return NULL;
    EDDY_POINT("psmx-writer:opened");
    /* Where it is not needed DDS need not look for the key. */
    psmx_source_set_calls(w, w->history > 0 && subject->has_key);
    pthread_mutex_init(&w->lock, NULL);
    atomic_fetch_add(&subject->home->references, 1);
    psmx_source_link(w);
    return &w->psmx;
}

int32_t psmx_writer_delete(struct psmx_endpoint *endpoint)
{
    struct psmx_source *w = (struct psmx_source *)endpoint;
    psmx_source_unlink(w);
    EDDY_POINT("psmx-writer:unlinked");
    psmx_source_unref(w);
    return PSMX_OK;
}
