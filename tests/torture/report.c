/* report.c - what the controller shows while it runs and at the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/board.h"
#include "torture/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUM(field) board_sum(offsetof(struct line, field))

static const uint64_t show_every = SECOND / 4, watch_every = SECOND / 2, too_long = 30 * SECOND;

void report_progress(struct control *c)
{
    uint64_t now = eddy_now();
    if (!isatty(STDERR_FILENO) || now - c->shown < show_every)
        return;
    c->shown = now;
    fprintf(stderr,
            "\r%5.0f s  %" PRIu64 " events  %" PRIu64 " published  %" PRIu64 " taken  %" PRIu64
            " killed  %" PRIu64 " stopped   ",
            (double)(now - c->started) / (double)SECOND, c->plan.number, SUM(published), SUM(taken),
            c->counts[KILL], c->counts[STOP]);
    fflush(stderr);
}

static void watch_call(const struct control *c, uint32_t line)
{
    const struct line *l = &board->lines[line];
    uint64_t since = atomic_load(&l->since), now = eddy_now();
    bool stands = line < MOST_PROCESSES && (c->stands[line] || !c->runs[line]);
    if (since == 0 || stands || now < since + too_long)
        return;
    check_fail(CHECK_HERE("stall"), "%s %u has been in %s for %.0f s",
               line == CHECKER ? "checker" : "process", line, atomic_load(&l->what),
               (double)(now - since) / (double)SECOND);
}

static void watch_life(const struct control *c, uint32_t process)
{
    siginfo_t info = {0};
    const struct child *child = process == CHECKER ? &c->checker : &c->processes[process];
    if (process < MOST_PROCESSES && !c->runs[process])
        return;
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
        check_fail(CHECK_HERE("life"), "%s %u ended by itself, %s %d; it says why above",
                   process == CHECKER ? "checker" : "process", process,
                   info.si_code == CLD_EXITED ? "exit code" : "signal", info.si_status);
}

/* Forked children of those who were killed. */
static void bury_orphans(const struct control *c)
{
    siginfo_t info = {0};
    while (waitid(P_PGID, (id_t)getpgrp(), &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        for (uint32_t i = 0; i < c->settings.processes; i++)
            if (info.si_pid == 0 || info.si_pid == c->processes[i].pid)
                return;
        waitpid(info.si_pid, NULL, 0);
        info.si_pid = 0;
    }
}

void report_watch(struct control *c)
{
    uint64_t now = eddy_now();
    if (now - c->watched < watch_every)
        return;
    c->watched = now;
    bury_orphans(c);
    for (uint32_t i = 0; i <= CHECKER; i++) {
        if (i >= c->settings.processes && i != CHECKER)
            continue;
        watch_life(c, i);
        watch_call(c, i);
    }
}

static void report_longest(void)
{
    const struct line *longest = &board->lines[0];
    for (uint32_t i = 0; i < GUEST; i++)
        if (atomic_load(&board->lines[i].longest) > atomic_load(&longest->longest))
            longest = &board->lines[i];
    printf("longest stall %.1f ms, in %s\n",
           (double)atomic_load(&longest->longest) / (double)MILLISECOND,
           atomic_load(&longest->longest_what));
}

void report_summary(const struct control *c)
{
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    printf("%" PRIu64 " events in %.1f s: %" PRIu64 " killed, %" PRIu64
           " times all killed, %" PRIu64 " stopped, %" PRIu64 " quit, %" PRIu64 " started, %" PRIu64
           " forked, %" PRIu64 " opened\n",
           c->plan.number, (double)(eddy_now() - c->started) / (double)SECOND, c->counts[KILL],
           c->counts[KILL_ALL], c->counts[STOP], c->counts[QUIT], c->counts[START], SUM(guests),
           SUM(opened));
    printf("%" PRIu64 " samples published, %" PRIu64 " taken, %" PRIu64
           " skipped by the checker's best-effort readers; %" PRIu64 " calls, %" PRIu64
           " without room in time, %" PRIu64 " busy\n",
           SUM(published), SUM(taken), atomic_load(&board->skipped), SUM(calls), SUM(refused),
           SUM(busy));
    printf("%" PRIu64 " samples from before their reader's time, %" PRIu64
           " times let go of a reader, %" PRIu64 " MiB trimmed\n",
           SUM(past), SUM(told), SUM(trimmed) >> 20);
    printf("rings: %" PRIu64 " times opened, %" PRIu64 " chunks produced, %" PRIu64
           " consumed, %" PRIu64 " of them redelivered; %" PRIu64
           " calls with no room, nothing there or the role taken\n",
           SUM(ring_opened), SUM(produced), SUM(consumed), SUM(redelivered), SUM(ring_refused));
    report_longest();
    printf("shared memory at most:");
    for (uint32_t i = 0; i < STEADY; i++)
        printf(" %s %.1f MiB%s", topics[i].name,
               (double)atomic_load(&board->shared_bytes[i]) / 1048576.,
               i + 1 < STEADY ? "," : "\n");
}
