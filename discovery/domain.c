/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/domain.h"

#include "allocator/atomic.h"
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/sized.h"
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

static pthread_mutex_t *const domains_lock = &eddy_wiped.domains;
static struct eddy_domain *domains;
static uint32_t domains_of; /* the process whose list it is, by its count */

static void leave_registry(struct eddy_domain *d);

/* --- fork and exit --------------------------------------------------------------------------- */

/* The lock is held. */
static struct eddy_domain **own_list(void)
{
    if (!eddy_fork_owns(&domains_of))
        domains = NULL;
    return &domains;
}

/* Locks that are held for a moment are on descriptors, which fork() copies. */
static void close_copies(void)
{
    for (struct eddy_domain *d = domains; d; d = d->next) {
        if (d->gate_fd >= 0)
            close(d->gate_fd);
        d->gate_fd = -1;
        eddy_directory_forget_names(d);
    }
    domains = NULL;
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, close_copies);
}

__attribute__((destructor)) static void leave_at_exit(void)
{
    if (eddy_is_guest() || pthread_mutex_trylock(domains_lock) != 0)
        return;
    for (struct eddy_domain *d = *own_list(); d; d = d->next) {
        if (d->id == 0)
            continue; /* another thread is just joining */
        if (eddy_domain_at_exit)
            eddy_domain_at_exit(d);
        leave_registry(d);
    }
    pthread_mutex_unlock(domains_lock);
}

/* From before it has a descriptor until it has none. */
static void list_domain(struct eddy_domain *d)
{
    pthread_mutex_lock(domains_lock);
    eddy_fork_hold();
    struct eddy_domain **list = own_list();
    d->next = *list;
    *list = d;
    eddy_fork_let();
    pthread_mutex_unlock(domains_lock);
}

static void unlist_domain(struct eddy_domain *d)
{
    pthread_mutex_lock(domains_lock);
    eddy_fork_hold();
    for (struct eddy_domain **at = own_list(); *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    eddy_fork_let();
    pthread_mutex_unlock(domains_lock);
    eddy_kept_end(&d->folder);
}

/* --- joining --------------------------------------------------------------------------------- */

static void name_participant(struct eddy_participant *p, const char *name)
{
    memset(p->name, 0, sizeof p->name);
    snprintf(p->name, sizeof p->name, "%s", name && *name ? name : program_invocation_short_name);
    p->pid = (int32_t)getpid();
    p->uid = geteuid();
    p->pid_namespace = eddy_pid_namespace();
}

static int take_seat(struct eddy_domain *d, const char *name)
{
    uint64_t id = 0;
    int error =
        eddy_participant_enter(eddy_domain_folder(d), d->gate_fd, d->registry, &id, &d->life);
    if (error)
        return error;
    EDDY_POINT("join:locked");
    struct eddy_participant *p = &d->registry->participants[EDDY_SEAT_OF_ID(id)];
    name_participant(p, name);
    EDDY_POINT("join:named");
    d->id = id;
    eddy_store_release(&p->id, id); /* [participant] */
    EDDY_POINT("join:entered");
    return EDDY_OK;
}

bool eddy_domain_is_alone(const struct eddy_domain *d)
{
    return !eddy_participants_live(eddy_domain_folder(d), d->registry, d->id);
}

/* Whether this registry is that of the folder.  -1 with errno. */
static int look_at_registry(const struct eddy_domain *d, uint64_t device, uint64_t inode,
                            bool *current)
{
    struct stat named;
    int dir = eddy_domain_folder(d);
    int rc = dir < 0 ? -1 : fstatat(dir, EDDY_REGISTRY_FILE, &named, AT_SYMLINK_NOFOLLOW);
    *current = rc == 0 && named.st_ino == inode && named.st_dev == device;
    return rc == 0 || errno == ENOENT || errno == ESTALE ? 0 : -1;
}

/* The one whose gate is open. */
static int check_current(const struct eddy_domain *d, bool *current)
{
    struct stat mine;
    return fstat(d->gate_fd, &mine) == 0 &&
                   look_at_registry(d, mine.st_dev, mine.st_ino, current) == 0
               ? EDDY_OK
               : eddy_fail_errno("cannot look at the registry of the domain in %s", d->dir);
}

bool eddy_domain_is_removed(const struct eddy_domain *d)
{
    EDDY_UNCANCELLED;
    bool current;
    return !eddy_domain_forked(d) &&
           look_at_registry(d, d->registry_device, d->registry_inode, &current) == 0 && !current &&
           !atomic_load(&d->leaves);
}

int eddy_domain_registry(const struct eddy_domain *d, int dir, int *fd)
{
    struct stat status;
    if (dir < 0)
        return eddy_fail_errno("cannot open the domain's folder %s any more", d->dir);
    int error = eddy_file_open(dir, EDDY_REGISTRY_FILE, true, fd, &status);
    if (error || (status.st_ino == d->registry_inode && status.st_dev == d->registry_device))
        return error;
    close(*fd);
    return eddy_fail(EDDY_ENOENT,
                     "the files of the domain in %s were removed while it is in use; "
                     "close it and open it anew",
                     d->dir);
}

/* Of the ways in which the kernel tells, this one alone costs the process nothing when it ends: to
 * close a descriptor of inotify or fanotify takes 10 to 30 ms. */
int eddy_domain_notify(const struct eddy_domain *d, int signal, int *fd)
{
    EDDY_UNCANCELLED;
    if (eddy_domain_forked(d))
        return eddy_fail_forked();
    struct f_owner_ex thread = {.type = F_OWNER_TID, .pid = gettid()};
    int folder = openat(eddy_domain_folder(d), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
    int fd, dir = eddy_domain_folder(d);
    struct stat status;
    eddy_fork_hold();
    int error = eddy_registry_open(dir, true, &fd, &d->registry);
    if (!error)
        d->gate_fd = fd;
    eddy_fork_let();
    if (!error && fstat(fd, &status) == 0) {
        d->registry_device = status.st_dev;
        d->registry_inode = status.st_ino;
    }
    return error;
}

/* What it had locked, too, goes with it. */
static void close_gate(struct eddy_domain *d)
{
    eddy_fork_hold();
    if (d->gate_fd >= 0)
        close(d->gate_fd);
    d->gate_fd = -1;
    eddy_fork_let();
}

static void drop_registry(struct eddy_domain *d)
{
    eddy_registry_unmap(d->registry);
    d->registry = NULL;
    close_gate(d);
}

/* Of the folder's registry, be it another than ours by now: who leaves last clears away that, too. */
static bool open_gate(struct eddy_domain *d)
{
    int fd, dir = eddy_domain_folder(d);
    struct stat status;
    if (d->gate_fd >= 0)
        return true;
    eddy_fork_hold();
    if (eddy_file_open(dir, EDDY_REGISTRY_FILE, true, &fd, &status) == EDDY_OK)
        d->gate_fd = fd;
    eddy_fork_let();
    return d->gate_fd >= 0;
}

/* True if nobody else is there or at the door, and nobody can come before the turn ends. */
static bool begin_turn(void *domain)
{
    const struct eddy_domain *d = domain;
    bool current;
    if (!eddy_domain_is_alone(d) || eddy_lock_is_held(d->gate_fd, EDDY_LOCK_DOOR, 1) ||
        !eddy_lock_try(d->gate_fd, EDDY_LOCK_GATE, EDDY_LOCK_EXCLUSIVE))
        return false;
    if (eddy_domain_is_alone(d) && check_current(d, &current) == EDDY_OK && current)
        return true;
    eddy_lock_drop(d->gate_fd, EDDY_LOCK_GATE);
    return false;
}

static void end_turn(void *domain)
{
    eddy_lock_drop(((struct eddy_domain *)domain)->gate_fd, EDDY_LOCK_GATE);
}

/* A participant that is alone clears away what the dead have left.  False: it is not alone. */
static bool sweep_if_alone(struct eddy_domain *d)
{
    const struct eddy_sweep_turn turn = {begin_turn, end_turn, d};
    return eddy_domain_is_alone(d) && open_gate(d) &&
           eddy_sweep_folder(eddy_domain_folder(d), &turn, &d->swept);
}

/* At the door, so that a sweep ends, and then through the gate. */
static int pass_gate(const struct eddy_domain *d, uint64_t deadline)
{
    (void)eddy_lock_try(d->gate_fd, EDDY_LOCK_DOOR, EDDY_LOCK_SHARED);
    EDDY_POINT("join:at-the-door");
    int error = eddy_lock_wait(d->gate_fd, EDDY_LOCK_GATE, EDDY_LOCK_SHARED, deadline,
                               "clearing the domain");
    eddy_lock_drop(d->gate_fd, EDDY_LOCK_DOOR);
    return error;
}

/* Not `current`: the registry was removed since it was opened. */
static int join_opened(struct eddy_domain *d, const char *name, uint64_t deadline, bool *current)
{
    int error = pass_gate(d, deadline);
    if (error)
        return error;
    error = check_current(d, current);
    EDDY_POINT("join:checked");
    if (!error && *current)
        error = take_seat(d, name);
    eddy_lock_drop(d->gate_fd, EDDY_LOCK_GATE);
    return error;
}

static int join_registry(struct eddy_domain *d, const char *name)
{
    uint64_t deadline = eddy_deadline(JOIN_PATIENCE);
    for (;;) {
        bool current = false;
        int error = open_registry(d);
        if (error)
            return error;
        EDDY_POINT("join:opened");
        error = join_opened(d, name, deadline, &current);
        if (current && error)
            leave_registry(d);
        if (current && !error) {
            (void)sweep_if_alone(d);
            close_gate(d);
            return EDDY_OK;
        }
        drop_registry(d);
        if (!error && eddy_now() >= deadline)
            error = eddy_fail(
                EDDY_EBUSY, "the registry in %s is replaced all the time; see who does so", d->dir);
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

static int join_folder(struct eddy_domain *d, const char *path, const char *name)
{
    int fd;
    int error = eddy_folder_open(path, true, &fd);
    if (error)
        return error;
    eddy_kept_begin(&d->folder, fd, d->dir, O_RDONLY | O_DIRECTORY);
    return join_registry(d, name);
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
    return join_folder(d, o->dir ? o->dir : path, o->name);
}

int eddy_domain_open_sized(const struct eddy_domain_options *options, size_t options_size,
                           eddy_domain **domain)
{
    EDDY_UNCANCELLED;
    struct eddy_domain_options o;
    if (!domain)
        return eddy_fail(EDDY_EINVAL, "eddy_domain_open: no place for the result");
    if (eddy_is_guest())
        return eddy_fail_forked();
    int error = EDDY_SIZED(eddy_domain_options, o, options, options_size);
    if (error)
        return error;
    struct eddy_domain *d = calloc(1, sizeof *d);
    if (!d)
        return eddy_fail(EDDY_ENOMEM, "no memory to open a domain");
    d->fork_count = eddy_fork_enter();
    d->folder = (struct eddy_kept)EDDY_KEPT_NONE;
    d->gate_fd = -1;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->name_free, NULL);
    list_domain(d);
    error = open_parts(d, &o);
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
    if (sweep_if_alone(d)) {
        EDDY_POINT("close:swept");
        if (begin_turn(d)) {
            EDDY_POINT("close:gate-locked");
            eddy_life_files_remove(eddy_domain_folder(d));
            EDDY_POINT("close:lives-gone");
            unlinkat(eddy_domain_folder(d), EDDY_REGISTRY_FILE, 0);
            EDDY_POINT("close:registry-gone");
            end_turn(d);
        }
    }
    close_gate(d);
}

int eddy_domain_close(eddy_domain *d)
{
    EDDY_UNCANCELLED;
    if (!d)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
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
        eddy_participant_leave(d->registry, d->id, &d->life);
        EDDY_POINT("close:gone");
        leave_registry(d);
        unlist_domain(d);
    } else {
        eddy_kept_end(&d->folder);
    }
    eddy_registry_unmap(d->registry);
    pthread_cond_destroy(&d->name_free);
    pthread_mutex_destroy(&d->lock);
    free(d->dir);
    free(d);
    return forked ? eddy_fail_forked() : EDDY_OK;
}
