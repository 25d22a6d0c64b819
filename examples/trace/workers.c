/* workers.c - see workers.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "workers.h"

#include "must.h"
#include "verify.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

/* Where a chunk begins and stops, to see whether it fits to its neighbours. */
struct seam {
    struct machine_state before, after;
};

struct workers {
    eddy_ring *ring;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t given;
    struct eddy_chunk *queue; /* of `most` */
    uint64_t in, out, most;   /* chunks put into the queue, taken from it, its room */
    bool ending;
    struct seam *seams;  /* of the chunk with sn - 1 */
    uint64_t seam_count; /* for which there is room */
    struct workers_result result;
    uint64_t newest; /* sn of what was given back */
    unsigned count;
    pthread_t threads[];
};

static void *need(void *memory)
{
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

static void remember_seam(struct workers *workers, uint64_t sn, const struct verdict *verdict)
{
    if (sn > workers->seam_count) {
        uint64_t count = sn < 32 ? 64 : 2 * sn;
        workers->seams = need(realloc(workers->seams, count * sizeof *workers->seams));
        workers->seam_count = count;
    }
    workers->seams[sn - 1] = (struct seam){verdict->before, verdict->after};
}

static void report(struct workers *workers, uint64_t sn, const struct verdict *verdict)
{
    pthread_mutex_lock(&workers->lock);
    printf("chunk %" PRIu64 ": %" PRIu64 " steps from clock %" PRIu64 ", %s\n", sn, verdict->steps,
           verdict->before.clock, verdict->correct ? "correct" : "WRONG at the next");
    remember_seam(workers, sn, verdict);
    workers->result.chunks++;
    workers->result.steps += verdict->steps;
    workers->result.correct &= verdict->correct;
    pthread_mutex_unlock(&workers->lock);
}

static void note_release(struct workers *workers, uint64_t sn)
{
    pthread_mutex_lock(&workers->lock);
    workers->result.late += sn < workers->newest;
    workers->newest = sn > workers->newest ? sn : workers->newest;
    pthread_mutex_unlock(&workers->lock);
}

/* The next chunk in the queue; false: there will be no more. */
static bool next_chunk(struct workers *workers, struct eddy_chunk *chunk)
{
    pthread_mutex_lock(&workers->lock);
    while (workers->in == workers->out && !workers->ending)
        pthread_cond_wait(&workers->given, &workers->lock);
    bool got = workers->in != workers->out;
    if (got)
        *chunk = workers->queue[workers->out++ % workers->most];
    pthread_mutex_unlock(&workers->lock);
    return got;
}

static void *work(void *argument)
{
    struct workers *workers = argument;
    struct eddy_chunk chunk;
    while (next_chunk(workers, &chunk)) {
        struct verdict verdict = verify_chunk(chunk.data, chunk.size);
        report(workers, chunk.sn, &verdict);
        must(eddy_ring_release(workers->ring, &chunk));
        note_release(workers, chunk.sn);
    }
    return NULL;
}

struct workers *workers_start(eddy_ring *ring, unsigned threads, uint32_t most)
{
    struct workers *workers = need(calloc(1, sizeof *workers + threads * sizeof(pthread_t)));
    workers->ring = ring;
    workers->most = most;
    workers->queue = need(calloc(most, sizeof *workers->queue));
    workers->result.correct = true;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->given, NULL);
    for (; workers->count < threads; workers->count++) {
        if (pthread_create(&workers->threads[workers->count], NULL, work, workers) != 0) {
            fprintf(stderr, "cannot start worker %u\n", workers->count + 1);
            exit(EXIT_FAILURE);
        }
    }
    return workers;
}

void workers_give(struct workers *workers, const struct eddy_chunk *chunk)
{
    pthread_mutex_lock(&workers->lock);
    workers->queue[workers->in++ % workers->most] = *chunk;
    pthread_cond_signal(&workers->given);
    pthread_mutex_unlock(&workers->lock);
}

static bool seams_fit(const struct workers *workers, const struct machine_state *start)
{
    for (uint64_t i = 0; i < workers->in; i++) {
        const struct machine_state *due = i > 0 ? &workers->seams[i - 1].after : start;
        if (memcmp(due, &workers->seams[i].before, sizeof *due) != 0) {
            printf("chunk %" PRIu64 " does not begin where it should\n", i + 1);
            return false;
        }
    }
    return true;
}

struct workers_result workers_end(struct workers *workers, const struct machine_state *start)
{
    pthread_mutex_lock(&workers->lock);
    workers->ending = true;
    pthread_cond_broadcast(&workers->given);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    struct workers_result result = workers->result;
    result.correct &= seams_fit(workers, start);
    free(workers->seams);
    free(workers->queue);
    free(workers);
    return result;
}
