/* semaphore_channel.c - a trace ring as they are commonly written: positions in one header, and two
 * named semaphores that count what is filled and what is empty.
 *
 *   producer: try `empty` 10,000 times, then wait -> claim, madvise -> write -> position + 1, post
 *   consumer: wait for `filled` with a time limit -> claim -> read -> complete under a lock, post
 *
 * Written for the comparison: one producer and one consumer that live; the slots are as large as
 * asked for, where such rings often round each up to a huge page.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define HUGE_PAGE  (2u << 20)
#define SPIN_LIMIT 10000u
#define WAIT_NS    100000000

/* As usual all in one cache line. */
struct header {
    _Atomic uint64_t written, read, reserved;
    uint64_t capacity, slot_bytes;
    _Atomic uint64_t finished;
};

struct channel {
    struct header *header;
    char *slots;
    sem_t *filled, *empty;
    uint64_t claim;
    pthread_mutex_t completing;
    size_t size;
};

static sem_t *semaphore(const char *what, const struct channel_shape *shape, unsigned value)
{
    char name[64];
    snprintf(name, sizeof name, "/eddy-bench-%d-%u-%s", (int)getpid(), shape->number, what);
    sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, value);
    if (sem == SEM_FAILED) {
        bench_fail("semaphore %s: %s", name, strerror(errno));
    }
    sem_unlink(name);
    return sem;
}

static void *object(const struct channel_shape *shape, size_t bytes)
{
    char name[64];
    snprintf(name, sizeof name, "/eddy-bench-%d-%u", (int)getpid(), shape->number);
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0) {
        bench_fail("shared memory %s: %s", name, strerror(errno));
    }
    shm_unlink(name);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        bench_fail("mapping %zu bytes: %s", bytes, strerror(errno));
    }
    close(fd);
    return memory;
}

static void ring_share(struct channel *channel, const struct channel_shape *shape)
{
    size_t unit = shape->size < HUGE_PAGE ? 64 : HUGE_PAGE;
    size_t slot_bytes = (shape->size + unit - 1) / unit * unit;
    size_t bytes = HUGE_PAGE + slot_bytes * shape->slots;
    channel->header = object(shape, bytes);
    channel->slots = (char *)channel->header + HUGE_PAGE;
    madvise(channel->header, bytes, MADV_HUGEPAGE);
    channel->header->capacity = shape->slots;
    channel->header->slot_bytes = slot_bytes;
    channel->filled = semaphore("filled", shape, 0);
    channel->empty = semaphore("empty", shape, shape->slots);
    channel->size = shape->size;
    pthread_mutex_init(&channel->completing, NULL);
}

static void ring_open(struct channel *channel, const struct channel_shape *shape, bool produces)
{
    (void)channel;
    (void)shape;
    (void)produces;
}

static char *slot_of(const struct channel *channel, uint64_t position)
{
    const struct header *header = channel->header;
    return channel->slots + position % header->capacity * header->slot_bytes;
}

static void pause_a_moment(void)
{
#if defined(__x86_64__)
    _mm_pause();
#endif
}

static void wait_for_room(struct channel *channel)
{
    for (unsigned i = 0; i < SPIN_LIMIT; i++) {
        if (sem_trywait(channel->empty) == 0) {
            return;
        }
        pause_a_moment();
    }
    while (sem_wait(channel->empty) != 0) {
    }
}

static void ring_send(struct channel *channel, uint64_t seq)
{
    struct header *header = channel->header;
    wait_for_room(channel);
    char *slot = slot_of(channel, atomic_load_explicit(&header->written, memory_order_relaxed));
    madvise(slot, header->slot_bytes, MADV_FREE); /* refused for shared memory, and asked for */
    bench_fill(slot, channel->size, seq);
    atomic_fetch_add_explicit(&header->written, 1, memory_order_release);
    sem_post(channel->filled);
}

static bool wait_for_chunk(struct channel *channel)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += WAIT_NS;
    if (limit.tv_nsec >= 1000000000) {
        limit.tv_sec++;
        limit.tv_nsec -= 1000000000;
    }
    return sem_timedwait(channel->filled, &limit) == 0;
}

static uint64_t ring_receive(struct channel *channel)
{
    struct header *header = channel->header;
    do {
        while (atomic_load_explicit(&header->finished, memory_order_acquire) == 2 ||
               !wait_for_chunk(channel)) {
        }
    } while (atomic_load_explicit(&header->written, memory_order_acquire) ==
             atomic_load_explicit(&header->reserved, memory_order_acquire));
    channel->claim = atomic_fetch_add_explicit(&header->reserved, 1, memory_order_release);
    return bench_drain(slot_of(channel, channel->claim), channel->size);
}

/* The only consumer releases in order: the heap of those that come early is left out. */
static void ring_release(struct channel *channel)
{
    pthread_mutex_lock(&channel->completing);
    if (channel->claim == atomic_load_explicit(&channel->header->read, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&channel->header->read, 1, memory_order_release);
        sem_post(channel->empty);
    }
    pthread_mutex_unlock(&channel->completing);
}

int main(int argc, char **argv)
{
    static const struct channel_transport transport = {
        .bytes = sizeof(struct channel),
        .share = ring_share,
        .open = ring_open,
        .send = ring_send,
        .receive = ring_receive,
        .release = ring_release,
    };
    return channel_run(&transport, argc, argv);
}
