/* stuck_name_test.c - a name whose holder is stopped keeps from others this one name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/thread.h"
#include "support/world.h"

#include "allocator/point.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, OTHERS = 50 };

void (*eddy_point_hook)(const char *name);

static atomic_uint waiting;

static void stop_there(const char *point)
{
    if (strcmp(point, "open:found") == 0)
        kill(getpid(), SIGSTOP);
}

static void hold_the_name(int wire, void *unused)
{
    (void)wire, (void)unused;
    eddy_domain *domain = open_domain();
    eddy_point_hook = stop_there;
    must(eddy_writer_close(open_writer(domain, "stuck", NULL)));
    must(eddy_domain_close(domain));
}

static void count_waits(const char *point)
{
    if (strcmp(point, "lock:busy") == 0)
        atomic_fetch_add(&waiting, 1);
}

static void *open_it_too(void *domain)
{
    must(eddy_writer_close(open_writer(domain, "stuck", NULL)));
    return NULL;
}

static void a_name_that_is_stuck_keeps_nobody_from_others(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    siginfo_t news = {0};
    eddy_domain *domain = open_domain();
    struct child child = child_start(hold_the_name, NULL);
    check(waitid(P_PID, (id_t)child.pid, &news, WSTOPPED | WEXITED | WNOWAIT) == 0);
    same((uint64_t)news.si_code, CLD_STOPPED);
    atomic_store(&waiting, 0);
    eddy_point_hook = count_waits;
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(open_it_too, domain);
    for (uint64_t end = patience(); atomic_load(&waiting) == 0;)
        check(eddy_now() < end);
    uint64_t began = eddy_now();
    for (int i = 0; i < OTHERS; i++)
        must(eddy_writer_close(open_writer(domain, "free", NULL)));
    check(eddy_now() - began < 2 * SECOND);
    child_continue(&child);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    child_join(&child);
    eddy_point_hook = NULL;
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_name_that_is_stuck_keeps_nobody_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
