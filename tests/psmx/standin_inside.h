/* standin_inside.h - what the two parts of the stand-in have in common.
 *
 * Locks:   `standin_all` guards the lists; a reader's `lock` is held over store() and its listener,
 *          `cache_lock` over its cache and what is freed of it.  Order: lock, cache_lock; no call of
 *          the plug-in but free with cache_lock, none at all with standin_all.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_STANDIN_INSIDE_H
#define EDDY_TESTS_STANDIN_INSIDE_H

#include "standin.h"

#include <pthread.h>

/* As libddsc exports them: the plug-in looks for them in its caller. */
#define STANDIN_API __attribute__((visibility("default")))

/* What the plug-in looks up, all with the signatures that it takes them to have. */
#define STANDIN_DECLARE(result, name, arguments) STANDIN_API result name arguments;
PSMX_FUNCTIONS(STANDIN_DECLARE)
/* Not for the plug-in's thread: it may wait for it. */
STANDIN_API int32_t dds_lookup_participant(uint32_t number, int32_t *participants, size_t room);

enum standin_kind { STANDIN_PARTICIPANT, STANDIN_READER, STANDIN_BUILTIN };

/* First in whatever has a handle; under standin_all. */
struct standin_entity {
    struct standin_entity *next;
    int32_t handle;
    enum standin_kind kind;
    unsigned pins;
    bool is_closed;
    struct standin_domain *domain;
};

struct standin_domain {
    struct standin_entity participant;
    uint32_t number;
    struct psmx_instance *psmx;
};

struct standin_cached {
    struct standin_cached *next;
    struct psmx_loan *loan;
};

/* How often a reader was asked for a writer that it did not know. */
struct standin_asked {
    struct standin_asked *next;
    struct psmx_guid writer;
    unsigned times;
};

struct standin_reader {
    struct standin_entity entity;
    struct psmx_topic *topic;
    struct psmx_endpoint *endpoint;
    struct psmx_qos qos;
    pthread_mutex_t lock, cache_lock;
    struct standin_asked *asked; /* under lock */
    standin_listener *listener;
    void *argument;
    struct standin_cached *first, *last; /* under cache_lock */
    int32_t count;
};

extern pthread_mutex_t standin_all;
extern struct standin_entity *standin_entities; /* under standin_all, as the next */
extern struct standin_writer *standin_writers;

struct standin_writer {
    struct standin_writer *next; /* of those that all domains know; under standin_all */
    struct standin_domain *domain;
    struct psmx_topic *topic;
    struct psmx_endpoint *endpoint;
    struct psmx_guid me;
    uint64_t written;
    pthread_mutex_t lock;
};

/* Keeps the loan until standin_sweep. */
void standin_keep(struct standin_cached *cached);

/* A reader of the builtin topic of writers. */
struct standin_builtin {
    struct standin_entity entity;
    pthread_mutex_t lock, cache_lock;
    void (*call)(int32_t reader, void *argument);
    void *argument;
    struct standin_news *first, *last;
};

void standin_enter(struct standin_entity *entity, enum standin_kind kind,
                   struct standin_domain *domain);
/* Nobody finds it any more; returns when nobody has it pinned. */
void standin_leave(struct standin_entity *entity);
/* NULL: there is no such entity. */
struct standin_entity *standin_pin(int32_t handle);
void standin_unpin(struct standin_entity *entity);
/* Whose a writer is, of those that all know; NULL: nobody's in this process. */
struct standin_domain *standin_domain_of(const struct psmx_guid *writer);
/* Returns when no last domain is being closed. */
void standin_await_end(void);
/* The handle of its participant. */
int32_t standin_participant(const struct standin_domain *domain);
/* Tells each builtin reader in (or, not `inside`, outside of) the domain. */
void standin_tell(struct standin_domain *domain, bool inside, const struct psmx_guid *writer,
                  bool is_there);
/* Tells this one of all writers that there are. */
void standin_tell_of_all(int32_t builtin);

#endif
