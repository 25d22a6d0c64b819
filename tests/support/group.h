/* group.h - a group's folder, and processes of several users in and outside of that group.
 *
 * GROUP_TEST: the world's folder is made what `install -d -m 2770 -g GROUP` makes.  It begins
 * with need_others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_GROUP_H
#define EDDY_TESTS_GROUP_H

#include "child.h"
#include "world.h"

#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Numbers that no system gives to anybody.  A user's own group has the user's number. */
enum { GROUP = 54320, ALICE = 54321, BOB = 54322, MALLORY = 54323 };

static inline void make_groups(const char *dir, uid_t owner, mode_t mode)
{
    check(chown(dir, owner, GROUP) == 0); /* which drops the bits */
    check(chmod(dir, mode) == 0);
}

static inline int group_setup(void **state)
{
    if (world_setup(state) != 0)
        return -1;
    if (may_be_others())
        make_groups(world_dir(), 0, 02770);
    return 0;
}

#define GROUP_TEST(function) cmocka_unit_test_setup_teardown(function, group_setup, world_teardown)

static inline void become(uid_t user)
{
    static const gid_t group = GROUP;
    check(setgroups(user == MALLORY ? 0 : 1, &group) == 0);
    check(setgid(user) == 0 && setuid(user) == 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* which that undid */
    umask(user == ALICE ? 0777 : 022);
}

/* A process of that user. */
struct actor {
    uid_t user;
    child_main *play;
    void *argument;
};

static inline void act(int wire, void *argument)
{
    const struct actor *actor = argument;
    become(actor->user);
    actor->play(wire, actor->argument);
}

static inline struct child child_as(uid_t user, child_main *play, void *argument)
{
    struct actor actor = {user, play, argument};
    return child_start(act, &actor);
}

/* The same, to its end. */
static inline void run_as(uid_t user, child_main *play, void *argument)
{
    struct child child = child_as(user, play, argument);
    child_join(&child);
}

#endif
