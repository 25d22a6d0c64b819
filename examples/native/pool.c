/* pool.c - one thread takes the lines of talker, others work on them and release them.
 *
 * A sample goes from thread to thread as a struct; what it says stays where it was written.  Any
 * thread may release it, as the reader was opened with EDDY_READER_SHARED.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 3, ROOM = 16 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct eddy_sample samples[ROOM];
    unsigned first, count;
    bool is_over;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static eddy_reader *reader;

static void put(const struct eddy_sample *sample)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.count == ROOM)
        pthread_cond_wait(&queue.changed, &queue.lock);
    queue.samples[(queue.first + queue.count++) % ROOM] = *sample;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

/* False: there will be no more. */
static bool get(struct eddy_sample *sample)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.count == 0 && !queue.is_over)
        pthread_cond_wait(&queue.changed, &queue.lock);
    bool any = queue.count > 0;
    if (any) {
        *sample = queue.samples[queue.first++ % ROOM];
        queue.count--;
    }
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
    return any;
}

static void *work(void *name)
{
    struct eddy_sample sample;
    while (get(&sample)) {
        printf("%s: %.*s\n", (const char *)name, (int)sample.size, (const char *)sample.data);
        example_check(eddy_reader_release(reader, &sample), "eddy_reader_release");
    }
    return NULL;
}

static void finish(pthread_t *threads)
{
    pthread_mutex_lock(&queue.lock);
    queue.is_over = true;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
}

static uint64_t hand_on(uint64_t most)
{
    struct eddy_sample sample;
    uint64_t count = 0;
    int result = EDDY_EAGAIN;
    while (count < most && (result = eddy_reader_take(reader, &sample)) == EDDY_OK) {
        put(&sample);
        count++;
    }
    if (result != EDDY_EAGAIN)
        example_check(result, "eddy_reader_take");
    return count;
}

static void start(pthread_t *threads)
{
    static char names[WORKERS][16];
    for (int i = 0; i < WORKERS; i++) {
        snprintf(names[i], sizeof names[i], "worker %d", i + 1);
        if (pthread_create(&threads[i], NULL, work, names[i]) != 0)
            exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "greeting"};
    example_parse(argc, argv, "Has several threads work on the lines of talker.", &options);

    eddy_domain *domain = NULL;
    pthread_t threads[WORKERS];
    const struct eddy_topic_identity topic = {.name = options.topic, .type = "text"};
    const struct eddy_reader_options shared = {.flags = EDDY_READER_SHARED};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_reader_open(domain, &topic, &shared, &reader), "eddy_reader_open");

    eddy_waitset *waitset = example_waitset(domain);
    example_check(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, NULL),
                  "eddy_waitset_attach_reader");
    start(threads);
    uint64_t end = example_end(&options), most = options.count != 0 ? options.count : UINT64_MAX;
    for (uint64_t count = 0; count < most && eddy_now() < end && example_wait(waitset, end);)
        count += hand_on(most - count);
    finish(threads);

    eddy_waitset_close(waitset);
    example_check(eddy_reader_close(reader), "eddy_reader_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
