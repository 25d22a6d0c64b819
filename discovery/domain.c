/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/domain.h"

#include "allocator/atomic.h"
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "discovery/directory.h"
#include "discovery/spin.h"
#include "discovery/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOIN_PATIENCE 5000000000u /* ns that a sweep by a lone participant may take */

void (*eddy_domain_at_exit)(struct eddy_domain *domain);

static pthread_mutex_t domains_lock = PTHREAD_MUTEX_INITIALIZER;
static struct eddy_domain *domains;

static void leave_registry(struct eddy_domain *d);

/* --- fork and exit --------------------------------------------------------------------------- */

static void before_fork(void)
{
    pthread_mutex_lock(&domains_lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&domains_lock);
}

static void after_fork_in_child(void)
{
    for (struct eddy_domain *d = domains; d; d = d->next) {
        close(d->registry_fd);
        close(d->dir_fd);
        d->registry_fd = d->dir_fd = -1;
    }
    domains = NULL;
    pthread_mutex_unlock(&domains_lock);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

__attribute__((destructor)) static void leave_at_exit(void)
{
    if (pthread_mutex_trylock(&domains_lock) != 0)
        return;
    for (struct eddy_domain *d = domains; d; d = d->next) {
        if (d->id == 0)
            continue; /* another thread is just joining */
        if (eddy_domain_at_exit)
            eddy_domain_at_exit(d);
        leave_registry(d);
    }
    pthread_mutex_unlock(&domains_lock);
}

/* From before it has a descriptor until it has none: whenever a child is forked, it can close its
 * copies, and holds no lock of ours. */
static void list_domain(struct eddy_domain *d)
{
    d->dir_fd = d->registry_fd = -1;
    pthread_mutex_lock(&domains_lock);
    d->next = domains;
    domains = d;
    pthread_mutex_unlock(&domains_lock);
}

static void unlist_domain(struct eddy_domain *d)
{
    pthread_mutex_lock(&domains_lock);
    for (struct eddy_domain **at = &domains; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    if (d->registry_fd >= 0)
        close(d->registry_fd); /* and with it goes our lock */
    if (d->dir_fd >= 0)
        close(d->dir_fd);
    pthread_mutex_unlock(&domains_lock);
}

/* --- joining --------------------------------------------------------------------------------- */

static void name_participant(struct eddy_participant *p, const char *name)
{
    memset(p->name, 0, sizeof p->name);
    snprintf(p->name, sizeof p->name, "%s", name && *name ? name : program_invocation_short_name);
    p->pid = (int32_t)getpid();
    p->uid = geteuid();
}

static int take_seat(struct eddy_domain *d, const char *name)
{
    for (uint32_t seat = 0; seat < EDDY_PARTICIPANTS_MAX; seat++) {
        if (!eddy_lock_try(d->registry_fd, EDDY_LOCK_PARTICIPANTS + seat, EDDY_LOCK_EXCLUSIVE)) {
            if (errno == EAGAIN || errno == EACCES)
                continue; /* somebody has it */
            return eddy_fail_errno("cannot lock a seat in the registry of %s", d->dir);
        }
        EDDY_POINT("join:locked");
        uint64_t at =
            offsetof(struct eddy_registry, participants) + seat * sizeof(struct eddy_participant);
        int error = eddy_registry_reserve(d->registry_fd, at, sizeof(struct eddy_participant));
        if (error)
            return error;
        struct eddy_participant *p = &d->registry->participants[seat];
        /* Relaxed: who wrote it had the lock that we have now. */
        uint64_t epoch = (eddy_load_relaxed(&p->id) >> EDDY_EPOCH_SHIFT & ((1ull << 38) - 1)) + 1;
        name_participant(p, name);
        EDDY_POINT("join:named");
        d->id = epoch << EDDY_EPOCH_SHIFT | seat;
        eddy_store_release(&p->id, d->id); /* [participant] */
        EDDY_POINT("join:entered");
        return EDDY_OK;
    }
    return eddy_fail(EDDY_ELIMIT, "the domain has %u participants, which is all it can have",
                     EDDY_PARTICIPANTS_MAX);
}

bool eddy_domain_is_alone(const struct eddy_domain *d)
{
    return !eddy_lock_is_held(d->registry_fd, EDDY_LOCK_PARTICIPANTS, EDDY_PARTICIPANTS_MAX);
}

/* Whether the file that we opened is still the registry of the folder. */
static int check_current(const struct eddy_domain *d, bool *current)
{
    struct stat mine, named;
    int rc = fstat(d->registry_fd, &mine);
    if (rc == 0)
        rc = fstatat(d->dir_fd, EDDY_REGISTRY_FILE, &named, AT_SYMLINK_NOFOLLOW);
    *current = rc == 0 && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
    return rc == 0 || errno == ENOENT
               ? EDDY_OK
               : eddy_fail_errno("cannot look at the registry of the domain in %s", d->dir);
}

bool eddy_domain_is_removed(const struct eddy_domain *d)
{
    EDDY_UNCANCELLED;
    struct stat mine;
    return !eddy_domain_forked(d) && fstat(d->registry_fd, &mine) == 0 && mine.st_nlink == 0 &&
           !atomic_load(&d->leaves);
}

/* Of the ways in which the kernel tells, this one alone costs the process nothing when it ends: to
 * close a descriptor of inotify or fanotify takes 10 to 30 ms. */
int eddy_domain_notify(const struct eddy_domain *d, int signal, int *fd)
{
    EDDY_UNCANCELLED;
    if (eddy_domain_forked(d))
        return eddy_fail_forked();
    struct f_owner_ex thread = {.type = F_OWNER_TID, .pid = gettid()};
    int folder = openat(d->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0 && fcntl(folder, F_SETSIG, signal) == 0 &&
        fcntl(folder, F_SETOWN_EX, &thread) == 0 &&
        fcntl(folder, F_NOTIFY, (unsigned long)(DN_DELETE | DN_MULTISHOT)) == 0) {
        *fd = folder;
        return EDDY_OK;
    }
    int error = eddy_fail_errno("cannot watch %s", d->dir);
    if (folder >= 0)
        close(folder);
    return error;
}

static int open_registry(struct eddy_domain *d)
{
    int fd;
    pthread_mutex_lock(&domains_lock);
    int error = eddy_registry_open(d->dir_fd, true, &fd, &d->registry);
    if (!error)
        d->registry_fd = fd;
    pthread_mutex_unlock(&domains_lock);
    return error;
}

static void drop_registry(struct eddy_domain *d)
{
    pthread_mutex_lock(&domains_lock);
    eddy_registry_unmap(d->registry);
    close(d->registry_fd);
    d->registry_fd = -1;
    d->registry = NULL;
    pthread_mutex_unlock(&domains_lock);
}

/* True if nobody else is there or at the door, and nobody can come before the turn ends. */
static bool begin_turn(void *domain)
{
    const struct eddy_domain *d = domain;
    bool current;
    if (!eddy_domain_is_alone(d) || eddy_lock_is_held(d->registry_fd, EDDY_LOCK_DOOR, 1) ||
        !eddy_lock_try(d->registry_fd, EDDY_LOCK_GATE, EDDY_LOCK_EXCLUSIVE))
        return false;
    if (eddy_domain_is_alone(d) && check_current(d, &current) == EDDY_OK && current)
        return true;
    eddy_lock_drop(d->registry_fd, EDDY_LOCK_GATE);
    return false;
}

static void end_turn(void *domain)
{
    eddy_lock_drop(((struct eddy_domain *)domain)->registry_fd, EDDY_LOCK_GATE);
}

/* A participant that is alone clears away what the dead have left.  False: it is not alone. */
static bool sweep_if_alone(struct eddy_domain *d)
{
    const struct eddy_sweep_turn turn = {begin_turn, end_turn, d};
    return eddy_domain_is_alone(d) && eddy_sweep_folder(d->dir_fd, &turn, &d->swept);
}

/* At the door, so that a sweep ends, and then through the gate. */
static int pass_gate(const struct eddy_domain *d, uint64_t deadline)
{
    (void)eddy_lock_try(d->registry_fd, EDDY_LOCK_DOOR, EDDY_LOCK_SHARED);
    EDDY_POINT("join:at-the-door");
    int error = eddy_lock_wait(d->registry_fd, EDDY_LOCK_GATE, EDDY_LOCK_SHARED, deadline,
                               "clearing the domain");
    eddy_lock_drop(d->registry_fd, EDDY_LOCK_DOOR);
    return error;
}

static int join_registry(struct eddy_domain *d, const char *name)
{
    uint64_t deadline = eddy_deadline(JOIN_PATIENCE);
    for (;;) {
        int error = open_registry(d);
        if (error)
            return error;
        EDDY_POINT("join:opened");
        error = pass_gate(d, deadline);
        bool locked = !error, current = false;
        if (locked)
            error = check_current(d, &current);
        EDDY_POINT("join:checked");
        if (!error && current)
            error = take_seat(d, name);
        if (locked)
            eddy_lock_drop(d->registry_fd, EDDY_LOCK_GATE);
        if (current && error)
            leave_registry(d);
        if (current && !error) {
            (void)sweep_if_alone(d);
            return EDDY_OK;
        }
        drop_registry(d);
        if (error)
            return error;
    }
}

int eddy_domain_check(const char *dir)
{
    EDDY_UNCANCELLED;
    char path[4096];
    int fd = -1;
    int64_t spin_ns;
    int error = eddy_log_check();
    if (!error)
        error = eddy_directory_check_limit();
    if (!error)
        error = eddy_spin_setting(&spin_ns);
    if (!error && !dir)
        error = eddy_default_dir(path, sizeof path);
    if (!error)
        error = eddy_folder_open(dir ? dir : path, false, &fd);
    if (!error)
        close(fd);
    return error;
}

static int open_parts(struct eddy_domain *d, const struct eddy_domain_options *o)
{
    char path[4096];
    int error = eddy_log_check();
    if (!error)
        error = eddy_spin_setting(&d->spin_ns);
    d->spin_ns = o->spin_ns ? o->spin_ns : d->spin_ns;
    if (!error && !o->dir)
        error = eddy_default_dir(path, sizeof path);
    if (error)
        return error;
    d->dir = o->dir ? realpath(o->dir, NULL) : NULL;
    if (!d->dir)
        d->dir = strdup(o->dir ? o->dir : path);
    if (!d->dir)
        return eddy_fail(EDDY_ENOMEM, "no memory to open a domain");
    error = eddy_folder_open(o->dir ? o->dir : path, true, &d->dir_fd);
    return error ? error : join_registry(d, o->name);
}

int eddy_domain_open(const struct eddy_domain_options *options, eddy_domain **domain)
{
    EDDY_UNCANCELLED;
    static const struct eddy_domain_options none;
    if (!domain)
        return eddy_fail(EDDY_EINVAL, "eddy_domain_open: no place for the result");
    struct eddy_domain *d = calloc(1, sizeof *d);
    if (!d)
        return eddy_fail(EDDY_ENOMEM, "no memory to open a domain");
    d->fork_count = eddy_fork_count;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->name_free, NULL);
    list_domain(d);
    int error = open_parts(d, options ? options : &none);
    if (error) {
        unlist_domain(d);
        free(d->dir);
        free(d);
        return error;
    }
    eddy_log(EDDY_LOG_INFO, "joined the domain in %s as participant %llx", d->dir,
             (unsigned long long)d->id);
    *domain = d;
    return EDDY_OK;
}

const char *eddy_domain_dir(const eddy_domain *domain)
{
    return domain->dir;
}

/* --- leaving --------------------------------------------------------------------------------- */

/* The last to leave puts out the light. */
static void leave_registry(struct eddy_domain *d)
{
    atomic_store(&d->leaves, true);
    if (!sweep_if_alone(d))
        return;
    EDDY_POINT("close:swept");
    if (begin_turn(d)) {
        EDDY_POINT("close:gate-locked");
        unlinkat(d->dir_fd, EDDY_REGISTRY_FILE, 0);
        EDDY_POINT("close:registry-gone");
        end_turn(d);
    }
}

int eddy_domain_close(eddy_domain *d)
{
    EDDY_UNCANCELLED;
    if (!d)
        return EDDY_OK;
    bool forked = eddy_domain_forked(d);
    if (!forked && d->handles)
        return eddy_fail(EDDY_EBUSY,
                         "%u handles of the domain are still open: writers, readers, wait sets, "
                         "slots, rings or regions; close them first",
                         d->handles);
    if (!forked) {
        /* Not among those who are there any more: of several that leave at once one finds itself
         * alone. */
        atomic_store(&d->leaves, true);
        eddy_lock_drop(d->registry_fd, EDDY_LOCK_PARTICIPANTS + EDDY_SEAT_OF_ID(d->id));
        EDDY_POINT("close:gone");
        leave_registry(d);
        unlist_domain(d);
    }
    eddy_registry_unmap(d->registry);
    pthread_cond_destroy(&d->name_free);
    pthread_mutex_destroy(&d->lock);
    free(d->dir);
    free(d);
    return forked ? eddy_fail_forked() : EDDY_OK;
}
