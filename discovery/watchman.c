/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/watchman.h"

#include "allocator/error.h"
#include "allocator/thread.h"
#include "allocator/wait/futex.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE    5000000000u /* ns for the thread to listen to a topic */
#define FIRST_LOOK  500000u /* ns until the kernel has dropped the lock of who died, at first ... */
#define LAST_LOOK   512000000u /* ... and twice that each time, up to here */
#define CLEARED_NAP 100000000u /* ns between looks when nobody can call, as files were removed */

/* In place of a mark. */
enum { UNHEARD = -1, DEAF = -2 };

struct eddy_watchman {
    struct eddy_domain *domain;
    uint32_t count; /* of what is added; under the domain's lock */
    pthread_t thread;
    pthread_mutex_t lock;
    _Atomic uint32_t heard; /* a bell: the thread has been round, or has begun */
    struct eddy_beat *watched;
    bool begun, ends;
    int error; /* it cannot begin */
    char sentence[512];

    /* The thread's own: */
    int folder;
    struct eddy_kept ears;
    int file_marks[EDDY_LIFE_FILES];        /* + 1; 0: it does not listen to this file of lives */
    uint64_t asked[EDDY_LIFE_FILES / 64];   /* files in which somebody may have died */
    uint64_t ask_nap, next_ask, next_stops; /* ns; 0: not at all */
    uint64_t own_inode;                     /* of its participant's file of lives */
    bool cleared;                           /* that one is gone: nobody can call */
};

/* --- listening ------------------------------------------------------------------------------- */

/* inotify's mark of a file in the folder, or -1. */
static int listen_to(const struct eddy_watchman *m, const char *name, uint32_t to)
{
    char path[4200];
    int length = snprintf(path, sizeof path, "%s/%s", m->domain->dir, name);
    if (length >= (int)sizeof path)
        return -1;
    return inotify_add_watch(eddy_kept_fd(&m->ears), path, to | IN_DONT_FOLLOW);
}

static void listen_to_file(struct eddy_watchman *m, uint32_t file)
{
    char name[EDDY_LIFE_NAME];
    if (m->file_marks[file])
        return;
    eddy_life_file_name(file, name);
    /* In its own file others call, too: see below. */
    bool own = file == eddy_life_file_of(m->domain->id);
    m->file_marks[file] = 1 + listen_to(m, name, IN_CLOSE_WRITE | (own ? IN_ATTRIB : 0u));
}

static void listen_to_topic(struct eddy_watchman *m, struct eddy_beat *w)
{
    char name[48];
    eddy_segment_control_file(w->segment->id, name);
    w->mark = listen_to(m, name, IN_ATTRIB);
    if (w->mark < 0)
        w->mark = DEAF;
}

static uint64_t inode_at(int folder, const char *path)
{
    struct stat status;
    return fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_ino : 0;
}

/* Its own participant's file, in which it is called, as long as that is there. */
static void listen_for_calls(struct eddy_watchman *m)
{
    char name[EDDY_LIFE_NAME], path[4200];
    uint32_t file = eddy_life_file_of(m->domain->id);
    eddy_life_file_name(file, name);
    snprintf(path, sizeof path, "%s/%s", m->domain->dir, name);
    uint64_t inode = inode_at(m->folder, name);
    if (!m->file_marks[file])
        m->own_inode = inode;
    listen_to_file(m, file);
    m->cleared = !m->file_marks[file] || !inode || inode != m->own_inode ||
                 inode_at(AT_FDCWD, path) != inode;
}

/* With nothing to listen to yet. */
static int open_ears(struct eddy_watchman *m)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return eddy_fail_errno(
            "cannot be told who comes and goes; see fs.inotify.max_user_instances");
    eddy_kept_begin(&m->ears, fd, NULL, 0);
    memset(m->file_marks, 0, sizeof m->file_marks);
    for (struct eddy_beat *w = m->watched; w; w = w->next)
        w->mark = UNHEARD;
    return EDDY_OK;
}

/* --- what is watched ------------------------------------------------------------------------- */

/* Who has come is listened to, then asked: so nobody dies unheard. */
static void meet(void *watchman, struct eddy_beat_life *life)
{
    struct eddy_watchman *m = watchman;
    listen_to_file(m, eddy_life_file_of(life->id));
    life->dead = !eddy_participant_alive(m->folder, life->id);
}

static void look_at_topic(struct eddy_watchman *m, struct eddy_beat *w)
{
    eddy_beat_know(w, m->domain->id, meet, m);
    w->tell(w);
}

static void time_stops(struct eddy_watchman *m)
{
    uint64_t least = UINT64_MAX;
    for (const struct eddy_beat *w = m->watched; w; w = w->next)
        if (w->stops_ns && w->stops_ns < least)
            least = w->stops_ns;
    uint64_t now = eddy_now();
    if (least == UINT64_MAX)
        m->next_stops = 0;
    else if (m->next_stops <= now || m->next_stops > now + least)
        m->next_stops = now + least;
}

static void ask_if_due(struct eddy_watchman *m)
{
    uint64_t now = eddy_now();
    bool lives = m->next_ask && now >= m->next_ask, stops = m->next_stops && now >= m->next_stops;
    for (struct eddy_beat *w = m->watched; w; w = w->next) {
        bool any = lives && eddy_beat_ask_lives(w, m->folder, m->asked);
        if ((stops && eddy_beat_ask_stops(w, m->domain->registry)) || any)
            w->tell(w);
    }
    if (lives) {
        m->ask_nap *= 2;
        m->next_ask = m->ask_nap <= LAST_LOOK ? now + m->ask_nap : 0;
    }
    if (lives && !m->next_ask)
        memset(m->asked, 0, sizeof m->asked);
    time_stops(m);
}

/* --- the thread ---------------------------------------------------------------------------------- */

static void someone_may_have_died(struct eddy_watchman *m, uint32_t file)
{
    m->asked[file / 64] |= 1ull << file % 64;
    m->ask_nap = FIRST_LOOK;
    m->next_ask = 1; /* now */
}

static void begin_anew(struct eddy_watchman *m)
{
    for (uint32_t file = 0; file < EDDY_LIFE_FILES; file++)
        if (m->file_marks[file])
            someone_may_have_died(m, file);
    for (struct eddy_beat *w = m->watched; w; w = w->next)
        look_at_topic(m, w);
}

static void hear(struct eddy_watchman *m, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW)
        begin_anew(m);
    for (uint32_t file = 0; file < EDDY_LIFE_FILES && e->mask & IN_CLOSE_WRITE; file++)
        if (m->file_marks[file] == e->wd + 1)
            someone_may_have_died(m, file);
    bool wanted = false;
    for (struct eddy_beat *w = m->watched; w; w = w->next)
        if (w->mark == e->wd) {
            wanted = true;
            look_at_topic(m, w);
        }
    if (!wanted && e->mask & IN_ATTRIB &&
        m->file_marks[eddy_life_file_of(m->domain->id)] != e->wd + 1)
        (void)inotify_rm_watch(eddy_kept_fd(&m->ears), e->wd); /* its watches are closed */
}

static void hear_all(struct eddy_watchman *m)
{
    _Alignas(struct inotify_event) char events[4096];
    int fd = eddy_kept_fd(&m->ears);
    ssize_t bytes = fd >= 0 ? read(fd, events, sizeof events) : 0;
    for (ssize_t at = 0; at < bytes;) {
        const struct inotify_event *e = (const void *)(events + at);
        hear(m, e);
        at += (ssize_t)(sizeof *e + e->len);
    }
    /* Where it has no table of its own the program may have closed it. */
    if (fd < 0 && open_ears(m) == EDDY_OK)
        begin_anew(m);
}

/* What was added since. */
static void take_up(struct eddy_watchman *m)
{
    listen_for_calls(m);
    for (struct eddy_beat *w = m->watched; w; w = w->next) {
        if (w->mark != UNHEARD)
            continue;
        listen_to_topic(m, w);
        eddy_beat_know(w, m->domain->id, meet, m);
    }
    eddy_bell_ring(&m->heard);
}

static int patience(const struct eddy_watchman *m)
{
    uint64_t now = eddy_now(), until = UINT64_MAX;
    if (m->cleared)
        until = now + CLEARED_NAP;
    if (m->next_ask && m->next_ask < until)
        until = m->next_ask;
    if (m->next_stops && m->next_stops < until)
        until = m->next_stops;
    if (until == UINT64_MAX)
        return -1;
    uint64_t rest = until > now ? (until - now + 999999u) / 1000000u : 0;
    return rest < 3600000u ? (int)rest : 3600000;
}

/* False: not in the folder that the domain was opened in. */
static bool open_folder(struct eddy_watchman *m)
{
    struct stat status;
    m->folder = open(m->domain->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return m->folder >= 0 && fstat(m->folder, &status) == 0 &&
           status.st_ino == m->domain->folder.inode && status.st_dev == m->domain->folder.device;
}

static void begin(struct eddy_watchman *m)
{
    (void)eddy_descriptors_part();
    m->error = open_ears(m);
    if (!m->error) {
        (void)eddy_descriptors_keep(eddy_kept_fd(&m->ears));
        if (!open_folder(m))
            m->error =
                eddy_fail_errno("cannot open the domain's folder %s any more", m->domain->dir);
    }
    if (m->error)
        snprintf(m->sentence, sizeof m->sentence, "%s", eddy_last_error());
    m->begun = true;
    eddy_bell_ring(&m->heard);
}

static void *keep_watch(void *argument)
{
    struct eddy_watchman *m = argument;
    pthread_mutex_lock(&m->lock);
    begin(m);
    while (!m->ends && !m->error) {
        take_up(m);
        ask_if_due(m);
        struct pollfd ears = {.fd = eddy_kept_fd(&m->ears), .events = POLLIN};
        int until = patience(m);
        pthread_mutex_unlock(&m->lock);
        (void)poll(&ears, 1, until);
        pthread_mutex_lock(&m->lock);
        hear_all(m);
    }
    pthread_mutex_unlock(&m->lock);
    eddy_kept_end(&m->ears);
    if (m->folder >= 0)
        close(m->folder);
    return NULL;
}

/* --- for the rest of the library -------------------------------------------------------------------- */

/* The thread goes round. */
static void call(struct eddy_watchman *m)
{
    char name[EDDY_LIFE_NAME];
    eddy_life_file_name(eddy_life_file_of(m->domain->id), name);
    (void)utimensat(eddy_domain_folder(m->domain), name, NULL, AT_SYMLINK_NOFOLLOW);
}

static bool is_heard(struct eddy_watchman *m, const struct eddy_beat *w)
{
    pthread_mutex_lock(&m->lock);
    bool heard = w ? w->mark != UNHEARD : m->begun;
    pthread_mutex_unlock(&m->lock);
    return heard;
}

/* Until the thread listens to it, or (NULL) has begun. */
static void await(struct eddy_watchman *m, const struct eddy_beat *w, uint64_t deadline)
{
    for (bool in_time = true; in_time;) {
        uint32_t rung = eddy_bell_arm(&m->heard);
        if (is_heard(m, w))
            return;
        in_time = eddy_bell_wait(&m->heard, rung, deadline);
    }
}

static void destroy(struct eddy_watchman *m)
{
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static void end(struct eddy_watchman *m)
{
    pthread_mutex_lock(&m->lock);
    m->ends = true;
    pthread_mutex_unlock(&m->lock);
    call(m);
    pthread_join(m->thread, NULL);
    destroy(m);
}

/* With the domain's lock held, for as long as it takes to begin. */
static int start(struct eddy_domain *d, struct eddy_watchman **started)
{
    struct eddy_watchman *m = calloc(1, sizeof *m);
    if (!m)
        return eddy_fail(EDDY_ENOMEM, "no memory to watch who is there");
    m->domain = d;
    m->folder = -1;
    pthread_mutex_init(&m->lock, NULL);
    int rc = eddy_thread_start(&m->thread, NULL, keep_watch, m);
    if (rc != 0) {
        destroy(m);
        return eddy_fail(EDDY_ESYS,
                         "cannot start a thread that watches who is there (%s); see ulimit -u",
                         strerror(rc));
    }
    await(m, NULL, EDDY_FOREVER);
    if (!m->error) {
        *started = m;
        return EDDY_OK;
    }
    pthread_join(m->thread, NULL);
    int error = eddy_fail(m->error, "%s", m->sentence);
    destroy(m);
    return error;
}

static int hire(struct eddy_domain *d, struct eddy_watchman **watchman)
{
    pthread_mutex_lock(&d->lock);
    struct eddy_watchman *m = d->watchman;
    int error = m ? EDDY_OK : start(d, &m);
    if (m)
        m->count++;
    *watchman = d->watchman = m;
    pthread_mutex_unlock(&d->lock);
    return error;
}

static void let_off(struct eddy_domain *d, struct eddy_watchman *m)
{
    pthread_mutex_lock(&d->lock);
    bool last = --m->count == 0;
    if (last)
        d->watchman = NULL;
    pthread_mutex_unlock(&d->lock);
    if (last)
        end(m);
}

static void unlist(struct eddy_watchman *m, const struct eddy_beat *w)
{
    struct eddy_beat **at = &m->watched;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
}

int eddy_watchman_add(struct eddy_domain *d, struct eddy_beat *w)
{
    struct eddy_watchman *m;
    int error = hire(d, &m);
    if (!m)
        return error;
    pthread_mutex_lock(&m->lock);
    w->watchman = m;
    w->mark = UNHEARD;
    w->next = m->watched;
    m->watched = w;
    pthread_mutex_unlock(&m->lock);
    call(m);
    await(m, w, eddy_deadline(PATIENCE));
    pthread_mutex_lock(&m->lock);
    bool listens = w->mark >= 0;
    pthread_mutex_unlock(&m->lock);
    if (listens)
        return EDDY_OK;
    eddy_watchman_drop(d, w);
    return eddy_fail(
        EDDY_ESYS,
        "cannot be told who is on topic \"%.*s\"; see fs.inotify.max_user_watches, and "
        "whether the files of the domain in %s were removed",
        EDDY_SEGMENT_LABEL(w->segment), d->dir);
}

/* Its mark stays, and what is heard of it is nobody's: another watch of the topic may have the same. */
void eddy_watchman_drop(struct eddy_domain *d, struct eddy_beat *w)
{
    struct eddy_watchman *m = w->watchman;
    pthread_mutex_lock(&m->lock);
    unlist(m, w);
    pthread_mutex_unlock(&m->lock);
    eddy_watchman_forget(w);
    let_off(d, m);
}

void eddy_watchman_forget(struct eddy_beat *w)
{
    free(w->lives);
    w->lives = NULL;
}

struct eddy_beat_life eddy_watchman_ask(struct eddy_beat *w, uint64_t id)
{
    pthread_mutex_lock(&w->watchman->lock);
    const struct eddy_beat_life *life = eddy_beat_find(w, id);
    struct eddy_beat_life known = life ? *life : (struct eddy_beat_life){.id = id};
    pthread_mutex_unlock(&w->watchman->lock);
    return known;
}
