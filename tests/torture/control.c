/* control.c - see control.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/control.h"

#include "torture/board.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum { QUEUE_BYTES = 16 << 10, LOOK_MS = 200, LONG_MS = 500 };

struct beginning {
    uint32_t process;
};

/* By hand: the run ends as if its time were up. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void checker_main(int wire, void *argument)
{
    signal(SIGINT, SIG_IGN);
    checker_run(wire, argument);
}

static void process_main(int wire, void *argument)
{
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_IGN); /* a terminal sends it to all */
    process_run(wire, ((struct beginning *)argument)->process);
}

static void start(struct control *c, uint32_t process)
{
    struct beginning beginning = {process};
    struct child *child = &c->processes[process];
    *child = child_start(process_main, &beginning);
    /* A short queue: what was sent to one who is killed never happens. */
    setsockopt(child->wire, SOL_SOCKET, SO_SNDBUF, &(int){QUEUE_BYTES}, sizeof(int));
    c->runs[process] = true;
    c->stands[process] = false;
}

static void kill_one(struct control *c, uint32_t process)
{
    if (!c->runs[process])
        return;
    child_kill(&c->processes[process]);
    c->runs[process] = false;
}

static void stop_one(struct control *c, uint32_t process)
{
    board_add(&board->lines[process].stops, 1);
    child_stop(&c->processes[process]);
    c->stands[process] = true;
}

static void continue_one(struct control *c, uint32_t process)
{
    child_continue(&c->processes[process]);
    c->stands[process] = false;
    board_add(&board->lines[process].stops, 1);
}

/* Whoever holds up those whom we wait for, while the schedule stands still: one who is stopped with
 * the lock of a topic would do so for 5 s. */
static void continue_all(struct control *c)
{
    for (uint32_t i = 0; i < c->settings.processes; i++)
        if (c->runs[i] && c->stands[i])
            continue_one(c, i);
}

/* Waits while the process is behind with what it was told. */
static void tell(struct control *c, const struct event *event)
{
    int wire = c->processes[event->process].wire;
    uint64_t began = eddy_now();
    while (send(wire, event, sizeof *event, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            report_watch(c);
            check_fail(CHECK_HERE("tell"), "process %u is gone", event->process);
        }
        poll(&(struct pollfd){.fd = wire, .events = POLLOUT}, 1, LOOK_MS);
        report_progress(c);
        report_watch(c);
        if (eddy_now() - began > LONG_MS * MILLISECOND)
            continue_all(c);
    }
}

static void quit_one(struct control *c, uint32_t process)
{
    struct event quit = {.process = process, .verb = QUIT};
    struct child *child = &c->processes[process];
    tell(c, &quit);
    if (poll(&(struct pollfd){.fd = child->wire, .events = POLLIN}, 1, LONG_MS) == 0)
        continue_all(c);
    child_join(child);
    c->runs[process] = false;
}

static void carry_out(struct control *c, const struct event *event)
{
    c->counts[event->verb]++;
    switch (event->verb) {
    case START:
        start(c, event->process);
        break;
    case KILL:
        kill_one(c, event->process);
        break;
    case KILL_ALL:
        for (uint32_t i = 0; i < c->settings.processes; i++)
            kill_one(c, i);
        break;
    case STOP:
        stop_one(c, event->process);
        break;
    case CONTINUE:
        if (c->stands[event->process])
            continue_one(c, event->process);
        break;
    case QUIT:
        quit_one(c, event->process);
        break;
    default:
        tell(c, event);
    }
}

static void pause_for(uint32_t microseconds)
{
    struct timespec pause = {.tv_nsec = (long)microseconds * 1000};
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR)
        continue;
}

static bool goes_on(const struct control *c)
{
    if (interrupted)
        return false;
    if (c->settings.events > 0)
        return c->plan.number < c->settings.events;
    return (double)(eddy_now() - c->started) < c->settings.seconds * (double)SECOND;
}

/* Half of them in order, half by force. */
static void end_all(struct control *c)
{
    continue_all(c);
    for (uint32_t i = 0; i < c->settings.processes; i++) {
        if (i % 2 == 0)
            kill_one(c, i);
        else if (c->runs[i])
            quit_one(c, i);
    }
    /* Forked children of those who were killed: they came to us, and are killed, too. */
    while (waitpid(0, NULL, 0) > 0)
        continue;
}

void control_run(struct control *c, const struct settings *settings)
{
    *c = (struct control){.settings = *settings, .started = eddy_now()};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    board_create();
    board->processes = settings->processes;
    plan_begin(&c->plan, settings->seed, settings->processes);
    c->checker = child_start(checker_main, NULL);
    wire_expect(c->checker.wire, WIRE_READY);
    while (goes_on(c)) {
        struct event event = plan_next(&c->plan);
        pause_for(event.pause_us);
        if (settings->trace)
            plan_print(stdout, &event);
        carry_out(c, &event);
        report_progress(c);
        report_watch(c);
    }
    end_all(c);
    wire_say(c->checker.wire, WIRE_DONE);
    child_join(&c->checker);
    world_must_be_empty();
}
