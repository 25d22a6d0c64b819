/* gate_orders_test.c - the entry of a sample is written again when its readers are through with it.
 *
 * A writer one lap ahead of its reader, and a third thread that recomputes the gate for both, as
 * other writers do.  Each entry of the log has a shadow (support/shadow.h), written where the
 * writer has passed the gate for the number, and read while the reader has the sample.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/hook.h"
#include "support/payload.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"
#include "transport/topic/gate.h"
#include "transport/topic/writer.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { LOG = EDDY_LOG_MIN, LAG = LOG - 16, BATCH = 64, SAMPLES = 3 * LOG };

static uint64_t shadows[LOG];
static _Thread_local uint64_t publishing; /* from 1 */
/* Relaxed throughout: the test must not order what the engine should. */
static atomic_uint published, reading;

static void note_entry(const char *point)
{
    if (publishing && strcmp(point, "publish:gate-passed") == 0)
        shadow_write(&shadows[publishing % LOG], publishing);
}

/* Borrows many at once, since looking for slots tells what readers are through with as well. */
static void *write_all(void *argument)
{
    struct eddy_loan loans[BATCH];
    for (uint64_t done = 0; done < SAMPLES; done += BATCH) {
        for (int i = 0; i < BATCH; i++)
            must(eddy_writer_loan(argument, 8, patience(), &loans[i]));
        for (int i = 0; i < BATCH; i++) {
            publishing = done + (uint64_t)i + 1;
            must(eddy_writer_publish(argument, &loans[i], 8, patience()));
            atomic_store_explicit(&published, (unsigned)publishing, memory_order_relaxed);
        }
    }
    publishing = 0;
    return NULL;
}

/* Lets go of a sample when the writer is about to need its entry. */
static void *read_all(void *argument)
{
    struct eddy_sample sample;
    for (unsigned number = 1; number <= SAMPLES - LAG; number++) {
        while (atomic_load_explicit(&published, memory_order_relaxed) < number + LAG)
            sched_yield();
        must(eddy_reader_take(argument, &sample));
        same(sample.sn, number);
        if (hook_is_called)
            same(shadow_read(&shadows[number % LOG]), number);
        must(eddy_reader_release(argument, &sample));
    }
    atomic_store_explicit(&reading, 0, memory_order_relaxed);
    return NULL;
}

static void *recompute(void *argument)
{
    while (atomic_load_explicit(&reading, memory_order_relaxed)) {
        eddy_gate_recompute(argument);
        sched_yield();
    }
    return NULL;
}

static void no_entry_is_written_under_its_reader(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = LOG - 1});
    same(pair.writer->segment->log_length, LOG);
    atomic_store(&published, 0);
    atomic_store(&reading, 1);
    hook_begin(note_entry);
    pthread_t threads[] = {thread_start(read_all, pair.reader),
                           thread_start(recompute, pair.writer->segment),
                           thread_start(write_all, pair.writer)};
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    hook_end();
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(no_entry_is_written_under_its_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
