/* handles.h - what one process of the torture has open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TORTURE_HANDLES_H
#define EDDY_TORTURE_HANDLES_H

#include "torture/ringing.h"
#include "torture/witness.h"

/* What was published of each key: the next number, and the first since the key ended. */
struct of_keys {
    uint64_t next[KEYS], since[KEYS];
};

struct writing {
    eddy_writer *handle; /* NULL: closed */
    uint32_t topic, loan_count;
    uint32_t history;        /* what it keeps */
    uint64_t author, number; /* of the next sample */
    uint64_t wait_ns;        /* for room; 0: never */
    struct of_keys keys;
    struct eddy_loan loans[LOANS];
};

struct reading {
    eddy_reader *handle; /* NULL: closed */
    uint32_t topic;
    bool attached, stopped;
    struct eddy_sample kept[KEPT]; /* data NULL: free */
    struct payload was[KEPT];
    struct witness witness;
};

/* One for each role that a process may have. */
enum { OUT_CONSUMER, IN_PRODUCER, FLEETING_PRODUCER, FLEETING_CONSUMER, ROLES };

struct process {
    uint32_t id;
    eddy_domain *domain;
    eddy_waitset *waitset;
    struct writing writers[WRITERS];
    struct reading readers[READERS];
    struct ringing rings[ROLES];
};

/* True: it worked.  False: what the promises allow to be refused was; anything else fails. */
bool let(int result);

/* writing.c */
void writing_open(struct writing *w, eddy_domain *domain, uint32_t topic, uint64_t author,
                  uint64_t seed);
void writing_close(struct writing *w);
void writing_publish(struct writing *w, uint32_t count, uint64_t seed);
void writing_publish_many(struct writing *w, uint32_t count, uint64_t seed);
void writing_hoard(struct writing *w, uint64_t seed);
void writing_discard(struct writing *w, uint64_t seed);
void writing_reserve(struct writing *w, uint64_t seed);

/* reading.c */
/* own: the process's own writers, WRITERS of them, of which it knows what they published; or NULL. */
void reading_open(struct reading *r, eddy_domain *domain, const struct writing *own, uint32_t topic,
                  uint64_t seed);
void reading_close(struct reading *r);
void reading_take(struct reading *r, uint32_t count, uint64_t seed);
void reading_take_many(struct reading *r, uint32_t count, uint64_t seed);
void reading_take_latest(struct reading *r);
void reading_release(struct reading *r, uint32_t count, uint64_t seed);
void reading_wait(struct reading *r, uint64_t seed);
/* Not of one that is attached. */
void reading_stop(struct reading *r);

/* outside.c: what needs no handle of the topic, or only some. */
void outside_act(const struct process *p, const struct event *event);

/* guest.c: a forked child that tries its parent's handles, then takes part by itself. */
void guest_run(struct process *parent, const struct event *event);

#endif
