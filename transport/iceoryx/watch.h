/* watch.h - what a listener or a wait set watches.  (internal)
 *
 *            attach            detach
 *   (pool) ---------> WATCHED --------> (pool)
 *                        | its callback runs
 *                        '------------> LEAVING --callback returned--> (pool)
 *
 * A watch ties an origin (subscriber or user trigger) to a watcher (listener or wait set).  An
 * origin has one watch at most: attaching it elsewhere takes it away from where it was, as in
 * iceoryx. Watches are never freed before their watcher closes, so that a wait that has already
 * reported one may still look at it; at worst its next origin gets a callback for nothing.
 *
 * Locks: `wiring` (one for the process) guards who watches what; then the watcher's; then a
 * subscriber's.  None is held while a callback runs.
 *
 * Threads: any.  detach returns when no callback of the origin runs and none will start, except
 * from inside that callback, where it returns at once. Crash:   private memory; see eddy/waitset.h
 * for what the engine leaves.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_WATCH_H
#define EDDY_ICEORYX_WATCH_H

#include "binding.h"

#include <pthread.h>

enum eddy_watch_kind { EDDY_WATCH_EVENT, EDDY_WATCH_STATE, EDDY_WATCH_TRIGGER };

/* Whom to call: the one of the four that is set, or nobody. */
struct eddy_callback {
    void (*sub)(iox_sub_t);
    void (*sub_with)(iox_sub_t, void *);
    void (*trigger)(iox_user_trigger_t);
    void (*trigger_with)(iox_user_trigger_t, void *);
    void *context;
};

/* What a program gets from a wait set. */
struct NotificationInfo {
    enum eddy_watch_kind kind;
    iox_sub_t sub;              /* NULL for a trigger */
    iox_user_trigger_t trigger; /* NULL for a subscriber */
    uint64_t id;
    struct eddy_callback callback;
};

enum eddy_watch_state { EDDY_WATCH_POOLED, EDDY_WATCH_WATCHED, EDDY_WATCH_LEAVING };

struct eddy_watch {
    struct NotificationInfo info; /* first: programs hold pointers to it */
    enum eddy_watch_state state;
    struct eddy_watcher *watcher; /* for good */
    uint64_t again_at;            /* listener: a turn is due then, whatever comes; 0: no */
    uint64_t turns;               /* callbacks begun */
    uint64_t retry_ns;            /* the pause before the reader is opened again; 0: it is */
    bool active;                  /* wait set: reported and not yet handed out */
    struct eddy_watch *next;      /* all watches of the watcher */
};

struct eddy_watcher {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a callback has returned, or somebody woke it */
    eddy_waitset *waitset;  /* NULL: could not be had; nothing can be attached */
    eddy_event *wake;       /* its context is NULL */
    struct eddy_watch *watches;
    size_t watched, due;        /* how many have a turn due */
    struct eddy_watch *running; /* whose callback runs */
    uint64_t runs;              /* callbacks that have returned */
    unsigned waiters;           /* threads that wait for a turn: it stays as long */
    pthread_t thread;           /* that calls back, if has_thread */
    bool has_thread;
    unsigned generation;       /* of the domain that the wait set is in */
    struct eddy_watcher *next; /* see renewal.c */
};

enum eddy_attach { EDDY_ATTACHED, EDDY_ATTACHED_BEFORE, EDDY_ATTACH_FULL, EDDY_ATTACH_FAILED };

/* A watcher that could not be opened is one to which nothing can be attached. */
void eddy_watcher_open(struct eddy_watcher *watcher);
/* Detaches everything.  Nobody may be waiting. */
void eddy_watcher_close(struct eddy_watcher *watcher);
/* Moves to the domain that there is now, if it is another.  In the thread that calls back. */
void eddy_watcher_renew(struct eddy_watcher *watcher);
/* Opens the reader of a subscriber that could not be opened, and watches it.  In the thread that calls
 * back.  False: it cannot be had now, either. */
bool eddy_watch_retry(struct eddy_watch *watch);
/* Ends a wait that is under way or about to begin. */
void eddy_watcher_wake(struct eddy_watcher *watcher);
size_t eddy_watcher_count(struct eddy_watcher *watcher);

enum eddy_attach eddy_watcher_attach(struct eddy_watcher *watcher,
                                     const struct NotificationInfo *info);
/* No-op unless it is attached here, as one of these two kinds. */
void eddy_watcher_detach_sub(struct eddy_watcher *watcher, iox_sub_t sub,
                             enum eddy_watch_kind kind);
void eddy_watcher_detach_trigger(struct eddy_watcher *watcher, iox_user_trigger_t trigger);
/* Wherever it is attached. */
void eddy_watch_leave_sub(iox_sub_t sub);
void eddy_watch_leave_trigger(iox_user_trigger_t trigger);

/* Around a change of a subscriber's reader, with the change in between: its watch lets go of the
 * reader it has, and takes up the one that there is then. */
void eddy_watch_pause_sub(iox_sub_t sub);
void eddy_watch_resume_sub(iox_sub_t sub);

/* Under the watcher's lock: a turn at that moment, or (0) none but for what comes. */
void eddy_watch_set_again(struct eddy_watch *watch, uint64_t moment);
/* Calls back for one that a wait reported or whose turn is due, unless it has left. */
void eddy_watch_run(struct eddy_watch *watch);
/* A turn that is to begin, in the thread of its listener. */
struct eddy_turn {
    struct eddy_watch *watch;
    uint64_t number;
};
/* Asks for a turn of this subscriber as soon as may be; with `turn`, for somebody who then waits for
 * it.  False: it is not on a listener, or this is the listener's own thread. */
bool eddy_watch_ask_turn(iox_sub_t sub, struct eddy_turn *turn);

/* Asks for one more turn, also from within one: there was more than could be looked at.  False: it
 * is not on a listener. */
bool eddy_watch_come_again(iox_sub_t sub);
/* Waits until the turn is over, the subscriber has left, or the deadline has passed.  Each turn that
 * was asked for must be waited for, with no lock held that a callback may take. */
void eddy_watch_await_turn(const struct eddy_turn *turn, uint64_t deadline);
/* Marks a trigger as handled and calls its callback, if any. */
void eddy_notification_call(const struct NotificationInfo *info);

#endif
