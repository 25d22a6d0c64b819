/* messages_test.c - one call-back gets all that the library has to say.  spec/api.md, "Messages"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/said.h"
#include "support/thread.h"
#include "support/world.h"

#include <eddy/log.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVIL  "\x1b[2J\n\xc2\x9b"
#define SHOWN "\\x1b[2J\\n\\xc2\\x9b"

#define LEVELS (EDDY_LOG_DEBUG + 1)

struct heard {
    unsigned count[LEVELS];
    char last[LEVELS][1100];
};

static void hear(void *context, enum eddy_log_level level, const char *text)
{
    struct heard *heard = context;
    check(level > EDDY_LOG_NONE && level <= EDDY_LOG_DEBUG);
    heard->count[level]++;
    snprintf(heard->last[level], sizeof heard->last[level], "%s", text);
}

static void unset(void)
{
    must(eddy_log_set(NULL, NULL, EDDY_LOG_NONE));
}

/* One message of each level: of the engine, the engine, the engine, and a binding. */
static void say_everything(void)
{
    eddy_domain *domain, *none;
    must(eddy_domain_open(NULL, &domain));
    must_fail(eddy_domain_open(&(struct eddy_domain_options){.dir = "/proc/" EVIL}, &none),
              EDDY_ENOENT);
    must_fail(eddy_waitset_open(NULL, NULL), EDDY_EINVAL);
    eddy_log_say(EDDY_LOG_ERROR, EDDY_LOG_NONE, "binding " EVIL ": back\\slash %d", 7);
    must(eddy_domain_close(domain));
}

static struct heard all;

static void say_everything_to_a_call_back(void)
{
    must(eddy_log_set(hear, &all, EDDY_LOG_DEBUG));
    say_everything();
    unset();
}

static void a_call_back_gets_all_levels_escaped(void **state)
{
    (void)state;
    all = (struct heard){0};
    check(!*said_by(say_everything_to_a_call_back));
    for (int level = EDDY_LOG_ERROR; level <= EDDY_LOG_DEBUG; level++)
        check(all.count[level] > 0);
    check(strcmp(all.last[EDDY_LOG_ERROR], "binding " SHOWN ": back\\slash 7") == 0);
    check(strstr(all.last[EDDY_LOG_WARN], "eddy_waitset_open: ") != NULL);
    check(strstr(all.last[EDDY_LOG_INFO], "joined the domain in ") != NULL);
    check(strstr(all.last[EDDY_LOG_DEBUG], "/proc/" SHOWN) != NULL);
}

static void it_gets_no_more_than_it_wants(void **state)
{
    (void)state;
    struct heard few = {0};
    must(eddy_log_set(hear, &few, EDDY_LOG_WARN));
    say_everything();
    unset();
    check(few.count[EDDY_LOG_ERROR] == 1 && few.count[EDDY_LOG_WARN] > 0);
    check(few.count[EDDY_LOG_INFO] == 0 && few.count[EDDY_LOG_DEBUG] == 0);
    say_everything();
    same(few.count[EDDY_LOG_ERROR], 1);
}

static void say_everything_to_deaf_ears(void)
{
    must(eddy_log_set(hear, &all, EDDY_LOG_NONE));
    say_everything();
    unset();
}

static void the_variable_holds_where_there_is_none(void **state)
{
    (void)state;
    check(setenv("EDDY_LOG", "debug", 1) == 0);
    check(strstr(said_by(say_everything), "] error: binding " SHOWN ": back\\slash 7\n") != NULL);
    check(!*said_by(say_everything_to_a_call_back));
    check(!*said_by(say_everything_to_deaf_ears));
    check(*said_by(say_everything));
    unsetenv("EDDY_LOG");
    check(!*said_by(say_everything));
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    must_fail(eddy_log_set(hear, NULL, (enum eddy_log_level)(EDDY_LOG_DEBUG + 1)), EDDY_EINVAL);
    must_fail(eddy_log_set(hear, NULL, (enum eddy_log_level)(-1)), EDDY_EINVAL);
    must_fail(eddy_log_set(NULL, NULL, EDDY_LOG_ERROR), EDDY_EINVAL);
}

/* --- unasked --------------------------------------------------------------------------------- */

static void say_twice(void)
{
    eddy_log_say(EDDY_LOG_WARN, EDDY_LOG_WARN, "subject one: %s", "first");
    eddy_log_say(EDDY_LOG_WARN, EDDY_LOG_WARN, "subject one: %s", "second");
    eddy_log_say(EDDY_LOG_INFO, EDDY_LOG_WARN, "subject two: nobody sees this");
    eddy_log_say(EDDY_LOG_NONE, EDDY_LOG_WARN, "subject three: of no level");
}

static void what_nobody_asked_for_is_said_once(void **state)
{
    (void)state;
    say_everything(); /* EDDY_LOG is read when a domain is opened */
    const char *said = said_by(say_twice);
    check(strstr(said, "] warn: subject one: first\n") != NULL);
    check(strstr(said, "second") == NULL && strstr(said, "two") == NULL);
    check(strstr(said, "three") == NULL);
    check(setenv("EDDY_LOG", "warn", 1) == 0);
    check(*said_by(say_everything));
    said = said_by(say_twice);
    check(strstr(said, "first") != NULL && strstr(said, "second") != NULL);
    unsetenv("EDDY_LOG");
    say_everything();
}

/* --- threads --------------------------------------------------------------------------------- */

enum { TALKERS = 3, CHANGES = SANITIZED ? 300 : 2000 };

static atomic_bool over;

static void *talk(void *unused)
{
    while (!over) {
        eddy_log_say(EDDY_LOG_INFO, EDDY_LOG_NONE, "talker: a word");
        check(eddy_waitset_open(NULL, NULL) == EDDY_EINVAL);
    }
    return unused;
}

struct room {
    atomic_uint inside, heard;
    unsigned closed;
};

static void come_in(void *context, enum eddy_log_level level, const char *text)
{
    struct room *room = context;
    (void)level;
    (void)text;
    check(!room->closed);
    room->inside++;
    sched_yield();
    room->heard++;
    room->inside--;
}

/* Nobody is in the one before, which goes at once. */
static void it_is_changed_while_others_talk(void **state)
{
    (void)state;
    pthread_t threads[TALKERS];
    struct room *room = NULL;
    unsigned heard = 0;
    over = false;
    for (int i = 0; i < TALKERS; i++)
        threads[i] = thread_start(talk, NULL);
    for (unsigned i = 0; i < CHANGES || heard < 100; i++) {
        struct room *next = i % 5 ? calloc(1, sizeof *next) : NULL;
        must(eddy_log_set(next ? come_in : NULL, next, next ? EDDY_LOG_INFO : EDDY_LOG_NONE));
        if (room) {
            same(room->inside, 0);
            room->closed = 1; /* not atomic: a thread that is in it races with this */
            heard += room->heard;
        }
        free(room);
        room = next;
    }
    over = true;
    for (int i = 0; i < TALKERS; i++)
        thread_join(threads[i]);
    unset();
    free(room);
}

/* Replaces itself, and fails: neither is heard. */
static void misbehave(void *context, enum eddy_log_level level, const char *text)
{
    (void)level;
    (void)text;
    (*(unsigned *)context)++;
    must_fail(eddy_log_set(NULL, NULL, EDDY_LOG_NONE), EDDY_EBUSY);
    eddy_log_say(EDDY_LOG_ERROR, EDDY_LOG_ERROR, "call-back: speaks");
    errno = ENOTTY;
}

static void one_that_talks_itself_hears_nothing_of_it(void **state)
{
    (void)state;
    unsigned calls = 0;
    must(eddy_log_set(misbehave, &calls, EDDY_LOG_DEBUG));
    errno = EDOM;
    eddy_log_say(EDDY_LOG_WARN, EDDY_LOG_NONE, "once");
    same(errno, EDOM);
    same(calls, 1);
    unset();
}

/* --- children -------------------------------------------------------------------------------- */

static atomic_bool is_inside, may_leave;

static void stay(void *context, enum eddy_log_level level, const char *text)
{
    (void)level;
    (void)text;
    atomic_fetch_add((atomic_uint *)context, 1);
    is_inside = true;
    while (!may_leave)
        sched_yield();
}

static void *go_in(void *unused)
{
    eddy_log_say(EDDY_LOG_ERROR, EDDY_LOG_NONE, "a thread: goes in");
    return unused;
}

/* It has the call-back, and none of the threads that are in it. */
static void in_a_child(int wire, void *count)
{
    (void)wire;
    may_leave = true;
    eddy_log_say(EDDY_LOG_ERROR, EDDY_LOG_NONE, "a child: speaks");
    same(*(atomic_uint *)count, 2);
    struct heard heard = {0};
    must(eddy_log_set(hear, &heard, EDDY_LOG_DEBUG));
    eddy_log_say(EDDY_LOG_INFO, EDDY_LOG_NONE, "a child: speaks once more");
    unset();
    same(heard.count[EDDY_LOG_INFO], 1);
}

static void a_child_has_it_and_none_that_are_in_it(void **state)
{
    (void)state;
    atomic_uint count = 0;
    is_inside = may_leave = false;
    must(eddy_log_set(stay, &count, EDDY_LOG_DEBUG));
    pthread_t thread = thread_start(go_in, NULL);
    while (!is_inside)
        sched_yield();
    struct child child = child_start(in_a_child, &count);
    child_join(&child);
    may_leave = true;
    thread_join(thread);
    unset();
    same(count, 1);
}

/* --- set-user-ID ----------------------------------------------------------------------------- */

#define AS_ANOTHER "--as-another"

static void need_set_user_id(void)
{
    struct statvfs info;
    need_others();
    check(statvfs("/tmp", &info) == 0);
    if (info.f_flag & (ST_NOSUID | ST_NOEXEC))
        skip_because("needs a /tmp where set-user-ID programs run");
}

static void copy_self(const char *to, mode_t mode)
{
    char bytes[65536];
    ssize_t got;
    int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    check(in >= 0 && out >= 0);
    while ((got = read(in, bytes, sizeof bytes)) > 0)
        check(write(out, bytes, (size_t)got) == got);
    check(got == 0 && fchown(out, 54322, 54322) == 0 && fchmod(out, mode) == 0);
    close(in);
    close(out);
}

/* What a copy of this program with such a mode says as somebody else, with EDDY_LOG=debug. */
static const char *said_with_mode(mode_t mode)
{
    static char said[4096];
    char path[64];
    int ends[2], status = -1;
    snprintf(path, sizeof path, "/tmp/eddy-messages-%d", (int)getpid());
    copy_self(path, mode);
    check(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        if (setenv("EDDY_LOG", "debug", 1) == 0 && setgid(54323) == 0 && setuid(54323) == 0)
            execl(path, path, AS_ANOTHER, (char *)NULL);
        _exit(126);
    }
    close(ends[1]);
    check(child > 0 && waitpid(child, &status, 0) == child);
    ssize_t length = read(ends[0], said, sizeof said - 1);
    close(ends[0]);
    unlink(path);
    check(length >= 0);
    said[length] = 0;
    if (status != 0)
        skip_because("needs that other users may run this program (status %d): %s", status, said);
    return said;
}

static void what_is_set_user_id_does_not_obey_the_variable(void **state)
{
    (void)state;
    need_set_user_id();
    check(strstr(said_with_mode(0755), "] warn: ") != NULL);
    check(strstr(said_with_mode(0755), "] error: ") != NULL);
    check(strcmp(said_with_mode(04755), "set-user-ID\n") == 0);
}

static int as_another(void)
{
    if (geteuid() != getuid())
        dprintf(STDERR_FILENO, "set-user-ID\n");
    (void)eddy_waitset_open(NULL, NULL);
    eddy_log_say(EDDY_LOG_ERROR, EDDY_LOG_NONE, "binding: speaks");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(a_call_back_gets_all_levels_escaped),
        WORLD_TEST(it_gets_no_more_than_it_wants),
        WORLD_TEST(the_variable_holds_where_there_is_none),
        WORLD_TEST(what_makes_no_sense_is_refused),
        WORLD_TEST(what_nobody_asked_for_is_said_once),
        WORLD_TEST(it_is_changed_while_others_talk),
        WORLD_TEST(one_that_talks_itself_hears_nothing_of_it),
        WORLD_TEST(a_child_has_it_and_none_that_are_in_it),
        WORLD_TEST(what_is_set_user_id_does_not_obey_the_variable),
    };
    if (argc > 1 && strcmp(argv[1], AS_ANOTHER) == 0)
        return as_another();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
