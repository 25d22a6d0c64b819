/* side.h - what the benchmarks use of Fast DDS, for C: one participant, samples of one size.
 *
 *   open -> writers and readers -> loan, write; take, release -> close
 *
 * Samples travel by `data-sharing` (readers map the writer's history) or `shm` (the shared-memory
 * transport copies them). Discovery goes through shared memory, too: nothing uses the network.
 *
 * Threads: Fast DDS has its own, and calls listeners in them; each writer and reader is used by one
 *          thread.  Functions end the program with bench_fail when something does not work.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FASTDDS_SIDE_H
#define BENCH_FASTDDS_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fastdds_options {
    size_t size; /* of every sample */
    unsigned domain;
    const char *way; /* data-sharing or shm */
    unsigned depth;  /* of a writer's history; a reader has room for as much from each writer */
    unsigned writers;
    bool blocks; /* nothing is lost: a writer waits for a full history; else keep last */
};

struct fastdds_writer;
struct fastdds_reader;

void fastdds_open(const struct fastdds_options *options);
/* Ends the participant with all that it has. */
void fastdds_close(void);

struct fastdds_writer *fastdds_writer_open(const char *topic);
/* `on_data` may be NULL: then there is fastdds_wait. */
struct fastdds_reader *fastdds_reader_open(const char *topic, void (*on_data)(void));

/* Returns once the writer has so many readers, or the reader so many writers. */
void fastdds_writer_connect(struct fastdds_writer *writer, unsigned readers);
void fastdds_reader_connect(struct fastdds_reader *reader, unsigned writers);

/* Only its alignment to 4 bytes is sure. */
void *fastdds_loan(struct fastdds_writer *writer);
void fastdds_write(struct fastdds_writer *writer, void *sample);

/* NULL: there is nothing.  Release it before the next. */
const void *fastdds_take(struct fastdds_reader *reader);
void fastdds_release(struct fastdds_reader *reader);

/* False once so many milliseconds have passed without a sample; negative: waits for ever. */
bool fastdds_wait(struct fastdds_reader *reader, int milliseconds);

#ifdef __cplusplus
}
#endif
#endif
