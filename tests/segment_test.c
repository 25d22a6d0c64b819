/* segment_test.c - whatever the shared memory holds: success or a clear error, no crash, no hang.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/image.h"
#include "support/payload.h"
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a visitor is at, for the one who finds it dead. */
struct progress {
    size_t file, offset;
    uint64_t value, done;
};

enum moment { BEFORE_ATTACH, WHILE_ATTACHED };

static struct progress *progress;
static struct image image;
static struct child host;
static char flink[512];

/* Keeps the topic alive, with samples unread, held, kept for late readers and on loan. */
static void host_process(int wire, void *argument)
{
    (void)argument;
    struct pair pair = pair_open(&(struct eddy_writer_options){.history = 4},
                                 &(struct eddy_reader_options){.limit_bytes = 16u << 20});
    eddy_reader *idle = open_reader(pair.domain, "pair", NULL);
    struct eddy_sample sample;
    struct eddy_loan loan;
    (void)idle;
    for (uint64_t i = 0; i < 12; i++)
        payload_publish(pair.writer, 200, 1, i);
    must(eddy_reader_take(pair.reader, &sample));
    must(eddy_writer_loan(pair.writer, 200, &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void start(void)
{
    progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check((void *)progress != MAP_FAILED);
    host = child_start(host_process, NULL);
    wire_expect(host.wire, WIRE_READY);
    eddy_snapshot *snapshot;
    must(eddy_snapshot_take(NULL, &snapshot));
    same(eddy_snapshot_topics(snapshot), 1);
    snprintf(flink, sizeof flink, "%s", eddy_snapshot_topic(snapshot, 0)->flink);
    eddy_snapshot_free(snapshot);
    image_save(&image);
}

static void finish(void)
{
    image_restore(&image);
    image_drop(&image);
    child_kill(&host);
    munmap(progress, sizeof *progress);
    eddy_domain *domain = open_domain();
    must(eddy_domain_close(domain));
}

static void is_an_answer(int error)
{
    check(error <= 0 && error >= EDDY_ENOTREADY);
}

struct visit {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader, *late;
};

static void enter(struct visit *visit)
{
    struct eddy_topic_name name = {.name = "pair"};
    struct eddy_writer_options writing = {.max_wait_ns = MILLISECOND / 2};
    struct eddy_reader_options reading = {.reliability = EDDY_BEST_EFFORT, .history = UINT32_MAX};
    memset(visit, 0, sizeof *visit);
    is_an_answer(eddy_domain_open(NULL, &visit->domain));
    if (!visit->domain)
        return;
    is_an_answer(eddy_writer_open(visit->domain, &name, &writing, &visit->writer));
    is_an_answer(eddy_reader_open(visit->domain, &name, NULL, &visit->reader));
    is_an_answer(eddy_reader_attach(visit->domain, flink, &reading, &visit->late));
}

static void publish_some(eddy_writer *writer)
{
    for (int i = 0; i < 3; i++) {
        struct eddy_loan loan;
        int error = eddy_writer_loan(writer, 200, &loan);
        is_an_answer(error);
        if (error != EDDY_OK)
            return;
        memset(loan.data, 'v', 200);
        error = eddy_writer_publish(writer, &loan, 200);
        is_an_answer(error);
        if (error != EDDY_OK)
            is_an_answer(eddy_writer_discard(writer, &loan));
    }
}

/* Reads all that it is given, so that a wrong size or place would be noticed. */
static void take_some(eddy_reader *reader)
{
    volatile unsigned char sum = 0;
    is_an_answer(eddy_reader_wait(reader, EDDY_POLL));
    for (int i = 0; i < 40; i++) {
        struct eddy_sample sample;
        int error = eddy_reader_take(reader, &sample);
        is_an_answer(error);
        if (error != EDDY_OK)
            return;
        for (size_t at = 0; at < sample.size; at += 64)
            sum = (unsigned char)(sum + ((const unsigned char *)sample.data)[at]);
        for (size_t at = 0; at < sample.header_size; at++)
            sum = (unsigned char)(sum + ((const unsigned char *)sample.header)[at]);
        is_an_answer(eddy_reader_release(reader, &sample));
    }
}

static void act(struct visit *visit)
{
    struct eddy_topic_stats stats;
    eddy_snapshot *snapshot = NULL;
    if (visit->writer) {
        publish_some(visit->writer);
        is_an_answer(eddy_writer_stats(visit->writer, &stats));
    }
    if (visit->late)
        take_some(visit->late);
    if (visit->reader)
        take_some(visit->reader);
    is_an_answer(eddy_snapshot_take(NULL, &snapshot));
    eddy_snapshot_free(snapshot);
}

static void leave(struct visit *visit)
{
    if (!visit->domain)
        return;
    is_an_answer(eddy_reader_close(visit->late));
    is_an_answer(eddy_reader_close(visit->reader));
    is_an_answer(eddy_writer_close(visit->writer));
    must(eddy_domain_close(visit->domain));
}

/* One changed word, met on the way in or in the middle of work. */
static void visit_with(enum moment moment, size_t file, size_t offset, uint64_t value)
{
    struct visit visit;
    *progress = (struct progress){file, offset, value, progress->done + 1};
    alarm(10);
    image_restore(&image);
    if (moment == WHILE_ATTACHED)
        enter(&visit);
    image_poke(&image, file, offset, value);
    if (moment == BEFORE_ATTACH)
        enter(&visit);
    act(&visit);
    leave(&visit);
}

static void visit_word(enum moment moment, size_t file, size_t offset)
{
    uint64_t was = image_peek(&image, file, offset);
    visit_with(moment, file, offset, UINT64_MAX);
    visit_with(moment, file, offset, was + 1);
    if (was == 0)
        return;
    const uint64_t values[] = {0,
                               was - 1,
                               was ^ (UINT64_C(1) << 31),
                               was ^ (UINT64_C(1) << 63),
                               UINT64_C(0x4141414141414141),
                               was << 32 | was >> 32};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        visit_with(moment, file, offset, values[i]);
}

/* All words of a file's first page; then those that are in use. */
static void visit_file(enum moment moment, size_t file)
{
    for (size_t at = 0; at + 8 <= image.files[file].bytes; at += 8)
        if (at < 4096 || image_peek(&image, file, at) != 0)
            visit_word(moment, file, at);
}

struct errand {
    enum moment moment;
    const char *suffix; /* of the files to change */
};

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

static void visiting_process(int wire, void *argument)
{
    (void)wire;
    struct errand *errand = argument;
    for (size_t i = 0; i < image.count; i++)
        if (has_suffix(image.files[i].name, errand->suffix))
            visit_file(errand->moment, i);
}

static void run_errand(enum moment moment, const char *suffix)
{
    start();
    bool hung;
    struct errand errand = {moment, suffix};
    struct child child = child_start(visiting_process, &errand);
    int status = child_status(&child, 10 * PATIENCE_MS, &hung);
    if (hung || status != 0)
        check_fail(CHECK_HERE("run_errand"), "%s of %s, word at %#zx set to %#llx",
                   WIFEXITED(status) ? "wrong answer" : strsignal(WTERMSIG(status)),
                   image.files[progress->file].name, progress->offset,
                   (unsigned long long)progress->value);
    printf("%llu changed words\n", (unsigned long long)progress->done);
    check(progress->done > 500);
    finish();
}

static void attaching_to_any_control_file_is_safe(void **state)
{
    (void)state;
    run_errand(BEFORE_ATTACH, ".seg");
}

static void scribbles_on_a_control_file_in_use_are_safe(void **state)
{
    (void)state;
    run_errand(WHILE_ATTACHED, ".seg");
}

static void attaching_to_any_extent_is_safe(void **state)
{
    (void)state;
    run_errand(BEFORE_ATTACH, ".x0");
}

static void scribbles_on_an_extent_in_use_are_safe(void **state)
{
    (void)state;
    run_errand(WHILE_ATTACHED, ".x0");
}

static void joining_any_registry_is_safe(void **state)
{
    (void)state;
    run_errand(BEFORE_ATTACH, "registry");
}

static void scribbles_on_a_registry_in_use_are_safe(void **state)
{
    (void)state;
    run_errand(WHILE_ATTACHED, "registry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(attaching_to_any_control_file_is_safe),
        WORLD_TEST(scribbles_on_a_control_file_in_use_are_safe),
        WORLD_TEST(attaching_to_any_extent_is_safe),
        WORLD_TEST(scribbles_on_an_extent_in_use_are_safe),
        WORLD_TEST(joining_any_registry_is_safe),
        WORLD_TEST(scribbles_on_a_registry_in_use_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
