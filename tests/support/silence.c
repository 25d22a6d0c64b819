/* silence.c - see silence.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "silence.h"

#include "world.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void forbid_system_calls(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
}

void insist(bool holds)
{
    if (!holds)
        syscall(SYS_exit_group, 98);
}

void is_silent(child_main *run)
{
    bool hung;
    world_is_dirty();
    struct child child = child_start(run, NULL);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung);
    if (WIFSIGNALED(status))
        check_fail(CHECK_HERE("is_silent"), "a system call was made");
    same((uint64_t)WEXITSTATUS(status), 0);
}
