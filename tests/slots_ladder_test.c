/* slots_ladder_test.c - whatever a slots segment holds: success or a clear error, no crash, no hang.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/image.h"
#include "support/slots_pair.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t nobody[] = {0};

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

/* Keeps the segment alive, with samples read, unread, held and on loan, and readers beyond 64. */
static void host_process(int wire, void *argument)
{
    (void)argument;
    struct slots_pair p = slots_pair_open(8, 200, 130);
    struct eddy_slots_sample sample;
    struct eddy_slots_loan loan;
    must(eddy_slots_join(p.reader, 70, NULL));
    for (int i = 0; i < 5; i++)
        must(slots_publish(p.writer, nobody, "something", 10));
    must(eddy_slots_take(p.reader, 0, EDDY_POLL, &sample));
    check(slots_hear(p.reader, 70, "something", 10));
    must(eddy_slots_reserve(p.writer, nobody, 1, EDDY_POLL, &loan));
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
    file = file_with(".slots");
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

static void write_some(eddy_slots *slots)
{
    for (int i = 0; i < 4; i++) {
        struct eddy_slots_loan loan;
        int error =
            eddy_slots_reserve(slots, i % 2 ? NULL : nobody, i % 2 ? 0 : 1, EDDY_POLL, &loan);
        is_an_answer(error);
        if (error)
            continue;
        memset(loan.data, 'v', loan.size);
        is_an_answer(i == 3 ? eddy_slots_discard(slots, &loan)
                            : eddy_slots_commit_in_place(slots, &loan, 200, NULL));
    }
}

/* Reads all that it is given, so that a wrong size or place would be noticed. */
static void read_some(eddy_slots *slots, uint32_t reader)
{
    volatile unsigned char sum = 0;
    char copy[300];
    for (int i = 0; i < 12; i++) {
        struct eddy_slots_sample sample;
        int error = i % 3 == 2 ? eddy_slots_take_latest(slots, reader, &sample)
                               : eddy_slots_take(slots, reader, EDDY_POLL, &sample);
        is_an_answer(error);
        for (size_t at = 0; !error && at < sample.size; at++)
            sum = (unsigned char)(sum + ((const unsigned char *)sample.data)[at]);
        if (!error)
            is_an_answer(eddy_slots_release(slots, &sample));
        if (eddy_slots_next_unread(slots, reader, &sample))
            continue;
        is_an_answer(eddy_slots_read(slots, &sample, copy, sizeof copy));
        is_an_answer(eddy_slots_mark_read(slots, &sample));
    }
}

static void look_at_all(eddy_slots *slots)
{
    struct eddy_slots_report report;
    is_an_answer(eddy_slots_stats(slots, &report));
    for (uint32_t i = 0; i < 8; i++) {
        struct eddy_slots_slot look;
        uint64_t mask[3];
        is_an_answer(eddy_slots_look(slots, i, &look));
        is_an_answer(eddy_slots_read_mask(slots, i, mask, 3));
    }
    is_an_answer(eddy_slots_wait(slots, eddy_slots_generation(slots), EDDY_POLL));
}

static void act(eddy_slots *slots)
{
    uint32_t readers[2] = {0, 0};
    if (!slots)
        return;
    int first = eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &readers[0]);
    int second = eddy_slots_join(slots, 129, &readers[1]);
    is_an_answer(first);
    is_an_answer(second);
    write_some(slots);
    if (!first)
        read_some(slots, readers[0]);
    if (!second)
        read_some(slots, readers[1]);
    is_an_answer(eddy_slots_mark_reader_disconnected(slots, 70));
    look_at_all(slots);
    if (!second)
        is_an_answer(eddy_slots_leave(slots, 129));
}

static eddy_slots *enter(void)
{
    eddy_slots *slots = NULL;
    is_an_answer(eddy_slots_attach(NULL, slots_path("slots"), NULL, &slots));
    return slots;
}

/* One changed word, met on the way in or in the middle of work. */
static void visit_with(enum moment moment, size_t offset, uint64_t value)
{
    *progress = (struct progress){offset, value, progress->done + 1};
    alarm(10);
    image_restore(&image);
    eddy_slots *slots = moment == WHILE_ATTACHED ? enter() : NULL;
    image_poke(&image, file, offset, value);
    if (moment == BEFORE_ATTACH)
        slots = enter();
    act(slots);
    is_an_answer(eddy_slots_close(slots));
    if (offset % 1024 == 0)
        is_an_answer(eddy_gc(NULL, &(struct eddy_gc_report){0}));
}

static void visit_word(enum moment moment, size_t offset)
{
    uint64_t was = image_peek(&image, file, offset);
    const uint64_t values[] = {UINT64_MAX,
                               was + 1,
                               0,
                               was - 1,
                               was ^ (UINT64_C(1) << 31),
                               was ^ (UINT64_C(1) << 63),
                               was ^ (UINT64_C(1) << 16),
                               was ^ (UINT64_C(1) << 21),
                               UINT64_C(0x4141414141414141),
                               was << 32 | was >> 32};
    size_t count = was ? sizeof values / sizeof *values : 2;
    for (size_t i = 0; i < count; i++)
        visit_with(moment, offset, values[i]);
}

static void visiting_process(int wire, void *argument)
{
    (void)wire;
    enum moment moment = *(enum moment *)argument;
    enum { MEMBERS_END = 4096 + 2048 * 8, HEADER_USED = 0x600 };
    for (size_t at = 0; at + 8 <= image.files[file].bytes; at += 8) {
        bool control = at < HEADER_USED || (at >= MEMBERS_END && at < MEMBERS_END + 4096);
        if (control || image_peek(&image, file, at) != 0)
            visit_word(moment, at);
    }
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

static void attaching_to_any_segment_is_safe(void **state)
{
    (void)state;
    run_errand(BEFORE_ATTACH);
}

static void scribbles_on_a_segment_in_use_are_safe(void **state)
{
    (void)state;
    run_errand(WHILE_ATTACHED);
}

/* --- each rung ------------------------------------------------------------------------------- */

static void a_poked_word_gives(size_t offset, uint64_t value, int error)
{
    eddy_slots *slots;
    image_poke(&image, file, offset, value);
    must_fail(eddy_slots_attach(NULL, slots_path("slots"), NULL, &slots), error);
    says(image.files[file].name);
    image_restore(&image);
}

static void each_rung_has_its_error(void **state)
{
    (void)state;
    start();
    uint64_t counts = image_peek(&image, file, 0x28);
    a_poked_word_gives(0, 0, EDDY_ESEGMENT);
    a_poked_word_gives(8, 0x7fff, EDDY_EVERSION);
    a_poked_word_gives(0x10, image_peek(&image, file, 0x10) + 4096, EDDY_ESEGMENT);
    a_poked_word_gives(0x18, 1 << 20, EDDY_ESEGMENT);
    a_poked_word_gives(0x28, counts - 8 + 1000000, EDDY_ESEGMENT); /* a million slots */
    a_poked_word_gives(0x28, counts & 0xffffffff, EDDY_ESEGMENT);  /* no readers */
    a_poked_word_gives(0x30, 1u << 31, EDDY_ESEGMENT);
    a_poked_word_gives(0x40, 0, EDDY_ESEGMENT); /* another nonce than its name's */
    eddy_slots *slots = enter();
    check(slots != NULL);
    must(eddy_slots_close(slots));
    finish();
}

static void a_file_cut_short_is_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8, 63, 4095, 4096, 8192};
    eddy_slots *slots;
    start();
    struct image_file *f = &image.files[file];
    for (size_t i = 0; i <= sizeof sizes / sizeof *sizes; i++) {
        size_t size = i < sizeof sizes / sizeof *sizes ? sizes[i] : f->bytes - 1;
        check(ftruncate(f->descriptor, (off_t)size) == 0);
        must_fail(eddy_slots_attach(NULL, slots_path("slots"), NULL, &slots), EDDY_ESEGMENT);
        says(f->name);
        image_restore(&image);
    }
    finish();
}

static void links_and_strangers_files_are_refused(void **state)
{
    (void)state;
    char path[512], moved[512];
    eddy_slots *slots;
    start();
    snprintf(path, sizeof path, "%s/%s", world_dir(), image.files[file].name);
    snprintf(moved, sizeof moved, "%s/moved", world_dir());
    check(rename(path, moved) == 0 && symlink("moved", path) == 0);
    must_fail(eddy_slots_attach(NULL, slots_path("slots"), NULL, &slots), EDDY_EACCES);
    check(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    must_fail(eddy_slots_attach(NULL, slots_path("slots"), NULL, &slots), EDDY_EACCES);
    check(unlink(path) == 0 && rename(moved, path) == 0);
    check(chmod(world_dir(), 0722) == 0);
    must_fail(eddy_slots_attach(NULL, slots_path("slots"), NULL, &slots), EDDY_EACCES);
    must_fail(eddy_slots_create(NULL, slots_path("new"),
                                &(struct eddy_slots_options){.slot_count = 1}, &slots),
              EDDY_EACCES);
    check(chmod(world_dir(), 0700) == 0);
    finish();
}

static void a_flink_may_hold_anything(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "eddy flink 1\n",
        "eddy flink 1\nkind: slots\n",
        "eddy flink 1\nkind: slots\nsegment: 0123\n",
        "eddy flink 1\nkind: rings\nsegment: 0123456789abcdef0123456789abcdef\n",
        "eddy flink 1\nkind: a kind with a long name\nsegment: 0123456789abcdef0123456789abcdef\n",
        "eddy flink 1\nkind: slots\nsegment: ../../../../../../../../../etc/pass\n",
    };
    eddy_slots *slots;
    world_is_dirty();
    eddy_domain *domain = open_domain();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *flink = fopen(slots_path("any"), "w");
        check(flink != NULL);
        fputs(texts[i], flink);
        fclose(flink);
        check(chmod(slots_path("any"), 0600) == 0);
        must_fail(eddy_slots_attach(NULL, slots_path("any"), NULL, &slots), EDDY_EFLINK);
    }
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(attaching_to_any_segment_is_safe),
        WORLD_TEST(scribbles_on_a_segment_in_use_are_safe),
        WORLD_TEST(each_rung_has_its_error),
        WORLD_TEST(a_file_cut_short_is_refused),
        WORLD_TEST(links_and_strangers_files_are_refused),
        WORLD_TEST(a_flink_may_hold_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
