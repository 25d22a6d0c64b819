/* points.c - see points.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

#include "points_list.h"
#include "world.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POINTS = sizeof points / sizeof *points, FEW_TIMES = 6 };

void (*eddy_point_hook)(const char *name);
struct points_plan plan;

const char *const *const points_all = points;
const size_t points_all_count = POINTS;

/* How often the actors of a scene came to each point; shared with them. */
static _Atomic unsigned *arrivals;

size_t points_index(const char *name)
{
    for (size_t i = 0; i < POINTS; i++)
        if (strcmp(points[i], name) == 0)
            return i;
    check_fail(CHECK_HERE("points_index"), "%s is not in the list of points", name);
}

/* --- in the actor ---------------------------------------------------------------------------- */

void points_arrive(const char *name)
{
    if (!plan.point)
        atomic_fetch_add(&arrivals[points_index(name)], 1);
    else if (strcmp(name, plan.point) == 0 && plan.countdown > 0 && --plan.countdown == 0)
        kill(getpid(), plan.blow == KILL ? SIGKILL : SIGSTOP);
}

void points_arm(void)
{
    eddy_point_hook = points_arrive;
}

/* --- around it ------------------------------------------------------------------------------- */

bool points_is_over(struct child *child, bool *struck)
{
    siginfo_t news = {0};
    check(waitid(P_PID, (id_t)child->pid, &news, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0);
    *struck = news.si_pid == child->pid &&
              (news.si_code == CLD_STOPPED ||
               (news.si_code == CLD_KILLED && news.si_status == SIGKILL && plan.point));
    return news.si_pid == child->pid;
}

bool points_bury(struct child *child)
{
    bool hung;
    int status = child_status(child, PATIENCE_MS, &hung);
    if (hung || (WIFEXITED(status) && WEXITSTATUS(status) != 0) ||
        (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL))
        check_fail(CHECK_HERE("points_bury"), "the actor failed (%#x) with a blow at %s, time %u",
                   status, plan.point ? plan.point : "nothing", plan.countdown);
    return WIFSIGNALED(status);
}

bool points_play(child_main *actor, void *argument, void (*meanwhile)(void))
{
    bool struck = false;
    struct child child = child_start(actor, argument);
    uint64_t deadline = patience();
    while (!points_is_over(&child, &struck))
        check(eddy_now() < deadline);
    if (struck && plan.blow == STOP) {
        check(waitpid(child.pid, NULL, WUNTRACED) == child.pid);
        meanwhile();
        child_continue(&child);
    }
    (void)points_bury(&child);
    return struck;
}

void points_insist(int error, const char *call)
{
    if (error != EDDY_OK)
        check_fail(CHECK_HERE("points_insist"), "%s gives %s (%s) after a blow at %s", call,
                   eddy_error_name(error), eddy_last_error(), plan.point ? plan.point : "nothing");
}

/* --- everywhere ------------------------------------------------------------------------------ */

static bool begins(const char *point, const char *kind)
{
    return strncmp(point, kind, strlen(kind)) == 0;
}

static bool is_wanted(const char *point, const char *const *kinds)
{
    static const char *const others[] = {"slots-",   "kind-",     "ring-",   "region-", "logs:",
                                         "orphans:", "exchange:", "export:", "reclaim:"};
    const char *only = getenv("EDDY_TEST_POINT");
    if (only)
        return strcmp(point, only) == 0;
    bool wanted = false, other = false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        other |= begins(point, others[i]);
    for (; *kinds && !wanted; kinds++)
        wanted = **kinds ? begins(point, *kinds) : !other;
    return wanted;
}

static bool is_among(const char *point, const char *const *list)
{
    for (; list && *list; list++)
        if (strcmp(point, *list) == 0)
            return true;
    return false;
}

static bool strike_once(const struct points_scene *scene, const char *point, unsigned time,
                        enum blow blow)
{
    plan = (struct points_plan){.point = point, .countdown = time, .blow = blow};
    return scene->play(scene->context);
}

/* Each time, if they are few, else the first two, one in the middle and the last.  With threads the
 * last need not come again. */
static unsigned strike_at(const struct points_scene *scene, const char *point, unsigned times,
                          enum blow blow)
{
    unsigned fell = 0;
    for (unsigned time = 1; time <= times; time++)
        if (times <= FEW_TIMES || time <= 2 || time == times / 2 || time == times)
            fell += strike_once(scene, point, time, blow);
    return fell;
}

static unsigned strike_scene(const struct points_scene *scene, enum blow blow,
                             const char *const *kinds, bool reached[POINTS])
{
    unsigned fell = 0;
    memset((void *)arrivals, 0, POINTS * sizeof *arrivals);
    plan = (struct points_plan){0};
    scene->play(scene->context);
    for (size_t i = 0; i < POINTS; i++) {
        unsigned times = atomic_load(&arrivals[i]);
        if (times == 0 || !is_wanted(points[i], kinds))
            continue;
        reached[i] = true;
        fell += strike_at(scene, points[i], times, blow);
    }
    printf("%s: %u blows\n", scene->name, fell);
    return fell;
}

void points_strike_all(const struct points_scene *scenes, size_t count, enum blow blow,
                       const char *const *kinds, const char *const *never)
{
    bool reached[POINTS] = {0};
    unsigned missed = 0, fell = 0;
    arrivals = mmap(NULL, POINTS * sizeof *arrivals, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(arrivals != MAP_FAILED);
    for (size_t i = 0; i < count; i++)
        fell += strike_scene(&scenes[i], blow, kinds, reached);
    for (size_t i = 0; i < POINTS; i++)
        if (!reached[i] && is_wanted(points[i], kinds) && !is_among(points[i], never)) {
            fprintf(stderr, "nobody comes to %s\n", points[i]);
            missed++;
        }
    munmap((void *)arrivals, POINTS * sizeof *arrivals);
    plan = (struct points_plan){0};
    printf("%u blows\n", fell);
    same(missed, 0);
}
