/* actor.c - see actor.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "actor.h"

#include "actor_roles.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

const struct eddy_writer_options actor_writing = {
    .limit_bytes = ACTOR_LIMIT, .history = 3, .blob = "writes", .blob_size = 6};

pid_t actor_start_other(const char *point, enum blow blow, void (*act)(void))
{
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        plan = (struct points_plan){.point = point, .countdown = 1, .blow = blow};
        points_arm();
        act();
        _exit(0); /* without having come there */
    }
    return pid;
}

/* At a point, or by its own hand. */
void actor_let_die(const char *point, void (*act)(void))
{
    int status;
    pid_t pid = actor_start_other(point, KILL, act);
    check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

void actor_grow_elsewhere(void)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "elsewhere", NULL);
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, 100, patience(), &loan));
    _exit(0);
}

const struct actor_role actor_roles[] = {
    {"writer", actor_write_only, ACTOR_MANY, false},
    {"grower", actor_grow, ACTOR_FEW, false},
    {"who goes on growing", actor_go_on_growing, 0, false},
    {"reliable reader", actor_read_reliably, ACTOR_FEW, true},
    {"best-effort reader", actor_read_what_comes, ACTOR_FEW, false},
    {"who works in groups", actor_work_in_groups, ACTOR_FEW, true},
    {"reader too late", actor_read_too_late, 0, false},
    {"many readers", actor_read_with_many, 0, false},
    {"second in line", actor_wait_in_line, 0, false},
    {"who lets go", actor_let_go_and_come_back, 0, false},
    {"waiter", actor_wait_for_news, 0, false},
    {"loop", actor_run_a_loop, 0, false},
    {"opener", actor_open_only, 0, false},
    {"opener in turn", actor_open_in_turn, 0, false},
    {"reaper", actor_reap, 0, false},
    {"claimer past the dead", actor_claim_past_the_dead, 0, false},
    {"reaper of half a block", actor_reap_half_a_block, 0, false},
    {"trimmer", actor_trim, 0, false},
    {"who reserves", actor_reserve, 0, false},
    {"one alone", actor_be_alone, 0, false},
};
const size_t actor_role_count = sizeof actor_roles / sizeof *actor_roles;
