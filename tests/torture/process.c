/* process.c - one of those who may be stopped and killed: does what the wire says.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/handles.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- wait set -------------------------------------------------------------------------------- */

/* Open or closed, attached or detached, as it comes. */
static void change_waitset(struct process *p, struct reading *r, uint64_t choice)
{
    if (!p->waitset && !let(timed("eddy_waitset_open", eddy_waitset_open(p->domain, &p->waitset))))
        return;
    uint32_t mode = choice & 1 ? EDDY_WAIT_EDGE : EDDY_WAIT_LEVEL;
    if (r->handle && !r->attached && !r->stopped) {
        must(timed("eddy_waitset_attach_reader",
                   eddy_waitset_attach_reader(p->waitset, r->handle, mode, r)));
        r->attached = true;
    } else if (r->handle && r->attached && choice % 4 == 0) {
        must(
            timed("eddy_waitset_detach_reader", eddy_waitset_detach_reader(p->waitset, r->handle)));
        r->attached = false;
    }
}

static void close_waitset(struct process *p)
{
    must(timed("eddy_waitset_close", eddy_waitset_close(p->waitset)));
    p->waitset = NULL;
    for (int i = 0; i < READERS; i++)
        p->readers[i].attached = false;
}

static void use_waitset(struct process *p, const struct event *event)
{
    void *found[READERS];
    size_t count = 0;
    change_waitset(p, &p->readers[event->handle], event->seed >> 3);
    if (!p->waitset)
        return;
    uint64_t deadline = eddy_deadline(event->seed % (5 * MILLISECOND));
    int result =
        timed("eddy_waitset_wait", eddy_waitset_wait(p->waitset, deadline, found, READERS, &count));
    if (result != EDDY_ETIMEDOUT)
        must(result);
    for (size_t i = 0; result == EDDY_OK && i < count; i++)
        reading_take(found[i], 2, event->seed);
    if (event->seed >> 20 & 1)
        close_waitset(p);
}

/* --- guests ---------------------------------------------------------------------------------- */

static void check_guest(int status)
{
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; /* by itself: guest.c */
    if (!killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        check_fail(CHECK_HERE("guest"), "a forked child ended with status %#x", (unsigned)status);
}

static void gather_guests(int options)
{
    int status;
    while (waitpid(-1, &status, options) > 0)
        check_guest(status);
}

static void fork_guest(struct process *p, const struct event *event)
{
    fflush(NULL);
    board_add(&board_line()->guests, 1);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0)
        guest_run(p, event);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void join(struct process *p)
{
    char name[32];
    snprintf(name, sizeof name, "process %u", p->id);
    struct eddy_domain_options options = {.name = name};
    while (!let(timed("eddy_domain_open", eddy_domain_open(&options, &p->domain))))
        continue;
}

static void leave(struct process *p)
{
    if (p->waitset)
        close_waitset(p);
    for (int i = 0; i < READERS; i++)
        reading_close(&p->readers[i]);
    for (int i = 0; i < WRITERS; i++)
        writing_close(&p->writers[i]);
    for (int i = 0; i < ROLES; i++)
        ringing_close(&p->rings[i], (uint64_t)i);
    must(timed("eddy_domain_close", eddy_domain_close(p->domain)));
}

static void act_writing(struct process *p, const struct event *event)
{
    struct writing *w = &p->writers[event->handle % WRITERS];
    if (event->verb == OPEN_WRITER || event->verb == PUBLISH || event->verb == PUBLISH_MANY)
        writing_open(w, p->domain, event->topic,
                     author_of(p->id, event->handle % WRITERS, event->number), event->seed);
    if (event->verb == CLOSE_WRITER)
        writing_close(w);
    else if (event->verb == PUBLISH)
        writing_publish(w, event->count, event->seed);
    else if (event->verb == PUBLISH_MANY)
        writing_publish_many(w, event->count, event->seed);
    else if (event->verb == RESERVE)
        writing_reserve(w, event->seed);
    else if (event->verb == HOARD)
        writing_hoard(w, event->seed);
    else if (event->verb == DISCARD)
        writing_discard(w, event->seed);
}

static void act_reading(struct process *p, const struct event *event)
{
    struct reading *r = &p->readers[event->handle];
    if (event->verb == OPEN_READER || event->verb == TAKE || event->verb == TAKE_MANY)
        reading_open(r, p->domain, p->writers, event->topic, event->seed);
    if (event->verb == CLOSE_READER)
        reading_close(r);
    else if (event->verb == TAKE)
        reading_take(r, event->count, event->seed);
    else if (event->verb == TAKE_MANY)
        reading_take_many(r, event->count, event->seed);
    else if (event->verb == TAKE_LATEST)
        reading_take_latest(r);
    else if (event->verb == STOP_READER)
        reading_stop(r);
    else if (event->verb == RELEASE)
        reading_release(r, event->count, event->seed);
    else if (event->verb == WAIT)
        reading_wait(r, event->seed);
}

static const struct ringing roles[ROLES] = {
    [OUT_CONSUMER] = {.ring = RING_OUT, .role = EDDY_RING_CONSUMER},
    [IN_PRODUCER] = {.ring = RING_IN, .role = EDDY_RING_PRODUCER},
    [FLEETING_PRODUCER] = {.ring = RING_FLEETING, .role = EDDY_RING_PRODUCER},
    [FLEETING_CONSUMER] = {.ring = RING_FLEETING, .role = EDDY_RING_CONSUMER},
};

static void act_ringing(struct process *p, const struct event *event)
{
    bool fleeting = event->topic & 1;
    uint64_t author = author_of(p->id, 0, event->number);
    struct ringing *producer = &p->rings[fleeting ? FLEETING_PRODUCER : IN_PRODUCER];
    struct ringing *consumer = &p->rings[fleeting ? FLEETING_CONSUMER : OUT_CONSUMER];
    if (event->verb == RING_PRODUCE) {
        ringing_open(producer, p->domain, author, event->seed);
        ringing_produce(producer, event->count, event->seed);
    } else if (event->verb == RING_CONSUME) {
        ringing_open(consumer, p->domain, author, event->seed);
        ringing_consume(consumer, event->count, event->seed);
    } else if (event->verb == RING_CLOSE) {
        ringing_close(&p->rings[event->handle], event->seed);
    } else {
        ringing_end(&p->rings[FLEETING_PRODUCER], event->seed);
    }
}

static void act(struct process *p, const struct event *event)
{
    switch (event->verb) {
    case OPEN_WRITER:
    case CLOSE_WRITER:
    case PUBLISH:
    case PUBLISH_MANY:
    case HOARD:
    case DISCARD:
    case RESERVE:
        act_writing(p, event);
        break;
    case RING_PRODUCE:
    case RING_CONSUME:
    case RING_CLOSE:
    case RING_END:
        act_ringing(p, event);
        break;
    case WAITSET:
        use_waitset(p, event);
        break;
    case FORK:
        fork_guest(p, event);
        break;
    case GC:
    case LOOK:
    case TRIM:
    case LET_GO:
    case KICK:
        outside_act(p, event);
        break;
    case LEAVE:
        leave(p);
        join(p);
        break;
    default:
        act_reading(p, event);
    }
}

void process_run(int wire, uint32_t process)
{
    static struct process p;
    struct event event;
    board_sign(process);
    p.id = process;
    memcpy(p.rings, roles, sizeof roles);
    join(&p);
    for (;;) {
        ssize_t got = recv(wire, &event, sizeof event, 0);
        if (got < 0 && errno == EINTR)
            continue;
        check(got == (ssize_t)sizeof event);
        if (event.verb == QUIT)
            break;
        act(&p, &event);
        gather_guests(WNOHANG);
    }
    leave(&p);
    gather_guests(0);
}
