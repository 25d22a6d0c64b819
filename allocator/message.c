/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/message.h"

#include "allocator/atomic.h"
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/escape.h"
#include "allocator/fork.h"
#include "allocator/wait/futex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- what is wanted -------------------------------------------------------------------------- */

static const char *const level_names[] = {"none", "error", "warn", "info", "debug"};

enum { NOT_READ = -2, NOT_SAID = -1 };

/* What EDDY_LOG says.  A failure may come at any time, also while another thread changes the
 * environment, so it is not asked each time. */
static _Atomic int variable = NOT_READ;

/* Up to where the call-back wants messages; NOT_SAID: there is none.  A hint, which saves making
 * messages that nobody wants. */
static _Atomic int callback_wants = NOT_SAID;

/* Not of set-user-ID programs and the like: what they do is not for their caller to see. */
static const char *wanted_level(void)
{
    const char *wanted = secure_getenv("EDDY_LOG");
    return wanted && *wanted ? wanted : NULL;
}

static int level_named(const char *name)
{
    int level = NOT_SAID;
    for (int i = EDDY_LOG_NONE; name && i <= EDDY_LOG_DEBUG; i++)
        if (strcmp(name, level_names[i]) == 0)
            level = i;
    return level;
}

static int read_variable(void)
{
    int level = level_named(wanted_level());
    eddy_store_relaxed(&variable, level); /* relaxed, as all of it: nothing comes with it */
    return level;
}

int eddy_log_check(void)
{
    const char *wanted = wanted_level();
    if (read_variable() != NOT_SAID || !wanted)
        return EDDY_OK;
    return eddy_fail(EDDY_ECONFIG,
                     "EDDY_LOG is \"%.64s\"; set it to none, error, warn, info or debug", wanted);
}

/* NOT_SAID: it is for who speaks to decide. */
static int level_of_variable(void)
{
    int level = eddy_load_relaxed(&variable);
    return level == NOT_READ ? read_variable() : level;
}

static bool is_wanted(enum eddy_log_level level, enum eddy_log_level otherwise)
{
    int wanted = eddy_load_relaxed(&callback_wants);
    if (wanted == NOT_SAID)
        wanted = level_of_variable();
    return (int)level <= (wanted == NOT_SAID ? (int)otherwise : wanted);
}

bool eddy_log_wants(enum eddy_log_level level)
{
    return is_wanted(level, EDDY_LOG_NONE);
}

/* --- standard error -------------------------------------------------------------------------- */

#define SUBJECTS 64u

static uint64_t told[SUBJECTS]; /* unasked; under the lock */
static unsigned told_count;

/* FNV-1a of what a line is about: all before its first ": ". */
static uint64_t subject_of(const char *line)
{
    const char *end = strstr(line, ": ");
    size_t length = end ? (size_t)(end - line) : strlen(line);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)line[i]) * UINT64_C(0x100000001b3);
    return hash;
}

enum news { NEW, LAST_NEW, OLD };

static enum news is_news(const char *line)
{
    uint64_t subject = subject_of(line);
    enum news news = NEW;
    pthread_mutex_lock(&eddy_wiped.messages);
    for (unsigned i = 0; i < told_count; i++)
        news = told[i] == subject ? OLD : news;
    if (told_count == SUBJECTS) {
        news = OLD;
    } else if (news == NEW) {
        told[told_count++] = subject;
        news = told_count == SUBJECTS ? LAST_NEW : NEW;
    }
    pthread_mutex_unlock(&eddy_wiped.messages);
    return news;
}

static void print(enum eddy_log_level level, const char *line)
{
    enum news news = level_of_variable() == NOT_SAID ? is_news(line) : NEW;
    if (news != OLD)
        dprintf(STDERR_FILENO, "eddy[%d] %s: %s%s\n", (int)getpid(), level_names[level], line,
                news == LAST_NEW ? " (further errors are not shown; EDDY_LOG=error shows them)"
                                 : "");
}

/* --- the call-back --------------------------------------------------------------------------- */

struct listener {
    eddy_log_callback *callback; /* NULL: standard error */
    void *context;
    enum eddy_log_level level;
    unsigned turn; /* of those who are in it, and are counted there */
};

/* Under the lock.  In one page, which a child has as it was at one moment. */
static _Alignas(64) struct listener listener;

static _Thread_local bool is_in_callback;

static struct listener enter(void)
{
    pthread_mutex_lock(&eddy_wiped.messages);
    struct listener who = listener;
    eddy_wiped.in_callback[who.turn]++;
    pthread_mutex_unlock(&eddy_wiped.messages);
    return who;
}

/* 0 already: in a child, although it must not fork. */
static void leave(const struct listener *who)
{
    pthread_mutex_lock(&eddy_wiped.messages);
    eddy_wiped.in_callback[who->turn] -= eddy_wiped.in_callback[who->turn] > 0;
    pthread_mutex_unlock(&eddy_wiped.messages);
}

static bool is_left(unsigned turn)
{
    pthread_mutex_lock(&eddy_wiped.messages);
    bool left = eddy_wiped.in_callback[turn] == 0;
    pthread_mutex_unlock(&eddy_wiped.messages);
    return left;
}

static void tell(const struct listener *who, enum eddy_log_level level, const char *line)
{
    if (level > who->level)
        return;
    is_in_callback = true;
    who->callback(who->context, level, line);
    is_in_callback = false;
}

void eddy_log_line(enum eddy_log_level level, enum eddy_log_level otherwise, const char *line)
{
    EDDY_UNCANCELLED; /* whoever fails may hold anything */
    int number = errno;
    if (is_in_callback || eddy_is_guest() || !is_wanted(level, otherwise))
        return;
    struct listener who = enter();
    if (who.callback)
        tell(&who, level, line);
    leave(&who);
    if (!who.callback && is_wanted(level, otherwise))
        print(level, line);
    errno = number;
}

static struct listener change(eddy_log_callback *callback, void *context, enum eddy_log_level level)
{
    pthread_mutex_lock(&eddy_wiped.messages);
    struct listener before = listener;
    listener = (struct listener){callback, context, level, !before.turn};
    eddy_store_relaxed(&callback_wants, callback ? (int)level : NOT_SAID); /* a hint */
    pthread_mutex_unlock(&eddy_wiped.messages);
    return before;
}

int eddy_log_set(eddy_log_callback *callback, void *context, enum eddy_log_level level)
{
    EDDY_UNCANCELLED;
    if ((unsigned)level > EDDY_LOG_DEBUG || (!callback && level != EDDY_LOG_NONE))
        return eddy_fail(EDDY_EINVAL,
                         "eddy_log_set: level %d: choose one of eddy/log.h, and "
                         "EDDY_LOG_NONE without a call-back",
                         (int)level);
    if (is_in_callback)
        return eddy_fail(EDDY_EBUSY, "eddy_log_set: a call-back cannot be replaced from within it");
    if (eddy_is_guest())
        return eddy_fail_forked();
    pthread_mutex_lock(&eddy_wiped.listening);
    struct listener before = change(callback, context, level);
    while (!is_left(before.turn))
        eddy_nap(50000);
    pthread_mutex_unlock(&eddy_wiped.listening);
    return EDDY_OK;
}

/* --- saying something ------------------------------------------------------------------------ */

void eddy_log(enum eddy_log_level level, const char *format, ...)
{
    if (!eddy_log_wants(level))
        return;
    char text[EDDY_MESSAGE_ROOM], line[EDDY_MESSAGE_ROOM];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    eddy_escape(text, false, line, sizeof line);
    eddy_log_line(level, EDDY_LOG_NONE, line);
}

void eddy_log_say(enum eddy_log_level level, enum eddy_log_level otherwise, const char *format, ...)
{
    if (level <= EDDY_LOG_NONE || level > EDDY_LOG_DEBUG || !is_wanted(level, otherwise))
        return;
    char text[1024], line[1024]; /* what eddy_last_error says, and what it is about */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    eddy_escape(text, true, line, sizeof line);
    eddy_log_line(level, otherwise, line);
}
