/* eddy_idle.c - idle threads, each in a wait set of its own with a reader in it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "idle.h"

#include <eddy/eddy.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define THREAD "bench-idle"

static const struct eddy_topic_identity topic = {.name = "bench-idle"};
static eddy_domain *domain;
static _Atomic uint32_t to_come; /* threads that have not yet taken their first sample */

static void must(int rc)
{
    if (rc != EDDY_OK) {
        bench_fail("%s: %s", eddy_error_name(rc), eddy_last_error());
    }
}

/* One sample comes to each, so that its wait has been in use. */
static void *listen(void *waitset)
{
    for (;;) {
        void *reader;
        size_t count;
        struct eddy_sample sample;
        must(eddy_waitset_wait(waitset, EDDY_FOREVER, &reader, 1, &count));
        must(eddy_reader_take(reader, &sample));
        must(eddy_reader_release(reader, &sample));
        if (atomic_fetch_sub(&to_come, 1) == 1) {
            bench_wake(&to_come);
        }
    }
    return NULL;
}

static void listener_start(void)
{
    eddy_reader *reader;
    eddy_waitset *waitset;
    pthread_t thread;
    must(eddy_reader_open(domain, &topic, NULL, &reader));
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, reader));
    if (pthread_create(&thread, NULL, listen, waitset) != 0 ||
        pthread_setname_np(thread, THREAD) != 0) {
        bench_fail("a thread cannot be had");
    }
}

/* What is open stays so: the kernel and Eddy clear up after the program. */
static void all_open(unsigned listeners, int argc, char **argv)
{
    eddy_writer *writer;
    struct eddy_loan loan;
    (void)argc;
    (void)argv;
    must(eddy_domain_open(NULL, &domain));
    must(eddy_writer_open(domain, &topic, NULL, &writer));
    atomic_store(&to_come, listeners);
    for (unsigned i = 0; i < listeners; i++) {
        listener_start();
    }
    must(eddy_writer_loan(writer, 64, EDDY_FOREVER, &loan));
    bench_fill(loan.data, 64, 1);
    must(eddy_writer_publish(writer, &loan, 64, EDDY_FOREVER));
    for (uint32_t left; (left = atomic_load(&to_come)) > 0;) {
        bench_sleep_while(&to_come, left);
    }
}

int main(int argc, char **argv)
{
    static const struct idle_transport transport = {.thread = THREAD, .open = all_open};
    return idle_run(&transport, argc, argv);
}
