/* ring_ladder_test.c - whatever a ring's file holds: success or a clear error, no crash, no hang.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/image.h"
#include "support/ring_pair.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 5, SIZE = 200, HEADER_USED = 0x280, LENGTHS = 4096, DONE = LENGTHS + 64 };

/* What a visitor is at, for the one who finds it dead. */
struct progress {
    size_t offset;
    uint64_t value, done;
};

enum moment { BEFORE_ATTACH, WHILE_ATTACHED };

static struct progress *progress;
static struct image image;
static struct child host;
static size_t file;

/* Leaves chunks that are published, in work, and done out of order. */
static void dying_process(int wire, void *argument)
{
    (void)argument;
    struct ring_pair p = {.producer = ring_attach("ring", EDDY_RING_PRODUCER),
                          .consumer = ring_attach("ring", EDDY_RING_CONSUMER)};
    struct eddy_chunk held[3];
    for (uint64_t i = 0; i < 4; i++)
        ring_publish(p.producer, SIZE, i);
    for (uint64_t i = 0; i < 3; i++)
        held[i] = ring_take(p.consumer, i);
    must(eddy_ring_release(p.consumer, &held[1]));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* Keeps the ring alive, and both its roles free. */
static void host_process(int wire, void *argument)
{
    (void)argument;
    (void)ring_create("ring", EDDY_RING_OBSERVER, SLOTS, SIZE);
    struct child child = child_start(dying_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static size_t file_with(const char *suffix)
{
    for (size_t i = 0; i < image.count; i++) {
        size_t length = strlen(image.files[i].name), tail = strlen(suffix);
        if (length >= tail && strcmp(image.files[i].name + length - tail, suffix) == 0)
            return i;
    }
    check_fail(CHECK_HERE("file_with"), "no file ends with %s", suffix);
}

static void start(void)
{
    progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check((void *)progress != MAP_FAILED);
    host = child_start(host_process, NULL);
    wire_expect(host.wire, WIRE_READY);
    image_save(&image);
    file = file_with(".ring");
}

static void finish(void)
{
    image_restore(&image);
    image_drop(&image);
    child_kill(&host);
    munmap(progress, sizeof *progress);
    must(eddy_domain_close(open_domain()));
}

static void is_an_answer(int error)
{
    check(error <= 0 && error >= EDDY_ENOTREADY);
}

/* --- a visitor ------------------------------------------------------------------------------- */

static void produce(eddy_ring *ring)
{
    for (uint64_t i = 0; ring && i < 2 * SLOTS; i++) {
        struct eddy_chunk loan;
        uint64_t deadline = i == 0 ? eddy_deadline(100000) : EDDY_POLL;
        int error = eddy_ring_loan(ring, deadline, &loan);
        is_an_answer(error);
        if (error)
            continue;
        memset(loan.data, 'v', loan.size);
        is_an_answer(i == 3 ? eddy_ring_discard(ring, &loan)
                            : eddy_ring_publish(ring, &loan, SIZE));
    }
}

/* Reads all that it is given, so that a wrong size or place would be noticed. */
static void consume(eddy_ring *ring)
{
    volatile unsigned char sum = 0;
    struct eddy_chunk held[3 * SLOTS];
    int count = 0;
    for (int i = 0; ring && i < 3 * SLOTS; i++) {
        uint64_t deadline = i == 0 ? eddy_deadline(100000) : EDDY_POLL;
        int error = eddy_ring_take(ring, deadline, &held[count]);
        is_an_answer(error);
        for (size_t at = 0; !error && at < held[count].size; at++)
            sum = (unsigned char)(sum + ((const unsigned char *)held[count].data)[at]);
        count += !error;
    }
    while (count)
        is_an_answer(eddy_ring_release(ring, &held[--count]));
}

static void look_at_all(eddy_ring *ring)
{
    struct eddy_ring_info info;
    struct eddy_crash crash;
    if (!ring)
        return;
    is_an_answer(eddy_ring_info(ring, &info));
    is_an_answer(eddy_ring_crash(ring, &crash));
    (void)eddy_ring_peer_alive(ring);
}

static eddy_ring *enter(enum eddy_ring_role role)
{
    eddy_ring *ring = NULL;
    is_an_answer(eddy_ring_attach(NULL, "ring", role, NULL, &ring));
    return ring;
}

/* One changed word, met on the way in or in the middle of work. */
static void visit_with(enum moment moment, size_t offset, uint64_t value)
{
    eddy_ring *handles[3] = {NULL, NULL, NULL};
    *progress = (struct progress){offset, value, progress->done + 1};
    alarm(10);
    image_restore(&image);
    if (moment == BEFORE_ATTACH)
        image_poke(&image, file, offset, value);
    for (int role = 0; role < 3; role++)
        handles[role] = enter((enum eddy_ring_role)role);
    if (moment == WHILE_ATTACHED)
        image_poke(&image, file, offset, value);
    consume(handles[EDDY_RING_CONSUMER]);
    produce(handles[EDDY_RING_PRODUCER]);
    consume(handles[EDDY_RING_CONSUMER]);
    for (int role = 0; role < 3; role++)
        look_at_all(handles[role]);
    if (handles[EDDY_RING_PRODUCER])
        is_an_answer(value & 1 ? eddy_ring_finish(handles[EDDY_RING_PRODUCER])
                               : eddy_ring_report_crash(handles[EDDY_RING_PRODUCER],
                                                        &(struct eddy_crash){.signal = 1}));
    consume(handles[EDDY_RING_CONSUMER]);
    for (int role = 0; role < 3; role++)
        is_an_answer(eddy_ring_close(handles[role]));
    if (offset % 1024 == 0) {
        eddy_snapshot *snapshot;
        is_an_answer(eddy_gc(NULL, &(struct eddy_gc_report){0}));
        must(eddy_snapshot_take(NULL, &snapshot));
        eddy_snapshot_free(snapshot);
    }
}

static void visit_word(enum moment moment, size_t offset)
{
    uint64_t was = image_peek(&image, file, offset);
    const uint64_t values[] = {UINT64_MAX,
                               was + 1,
                               0,
                               was - 1,
                               was + SLOTS,
                               was - SLOTS,
                               was ^ (UINT64_C(1) << 31),
                               was ^ (UINT64_C(1) << 32),
                               was ^ (UINT64_C(1) << 63),
                               UINT64_C(0x4141414141414141),
                               was << 32 | was >> 32,
                               2,
                               3};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        visit_with(moment, offset, values[i]);
}

static void visiting_process(int wire, void *argument)
{
    (void)wire;
    enum moment moment = *(enum moment *)argument;
    for (size_t at = 0; at < DONE + 8 * SLOTS; at += 8)
        if (at < HEADER_USED || at >= LENGTHS)
            visit_word(moment, at);
}

static void run_errand(enum moment moment)
{
    bool hung;
    start();
    struct child child = child_start(visiting_process, &moment);
    int status = child_status(&child, 10 * PATIENCE_MS, &hung);
    if (hung || status != 0)
        check_fail(CHECK_HERE("run_errand"), "%s with the word at %#zx set to %#llx",
                   WIFEXITED(status) ? "wrong answer" : strsignal(WTERMSIG(status)),
                   progress->offset, (unsigned long long)progress->value);
    printf("%llu changed words\n", (unsigned long long)progress->done);
    check(progress->done > 1000);
    finish();
}

static void attaching_to_any_ring_is_safe(void **state)
{
    (void)state;
    run_errand(BEFORE_ATTACH);
}

static void scribbles_on_a_ring_in_use_are_safe(void **state)
{
    (void)state;
    run_errand(WHILE_ATTACHED);
}

/* --- each rung ------------------------------------------------------------------------------- */

static void attaching_fails(int error)
{
    eddy_ring *ring;
    for (int role = 0; role < 3; role++)
        must_fail(eddy_ring_attach(NULL, "ring", (enum eddy_ring_role)role, NULL, &ring), error);
}

static void a_poked_word_gives(size_t offset, uint64_t value, int error)
{
    image_poke(&image, file, offset, value);
    attaching_fails(error);
    says(image.files[file].name);
    image_restore(&image);
}

/* F10, F14 */
static void each_rung_has_its_error(void **state)
{
    (void)state;
    start();
    uint64_t counts = image_peek(&image, file, 0x28);
    a_poked_word_gives(0, 0, EDDY_ESEGMENT);
    a_poked_word_gives(8, 0x7fff, EDDY_EVERSION);
    a_poked_word_gives(0x10, image_peek(&image, file, 0x10) + 4096, EDDY_ESEGMENT);
    a_poked_word_gives(0x18, 0, EDDY_ESEGMENT);
    a_poked_word_gives(0x18, 65, EDDY_ESEGMENT);
    a_poked_word_gives(0x18, 1 << 20, EDDY_ESEGMENT);
    a_poked_word_gives(0x18, UINT64_MAX & ~63ull, EDDY_ESEGMENT);
    a_poked_word_gives(0x28, 0, EDDY_ESEGMENT);
    a_poked_word_gives(0x28, counts + 1000000000, EDDY_ESEGMENT);
    a_poked_word_gives(0x28, counts | 1ull << 40, EDDY_ESEGMENT); /* unknown flags */
    a_poked_word_gives(0x40, 0, EDDY_ESEGMENT); /* another nonce than its name's */
    for (int role = 0; role < 3; role++)
        must(eddy_ring_close(enter((enum eddy_ring_role)role)));
    finish();
}

static void positions_that_cannot_be_are_refused(void **state)
{
    (void)state;
    eddy_ring *ring;
    start();
    image_poke(&image, file, 0x80, 4 + SLOTS + 1);
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, NULL, &ring), EDDY_ESEGMENT);
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, NULL, &ring), EDDY_ESEGMENT);
    image_restore(&image);
    image_poke(&image, file, 0xc0, 4 + SLOTS);
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, NULL, &ring), EDDY_ESEGMENT);
    finish();
}

/* While both are at work: neither is led outside. */
static void positions_scribbled_on_in_use_are_an_error(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    start();
    eddy_ring *producer = enter(EDDY_RING_PRODUCER), *consumer = enter(EDDY_RING_CONSUMER);
    consume(consumer);
    image_poke(&image, file, 0x80, 1000);
    must_fail(eddy_ring_take(consumer, EDDY_POLL, &chunk), EDDY_ESEGMENT);
    says("scribbled");
    image_poke(&image, file, 0x80, 5);
    image_poke(&image, file, LENGTHS + 4 * 8, 1 << 20); /* longer than its slot */
    must_fail(eddy_ring_take(consumer, EDDY_POLL, &chunk), EDDY_ESEGMENT);
    image_poke(&image, file, 0x100, 1000);
    for (int i = 0; i < SLOTS; i++)
        if (eddy_ring_loan(producer, EDDY_POLL, &chunk) == EDDY_OK)
            must(eddy_ring_publish(producer, &chunk, 1));
    must_fail(eddy_ring_loan(producer, EDDY_POLL, &chunk), EDDY_ESEGMENT);
    says("scribbled");
    must(eddy_ring_close(producer));
    must(eddy_ring_close(consumer));
    finish();
}

static void a_file_cut_short_is_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8, 63, 4095, 4096, 8192};
    start();
    struct image_file *f = &image.files[file];
    for (size_t i = 0; i <= sizeof sizes / sizeof *sizes; i++) {
        size_t size = i < sizeof sizes / sizeof *sizes ? sizes[i] : f->bytes - 1;
        check(ftruncate(f->descriptor, (off_t)size) == 0);
        attaching_fails(EDDY_ESEGMENT);
        says(f->name);
        image_restore(&image);
    }
    memset(f->live, 0, f->bytes);
    attaching_fails(EDDY_ESEGMENT);
    finish();
}

static void links_and_strangers_files_are_refused(void **state)
{
    (void)state;
    char path[512], moved[512];
    start();
    snprintf(path, sizeof path, "%s/%s", world_dir(), image.files[file].name);
    snprintf(moved, sizeof moved, "%s/moved", world_dir());
    check(rename(path, moved) == 0 && symlink("moved", path) == 0);
    attaching_fails(EDDY_EACCES);
    check(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    attaching_fails(EDDY_EACCES);
    check(unlink(path) == 0 && rename(moved, path) == 0);
    check(chmod(path, 0622) == 0);
    attaching_fails(EDDY_EACCES);
    check(chmod(path, 0600) == 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(attaching_to_any_ring_is_safe),
        WORLD_TEST(scribbles_on_a_ring_in_use_are_safe),
        WORLD_TEST(each_rung_has_its_error),
        WORLD_TEST(positions_that_cannot_be_are_refused),
        WORLD_TEST(positions_scribbled_on_in_use_are_an_error),
        WORLD_TEST(a_file_cut_short_is_refused),
        WORLD_TEST(links_and_strangers_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
