/* standin.h - plays Cyclone DDS 11 to the plug-in: as much of it as that can see.
 *
 *   domain opened (the plug-in is created) -> readers, writers -> closed -> domain closed (deleted)
 *
 * It calls the plug-in as libddsc 11.0.1 does, in its order and with its locks held, and has the
 * functions that the plug-in looks up in its caller.  So the plug-in can run under ThreadSanitizer,
 * which sees nothing in a libddsc that was not built for it, and can be stopped at its points.
 *
 *   store()    pins the reader, holds its lock, passes own writers over, says NOT_FOUND of those it
 *              does not know, keeps raw samples and copies others, frees what it overwrites, and
 *              calls the program's listener on that thread
 *   a writer   that comes or goes is told of in its own domain first, then in the others of this
 *              process, by the reader of the builtin topic that the plug-in has there
 *   closing    a reader waits until nobody is in store() of it; what is in its cache goes later, from
 *              another thread (standin_sweep); while the last domain is being closed, and waits for
 *              the plug-in, whoever looks for participants by their domain waits until it is
 *
 * Threads: any may call anything; calls for one writer are put one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_STANDIN_H
#define EDDY_TESTS_STANDIN_H

#include "transport/psmx/cyclone.h"

#include <stdatomic.h>

/* QoS, as far as it matters here; all zero: best-effort, keep last 1. */
struct psmx_qos {
    bool is_reliable, keeps_all;
    int32_t depth;
    int64_t blocking;      /* ns */
    int32_t limit;         /* samples in a reader's cache; 0: any number */
    int32_t kept;          /* for late readers; 0: volatile */
    const char *partition; /* several with commas between them; NULL: none */
};

struct standin_domain;
struct standin_reader;
struct standin_writer;

typedef void standin_listener(struct standin_reader *reader, void *argument);

/* NULL: the plug-in says no, or no memory; *result has what. */
struct standin_domain *standin_domain_open(uint32_t number, const char *config, int32_t *result);
/* All of its readers and writers are closed. */
void standin_domain_close(struct standin_domain *domain);
/* The last one is being closed. */
bool standin_is_ending(void);

/* The plug-in is told who writes there. */
bool standin_hears(struct standin_domain *domain);

/* `listener` may be NULL. */
struct standin_reader *standin_reader_open(struct standin_domain *domain, const char *topic,
                                           const struct psmx_qos *qos, standin_listener *listener,
                                           void *argument);
/* The oldest in its cache, which is the caller's until standin_free, also when the reader is closed.
 * NULL: there is none. */
struct psmx_loan *standin_take(struct standin_reader *reader);
/* Not from its own listener. */
void standin_reader_close(struct standin_reader *reader);

struct standin_writer *standin_writer_open(struct standin_domain *domain, const char *topic,
                                           const struct psmx_qos *qos);
/* To be filled, then written, or given back with standin_free, which may be when the writer is closed.
 * NULL: the plug-in has none. */
struct psmx_loan *standin_loan(struct standin_writer *writer, uint32_t size);
/* As it is in memory (raw), or as if it were serialized.  The loan is used up either way; one in
 * eight is kept as the cache of a writer may keep it (standin_sweep). */
int32_t standin_write(struct standin_writer *writer, struct psmx_loan *loan, bool is_raw);
void standin_writer_close(struct standin_writer *writer);

void standin_free(struct psmx_loan *loan);
/* What threads of Cyclone DDS do: gives back what caches have let go of. */
void standin_sweep(void);

/* How often a reader is told that it does not know a writer, until it does. */
extern atomic_uint standin_lag;

#endif
