/* instance.h - the plug-in in one domain of one process.  (internal)
 *
 *   created by Cyclone DDS with the domain -> topics, endpoints -> deleted with the domain
 *   Eddy cannot be used, or is not to be -> disabled: serves nothing, so everything goes over the
 *   network
 *
 * An instance takes part in an Eddy domain, and has one thread, which delivers to all its readers.
 * It is kept as long as a sample of it is out, also when Cyclone DDS has deleted it.
 *
 * Locks:   `lock` guards the lists; it is held shortly, and never over a call of DDS or a file.
 *          `opening` is held while a feed is opened or given back; the thread never takes it.  Order:
 *          opening, lock, then a feed's.
 * Threads: see each part.
 * Crash:   the kernel drops the participant; others take back what it held.
 *                                                                    spec/psmx.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_INSTANCE_H
#define EDDY_PSMX_INSTANCE_H

#include "cyclone.h"
#include "options.h"

#include <eddy/eddy.h>
#include <pthread.h>
#include <stdatomic.h>

struct psmx_feed;
struct psmx_tap;
struct psmx_roster;
struct psmx_source;

struct psmx_home {
    struct psmx_instance psmx; /* first: Cyclone DDS's view of it */
    struct psmx_cyclone cyclone;
    struct psmx_options options;
    struct psmx_node_id node_id;
    char *scope;         /* of all its topics */
    eddy_domain *domain; /* NULL: disabled */
    eddy_waitset *waitset;
    eddy_event *wake; /* the thread has something to do besides samples */
    pthread_t thread;
    bool has_thread;
    atomic_bool ends;
    atomic_uint references; /* Cyclone DDS, feeds, writers with loans out */

    pthread_mutex_t opening, lock;
    struct psmx_feed *feeds;                 /* under lock */
    struct psmx_feed *graveyard;             /* under lock: closed, to be freed by the thread */
    struct psmx_tap *taps;                   /* under lock */
    struct psmx_source *sources;             /* writers; under lock */
    atomic_uint sources_made, sources_heard; /* writers that wrote; the roster hears of so many */
    struct psmx_roster *roster;
    atomic_uint generation; /* of the set of open feeds */
    atomic_uint holding;    /* taps that hold something back */
};

static inline struct psmx_home *psmx_home_of(struct psmx_instance *instance)
{
    return (struct psmx_home *)instance;
}

void psmx_home_unref(struct psmx_home *home);

/* thread.c: the thread that delivers.  0, or the number of an error of the system. */
int psmx_thread_start(struct psmx_home *home);
void psmx_thread_stop(struct psmx_home *home);

/* writer.c: DDS is about to tell the others that this writer leaves.  If it is one of ours, returns
 * when what it wrote has been taken, after a second at most. */
void psmx_source_linger(struct psmx_home *home, const struct psmx_guid *writer);

/* topic.c */
struct psmx_topic *psmx_topic_create(struct psmx_instance *instance, const char *name,
                                     const char *type_name, psmx_properties properties,
                                     const struct psmx_type *type, uint32_t type_size);
int32_t psmx_topic_delete(struct psmx_topic *topic);

#endif
