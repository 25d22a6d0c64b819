/* Locks on the file of a ring: who has which role.  spec/ring.md, "Roles"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/ring/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

/* --- the list of open handles ---------------------------------------------------------------- */

static pthread_mutex_t *const rings_lock = &eddy_wiped.rings;
static struct eddy_ring *rings;
static uint32_t rings_of; /* the process whose list it is, by its count */

/* The lock is held. */
static struct eddy_ring **own_list(void)
{
    if (!eddy_fork_owns(&rings_of))
        rings = NULL;
    return &rings;
}

static void list_ring(struct eddy_ring *r)
{
    pthread_mutex_lock(rings_lock);
    struct eddy_ring **list = own_list();
    r->next = *list;
    *list = r;
    pthread_mutex_unlock(rings_lock);
}

static void unlist_ring(const struct eddy_ring *r)
{
    pthread_mutex_lock(rings_lock);
    for (struct eddy_ring **at = own_list(); *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    pthread_mutex_unlock(rings_lock);
}

void eddy_rings_visit(void (*visit)(struct eddy_ring *ring))
{
    if (pthread_mutex_trylock(rings_lock) != 0)
        return;
    for (struct eddy_ring *r = *own_list(); r; r = r->next)
        visit(r);
    pthread_mutex_unlock(rings_lock);
}

/* --- descriptions ---------------------------------------------------------------------------- */

int eddy_ring_file_open(struct eddy_ring *r, const struct eddy_file *file)
{
    int fd = eddy_file_reopen(file);
    if (fd < 0)
        return eddy_fail_errno("cannot open ring %s to ask who has it", r->id);
    eddy_kept_begin(&r->file, fd, NULL, O_RDWR);
    return EDDY_OK;
}

void eddy_ring_locks_end(struct eddy_ring *r)
{
    if (!eddy_life_goes_on(&r->life))
        return;
    unlist_ring(r);
    eddy_life_end(&r->life);
    r->user = 0;
}

/* --- the locks ------------------------------------------------------------------------------- */

static int64_t seat_byte(enum eddy_ring_role role)
{
    return EDDY_RING_LOCK_SEATS + (int64_t)role - EDDY_RING_PRODUCER;
}

int64_t eddy_ring_life(enum eddy_ring_role role, uint64_t epoch)
{
    return EDDY_RING_LOCK_LIVES + ((int64_t)role << 32) + (int64_t)(epoch & 0xffffffffu);
}

/* On both sides of our own byte. */
bool eddy_ring_is_used(const struct eddy_ring *r)
{
    int fd = eddy_kept_fd(&r->file);
    int64_t first = EDDY_RING_LOCK_USERS, end = first + EDDY_RING_LOCK_USERS_MASK + 1;
    int64_t own = r->user ? r->user : end;
    return (own > first && eddy_lock_is_held(fd, first, own - first)) ||
           (own < end - 1 && eddy_lock_is_held(fd, own + 1, end - own - 1));
}

bool eddy_ring_role_alive(const struct eddy_ring *r, enum eddy_ring_role role)
{
    return role == r->role || eddy_lock_is_held(eddy_kept_fd(&r->file), seat_byte(role), 1);
}

static const char *name_of(enum eddy_ring_role role)
{
    return role == EDDY_RING_PRODUCER ? "producer" : "consumer";
}

struct taking {
    struct eddy_ring *ring;
    const struct eddy_file *file;
    uint64_t epoch;
};

/* A byte that is nobody else's, so that others can be told from us. */
static int lock_user(struct eddy_ring *r, int fd)
{
    uint64_t random;
    do {
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return eddy_fail_errno("cannot get 8 random bytes");
        r->user = EDDY_RING_LOCK_USERS + (int64_t)(random & EDDY_RING_LOCK_USERS_MASK);
    } while (!eddy_lock_try(fd, r->user, EDDY_LOCK_EXCLUSIVE) && errno == EAGAIN);
    return EDDY_OK;
}

static int lock_role(const struct taking *t, int fd)
{
    const struct eddy_ring *r = t->ring;
    EDDY_POINT("ring-seat:user");
    if (r->role == EDDY_RING_OBSERVER)
        return EDDY_OK;
    if (!eddy_lock_try(fd, seat_byte(r->role), EDDY_LOCK_EXCLUSIVE))
        return eddy_fail(EDDY_EBUSY, "ring %s has a living %s already; close that one first", r->id,
                         name_of(r->role));
    EDDY_POINT("ring-seat:locked");
    if (!eddy_lock_try(fd, eddy_ring_life(r->role, t->epoch), EDDY_LOCK_EXCLUSIVE))
        return eddy_fail(EDDY_ESEGMENT,
                         "the seat of the %s of ring %s was scribbled on: its epoch %llu is in use",
                         name_of(r->role), r->id, (unsigned long long)t->epoch);
    return EDDY_OK;
}

static int take_locks(void *context)
{
    const struct taking *t = context;
    int fd = eddy_file_reopen(t->file);
    if (fd < 0)
        return eddy_fail_errno("cannot open ring %s for its locks", t->ring->id);
    int error = lock_user(t->ring, fd);
    if (!error)
        error = lock_role(t, fd);
    if (!error)
        return fd;
    close(fd);
    return error;
}

int eddy_ring_seat_lock(struct eddy_ring *r, const struct eddy_file *file, uint64_t epoch)
{
    struct taking taking = {r, file, epoch};
    int error = eddy_life_begin(take_locks, &taking, &r->life);
    if (error)
        r->user = 0;
    else
        list_ring(r);
    return error;
}
