/* Locks on the file of a ring: who has which role.  spec/ring.md, "Roles"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/ring/ring.h"

#include <unistd.h>

/* --- fork ------------------------------------------------------------------------------------ */

/* Guards the list, and keeps forks away while a descriptor is open that is not in it yet. */
static pthread_mutex_t rings_lock = PTHREAD_MUTEX_INITIALIZER;
static struct eddy_ring *rings;

static void before_fork(void)
{
    pthread_mutex_lock(&rings_lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&rings_lock);
}

static void after_fork_in_child(void)
{
    for (struct eddy_ring *r = rings; r; r = r->next) {
        close(r->lock_fd);
        r->lock_fd = -1;
    }
    rings = NULL;
    pthread_mutex_unlock(&rings_lock);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void eddy_rings_visit(void (*visit)(struct eddy_ring *ring))
{
    if (pthread_mutex_trylock(&rings_lock) != 0)
        return;
    for (struct eddy_ring *r = rings; r; r = r->next)
        visit(r);
    pthread_mutex_unlock(&rings_lock);
}

/* --- the description ------------------------------------------------------------------------- */

int eddy_ring_locks_open(struct eddy_ring *r, const struct eddy_file *file)
{
    pthread_mutex_lock(&rings_lock);
    r->lock_fd = eddy_file_reopen(file);
    if (r->lock_fd >= 0) {
        r->next = rings;
        rings = r;
    }
    pthread_mutex_unlock(&rings_lock);
    return r->lock_fd >= 0 ? EDDY_OK : eddy_fail_errno("cannot open ring %s for its locks", r->id);
}

void eddy_ring_locks_close(struct eddy_ring *r)
{
    if (r->lock_fd < 0)
        return;
    pthread_mutex_lock(&rings_lock);
    for (struct eddy_ring **at = &rings; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    close(r->lock_fd); /* and with it all its locks */
    r->lock_fd = -1;
    pthread_mutex_unlock(&rings_lock);
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

bool eddy_ring_is_used(const struct eddy_ring *r)
{
    return eddy_lock_is_held(r->lock_fd, EDDY_RING_LOCK_USERS, 1);
}

bool eddy_ring_role_alive(const struct eddy_ring *r, enum eddy_ring_role role)
{
    return role == r->role || eddy_lock_is_held(r->lock_fd, seat_byte(role), 1);
}

static const char *name_of(enum eddy_ring_role role)
{
    return role == EDDY_RING_PRODUCER ? "producer" : "consumer";
}

int eddy_ring_seat_lock(struct eddy_ring *r, uint64_t epoch)
{
    if (!eddy_lock_try(r->lock_fd, EDDY_RING_LOCK_USERS, EDDY_LOCK_SHARED))
        return eddy_fail_errno("cannot lock ring %s", r->id);
    EDDY_POINT("ring-seat:user");
    if (r->role == EDDY_RING_OBSERVER)
        return EDDY_OK;
    if (!eddy_lock_try(r->lock_fd, seat_byte(r->role), EDDY_LOCK_EXCLUSIVE))
        return eddy_fail(EDDY_EBUSY, "ring %s has a living %s already; close that one first", r->id,
                         name_of(r->role));
    EDDY_POINT("ring-seat:locked");
    if (!eddy_lock_try(r->lock_fd, eddy_ring_life(r->role, epoch), EDDY_LOCK_EXCLUSIVE))
        return eddy_fail(EDDY_ESEGMENT,
                         "the seat of the %s of ring %s was scribbled on: its epoch %llu is in use",
                         name_of(r->role), r->id, (unsigned long long)epoch);
    return EDDY_OK;
}
