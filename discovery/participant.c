/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/participant.h"

#include "allocator/atomic.h"
#include "allocator/error.h"
#include "allocator/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX      ".eddy-life-"
#define SEAT_BITS   40                       /* bytes of a seat in its file: one an epoch ... */
#define CLAIM       ((1ll << SEAT_BITS) - 1) /* ... and this one, while it is being taken */
#define EPOCHS      ((1ull << 38) - 1)
#define FIRST_LOOKS 8 /* files that are likely to have somebody living, before all are looked at */

/* --- the files ------------------------------------------------------------------------------- */

void eddy_life_file_name(uint32_t file, char name[EDDY_LIFE_NAME])
{
    snprintf(name, EDDY_LIFE_NAME, PREFIX "%u", file);
}

bool eddy_life_file_is(const char *name)
{
    char expected[EDDY_LIFE_NAME];
    size_t prefix = strlen(PREFIX);
    if (strncmp(name, PREFIX, prefix) != 0)
        return false;
    unsigned long file = strtoul(name + prefix, NULL, 10);
    if (file >= EDDY_LIFE_FILES)
        return false;
    eddy_life_file_name((uint32_t)file, expected);
    return strcmp(name, expected) == 0;
}

static int create_file(int dir, uint32_t number)
{
    char name[EDDY_LIFE_NAME];
    struct eddy_file file;
    int error = eddy_file_create(dir, 0, &file);
    if (error)
        return error;
    eddy_life_file_name(number, name);
    error = eddy_file_link(&file, name);
    eddy_file_drop(&file);
    return error == EDDY_EEXIST ? EDDY_OK : error;
}

static bool is_there(int dir, uint32_t number)
{
    char name[EDDY_LIFE_NAME];
    eddy_life_file_name(number, name);
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* With those before it: who looks through all of them knows where they end. */
static int create_files(int dir, uint32_t last)
{
    int error = EDDY_OK;
    uint32_t first = last;
    while (first > 0 && !is_there(dir, first - 1))
        first--;
    for (; first <= last && !error; first++)
        error = create_file(dir, first);
    return error;
}

/* To lock in it: a descriptor, or an EDDY_E*. */
static int open_to_lock(int dir, uint32_t file)
{
    int fd = -1;
    char name[EDDY_LIFE_NAME];
    struct stat status;
    eddy_life_file_name(file, name);
    int error = eddy_file_open(dir, name, true, &fd, &status);
    if (error == EDDY_ENOENT) {
        error = create_files(dir, file);
        if (!error)
            error = eddy_file_open(dir, name, true, &fd, &status);
    }
    return error ? error : fd;
}

/* To ask: -1 with errno.  Whose the file is does not matter: nothing is written or read. */
static int open_to_ask(int dir, uint32_t file)
{
    char name[EDDY_LIFE_NAME];
    eddy_life_file_name(file, name);
    return openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

static int64_t first_byte(uint32_t seat)
{
    return (int64_t)(seat % EDDY_LIFE_SEATS) << SEAT_BITS;
}

static uint64_t epoch_of(uint64_t id)
{
    return id >> EDDY_EPOCH_SHIFT & EPOCHS;
}

/* --- taking a seat --------------------------------------------------------------------------- */

struct search {
    int dir, registry_fd;
    struct eddy_registry *registry;
    uint64_t id; /* of the seat that was had; 0: none */
    int error;
};

static _Atomic uint64_t *word_of(struct eddy_registry *r, uint32_t seat)
{
    return &r->taken[seat / 64];
}

/* Who has the claim has the seat, if nobody lives there; one may be stopped or die with it, and the
 * next seat is as good.  1: it is ours; 0: it is not; -1 with errno. */
static int claim(int fd, uint32_t seat)
{
    int64_t first = first_byte(seat);
    int lives = eddy_lock_look(fd, first, CLAIM + 1); /* a guess, in one call */
    if (lives)
        return lives < 0 ? -1 : 0;
    if (!eddy_lock_try(fd, first + CLAIM, EDDY_LOCK_EXCLUSIVE))
        return errno == EAGAIN || errno == EACCES ? 0 : -1;
    lives = eddy_lock_look(fd, first, CLAIM);
    if (lives)
        eddy_lock_drop(fd, first + CLAIM);
    return lives < 0 ? -1 : !lives;
}

/* The claim is held.  The byte of the new epoch first: whoever learns the id can see that we live. */
static int enter(struct search *s, int fd, uint32_t seat)
{
    uint64_t at =
        offsetof(struct eddy_registry, participants) + seat * sizeof(struct eddy_participant);
    int error = eddy_registry_reserve(s->registry_fd, at, sizeof(struct eddy_participant));
    if (error)
        return error;
    /* Relaxed: who wrote it had the claim that we have now. */
    uint64_t last = eddy_load_relaxed(&s->registry->participants[seat].id);
    uint64_t epoch = epoch_of(last) < EPOCHS ? epoch_of(last) + 1 : 1;
    if (!eddy_lock_try(fd, first_byte(seat) + (int64_t)epoch, EDDY_LOCK_EXCLUSIVE))
        return eddy_fail_errno("cannot lock a seat in the domain");
    eddy_lock_drop(fd, first_byte(seat) + CLAIM);
    eddy_or_relaxed(word_of(s->registry, seat), 1ull << seat % 64); /* where to look first */
    s->id = epoch << EDDY_EPOCH_SHIFT | seat;
    return EDDY_OK;
}

/* Of the seats of a file those in `wanted`.  The descriptor with our lock, or -1. */
static int search_file(struct search *s, uint32_t file, uint32_t wanted)
{
    int fd = open_to_lock(s->dir, file);
    if (fd < 0) {
        s->error = fd;
        return -1;
    }
    for (; wanted && !s->error && !s->id; wanted &= wanted - 1) {
        uint32_t seat = file * EDDY_LIFE_SEATS + (uint32_t)__builtin_ctz(wanted);
        int had = claim(fd, seat);
        if (had < 0)
            s->error = eddy_fail_errno("cannot lock a seat in the domain");
        else if (had)
            s->error = enter(s, fd, seat);
        else /* taken, whatever its bit said */
            eddy_or_relaxed(word_of(s->registry, seat), 1ull << seat % 64);
    }
    if (s->id && !s->error)
        return fd;
    close(fd);
    return -1;
}

static uint32_t taken_seats(const struct eddy_registry *r, uint32_t file)
{
    uint32_t seat = file * EDDY_LIFE_SEATS;
    return (uint32_t)(eddy_load_relaxed(&r->taken[seat / 64]) >> seat % 64); /* a hint */
}

/* Files in which somebody is or was. */
static uint32_t files_in_use(const struct eddy_registry *r)
{
    uint32_t files = EDDY_LIFE_FILES;
    while (files > 1 && taken_seats(r, files - 1) == 0)
        files--;
    return files;
}

/* One file in turn, whatever the bits say: so those of the dead are had again, at the cost of one
 * look for each who joins.  Then where a bit is free; and at last everywhere. */
static int search(void *context)
{
    struct search *s = context;
    uint32_t turn =
        eddy_add_relaxed(&s->registry->turn, 1u) % files_in_use(s->registry); /* a hint */
    int fd = search_file(s, turn, UINT32_MAX);
    for (uint32_t file = 0; fd < 0 && !s->error && file < EDDY_LIFE_FILES; file++)
        if (~taken_seats(s->registry, file))
            fd = search_file(s, file, ~taken_seats(s->registry, file));
    for (uint32_t file = 0; fd < 0 && !s->error && file < EDDY_LIFE_FILES; file++)
        fd = search_file(s, file, UINT32_MAX);
    if (fd >= 0 || s->error)
        return fd >= 0 ? fd : s->error;
    return eddy_fail(EDDY_ELIMIT, "the domain has %u participants, which is all it can have",
                     EDDY_PARTICIPANTS_MAX);
}

int eddy_participant_enter(int dir, int registry_fd, struct eddy_registry *registry, uint64_t *id,
                           struct eddy_life *life)
{
    struct search s = {.dir = dir, .registry_fd = registry_fd, .registry = registry};
    int error = eddy_life_begin(search, &s, life);
    if (!error)
        *id = s.id;
    return error;
}

void eddy_participant_leave(struct eddy_registry *r, uint64_t id, struct eddy_life *life)
{
    uint32_t seat = EDDY_SEAT_OF_ID(id);
    eddy_and_relaxed(word_of(r, seat), ~(1ull << seat % 64)); /* a hint */
    eddy_life_end(life);
}

/* --- asking ---------------------------------------------------------------------------------- */

bool eddy_participant_alive(int dir, uint64_t id)
{
    uint32_t seat = EDDY_SEAT_OF_ID(id);
    if (seat >= EDDY_PARTICIPANTS_MAX || epoch_of(id) == 0)
        return false; /* nobody ever had such an id */
    int fd = open_to_ask(dir, seat / EDDY_LIFE_SEATS);
    if (fd < 0)
        return true; /* it cannot be known */
    bool held = eddy_lock_is_held(fd, first_byte(seat) + (int64_t)epoch_of(id), 1);
    close(fd);
    return held;
}

/* --- as its process says ------------------------------------------------------------------------ */

void eddy_participant_name(const struct eddy_participant *p, uint64_t id, int32_t *pid,
                           char name[40])
{
    if (eddy_load_acquire(&p->id) != id) /* from [participant]: its name is there */
        return;
    *pid = p->pid;
    memcpy(name, p->name, sizeof p->name);
    name[sizeof p->name - 1] = 0;
}

uint64_t eddy_pid_namespace(void)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

/* The letter behind the name, which may itself have parentheses in it. */
static bool says_stopped(const char *line)
{
    const char *name_end = strrchr(line, ')');
    return name_end && name_end[1] == ' ' && (name_end[2] == 'T' || name_end[2] == 't');
}

bool eddy_participant_stopped(const struct eddy_registry *r, uint64_t id)
{
    char path[64], line[512];
    uint32_t seat = EDDY_SEAT_OF_ID(id);
    if (seat >= EDDY_PARTICIPANTS_MAX)
        return false;
    const struct eddy_participant *p = &r->participants[seat];
    if (p->pid <= 0 || p->pid_namespace == 0 || p->pid_namespace != eddy_pid_namespace())
        return false;
    snprintf(path, sizeof path, "/proc/%d/stat", p->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    line[bytes > 0 ? bytes : 0] = 0;
    return says_stopped(line);
}

/* --- asking about many ---------------------------------------------------------------------------- */

/* Anybody in a file but `self`: 1 or 0; -1: there is no such file. */
static int lives_in(int dir, uint32_t file, uint64_t self)
{
    int fd = open_to_ask(dir, file);
    if (fd < 0)
        return errno == ENOENT ? -1 : 1; /* it cannot be known */
    int64_t end = (int64_t)EDDY_LIFE_SEATS << SEAT_BITS, own = end;
    if (self && EDDY_SEAT_OF_ID(self) / EDDY_LIFE_SEATS == file)
        own = first_byte(EDDY_SEAT_OF_ID(self)) + (int64_t)epoch_of(self);
    bool held = (own > 0 && eddy_lock_is_held(fd, 0, own)) ||
                (own < end - 1 && eddy_lock_is_held(fd, own + 1, end - own - 1));
    close(fd);
    return held;
}

/* Where bits are set somebody lives, most likely, and then one look will do. */
static bool live_where_it_is_likely(int dir, const struct eddy_registry *r, uint64_t self)
{
    uint32_t looks = 0;
    for (uint32_t file = EDDY_LIFE_FILES; file-- > 0 && looks < FIRST_LOOKS;) {
        if (taken_seats(r, file) == 0)
            continue;
        looks++;
        if (lives_in(dir, file, self) > 0)
            return true;
    }
    return false;
}

bool eddy_participants_live(int dir, const struct eddy_registry *r, uint64_t self)
{
    if (r && live_where_it_is_likely(dir, r, self))
        return true;
    uint32_t in_use = r ? files_in_use(r) : 1;
    for (uint32_t file = 0; file < EDDY_LIFE_FILES; file++) {
        int lives = lives_in(dir, file, self);
        if (lives > 0)
            return true;
        if (lives < 0 && file >= in_use)
            break;
    }
    return false;
}

/* --- their end ------------------------------------------------------------------------------- */

static bool remove_file(int dir, const char *name, void *unused)
{
    (void)unused;
    if (eddy_life_file_is(name))
        unlinkat(dir, name, 0);
    return true;
}

void eddy_life_files_remove(int dir)
{
    eddy_file_list(dir, remove_file, NULL);
}
