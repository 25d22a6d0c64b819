/* foreign_test.c - memory of others as samples: handed over, mapped once, and back when nobody has it.
 * spec/foreign.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/foreign.h"
#include "support/group.h"
#include "support/thread.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

enum { BUFFERS = 4 };

static const struct eddy_reader_options best_effort = {.reliability = EDDY_BEST_EFFORT};

/* --- what comes back ------------------------------------------------------------------------- */

static struct buffer *returned[64];
static unsigned returned_count;

static void note_returned(void *context, void *piece)
{
    (void)context;
    returned[returned_count++] = piece;
}

/* A writer with its exporter and some buffers. */
struct camera {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_exporter *exporter;
    struct buffer buffers[BUFFERS];
};

static struct camera camera_open(uint32_t limit)
{
    const struct eddy_exporter_options options = {.returned = note_returned, .limit = limit};
    struct camera c = {.domain = open_domain()};
    c.writer = open_writer(c.domain, "frames", NULL);
    must(eddy_exporter_open(c.writer, &options, &c.exporter));
    for (int i = 0; i < BUFFERS; i++) {
        c.buffers[i] = buffer_make(MFD_ALLOW_SEALING);
        buffer_fill(&c.buffers[i], (uint8_t)(i + 1));
        buffer_export(&c.buffers[i], c.exporter);
    }
    returned_count = 0;
    return c;
}

static void camera_close(struct camera *c)
{
    must(eddy_exporter_close(c->exporter));
    must(eddy_writer_close(c->writer));
    must(eddy_domain_close(c->domain));
    for (int i = 0; i < BUFFERS; i++)
        buffer_drop(&c->buffers[i]);
}

static void camera_collect(struct camera *c, uint32_t most)
{
    must(eddy_exporter_collect(c->exporter, most, patience()));
}

/* --- readers --------------------------------------------------------------------------------- */

struct viewer {
    eddy_domain *domain;
    eddy_reader *reader;
    eddy_importer *importer;
    struct eddy_sample sample;
    struct eddy_import import;
};

static struct viewer viewer_open(const struct eddy_reader_options *options, uint32_t flags)
{
    struct viewer v = {.domain = open_domain()};
    v.reader = open_reader(v.domain, "frames", options);
    must(
        eddy_importer_open(v.domain, &(struct eddy_importer_options){.flags = flags}, &v.importer));
    return v;
}

static void viewer_close(struct viewer *v)
{
    must(eddy_importer_close(v->importer));
    must(eddy_reader_close(v->reader));
    must(eddy_domain_close(v->domain));
}

static void viewer_take(struct viewer *v)
{
    must(eddy_reader_wait(v->reader, patience()));
    must(eddy_reader_take(v->reader, &v->sample));
}

static void viewer_map(struct viewer *v)
{
    viewer_take(v);
    must(eddy_importer_map(v->importer, &v->sample, patience(), &v->import));
}

static void viewer_release(struct viewer *v)
{
    must(eddy_importer_unmap(v->importer, &v->import));
    must(eddy_reader_release(v->reader, &v->sample));
}

/* A process that takes one frame when it is told to, says what is in it, and lets go when told. */
static void view_each(int wire, void *options)
{
    struct viewer v = viewer_open(options, 0);
    wire_say(wire, WIRE_READY);
    while (wire_hear(wire) == WIRE_GO) {
        viewer_map(&v);
        const uint8_t *bytes = v.import.data;
        wire_say(wire, holds(&v.import, bytes[0]) ? bytes[0] : 0);
        wire_expect(wire, WIRE_GO);
        viewer_release(&v);
        wire_say(wire, WIRE_DONE);
    }
    viewer_close(&v);
}

static struct child view_start(const struct eddy_reader_options *options)
{
    struct child child = child_start(view_each, (void *)(uintptr_t)options);
    wire_expect(child.wire, WIRE_READY);
    return child;
}

static void view_end(struct child *child)
{
    wire_say(child->wire, WIRE_DONE);
    child_join(child);
}

static void a_frame_is_read_where_the_device_wrote_it(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct child viewer = view_start(NULL);
    for (int i = 0; i < 3 * BUFFERS; i++) { /* each is handed over once, and mapped from then on */
        struct buffer *b = &c.buffers[i % BUFFERS];
        buffer_fill(b, (uint8_t)(i + 1));
        buffer_publish(b, c.exporter);
        wire_say(viewer.wire, WIRE_GO);
        same(wire_hear(viewer.wire), i + 1);
        same(eddy_exporter_out(c.exporter), 1);
        same(eddy_exporter_collect(c.exporter, 0, EDDY_POLL), EDDY_EAGAIN);
        same(returned_count, i);
        wire_say(viewer.wire, WIRE_GO);
        wire_expect(viewer.wire, WIRE_DONE);
        camera_collect(&c, 0);
        same(returned_count, i + 1);
        check(returned[i] == b);
    }
    view_end(&viewer);
    camera_close(&c);
}

/* What the sample says besides, and pieces of one memory. */
static void pieces_have_data_of_their_own(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct viewer v = viewer_open(NULL, 0);
    const struct eddy_publication with = {.word = 77};
    for (uint64_t i = 0; i < 4; i++) {
        char text[] = "frame ?";
        text[6] = (char)('0' + i);
        c.buffers[0].bytes[i * 100] = (uint8_t)i;
        const struct eddy_export piece = {.memory = c.buffers[0].memory,
                                          .offset = i * 100,
                                          .size = 100,
                                          .piece = &c.buffers[i],
                                          .data = text,
                                          .data_size = sizeof text};
        must(eddy_exporter_publish(c.exporter, &piece, &with, patience()));
    }
    for (uint64_t i = 0; i < 4; i++) {
        viewer_map(&v);
        same(v.import.size, 100);
        same(v.import.offset, i * 100);
        same(((const uint8_t *)v.import.data)[0], i);
        same(v.sample.size, 8);
        same(((const char *)v.sample.data)[6], '0' + i);
        viewer_release(&v);
    }
    camera_collect(&c, 0);
    for (unsigned i = 0; i < 4; i++)
        check(returned[i] == &c.buffers[i]);
    viewer_close(&v);
    camera_close(&c);
}

static void several_readers_and_the_last_one_counts(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct child viewers[] = {view_start(NULL), view_start(&best_effort), view_start(NULL)};
    buffer_publish(&c.buffers[0], c.exporter);
    for (int i = 0; i < 3; i++) {
        wire_say(viewers[i].wire, WIRE_GO);
        same(wire_hear(viewers[i].wire), 1);
    }
    for (int i = 0; i < 3; i++) {
        same(eddy_exporter_collect(c.exporter, 0, EDDY_POLL), EDDY_EAGAIN);
        same(returned_count, 0);
        wire_say(viewers[i].wire, WIRE_GO);
        wire_expect(viewers[i].wire, WIRE_DONE);
    }
    camera_collect(&c, 0);
    same(returned_count, 1);
    for (int i = 0; i < 3; i++)
        view_end(&viewers[i]);
    camera_close(&c);
}

/* --- best-effort readers, and limits --------------------------------------------------------- */

static void what_a_best_effort_reader_has_not_taken_comes_back_when_needed(void **state)
{
    (void)state;
    struct camera c = camera_open(3);
    struct viewer v = viewer_open(&best_effort, 0);
    for (int i = 0; i < BUFFERS; i++) {
        buffer_publish(&c.buffers[i], c.exporter);
        same(returned_count, i == 3); /* the limit is three, so the oldest goes for the fourth */
    }
    check(returned[0] == &c.buffers[0]);
    viewer_map(&v); /* and that one is lost */
    check(holds(&v.import, 2));
    same(eddy_reader_lost(v.reader), 1);
    same(eddy_exporter_collect(c.exporter, UINT32_MAX, EDDY_POLL), EDDY_OK);
    same(returned_count, 1);
    same(eddy_exporter_collect(c.exporter, 0, EDDY_POLL), EDDY_EAGAIN);
    same(returned_count, 3); /* all but the one that is held */
    viewer_release(&v);
    camera_collect(&c, 0);
    same(returned_count, 4);
    viewer_close(&v);
    camera_close(&c);
}

static void a_reliable_reader_holds_the_camera_up(void **state)
{
    (void)state;
    struct camera c = camera_open(2);
    struct viewer v = viewer_open(NULL, 0);
    const struct eddy_export third = {
        .memory = c.buffers[2].memory, .size = FRAME, .piece = &c.buffers[2]};
    buffer_publish(&c.buffers[0], c.exporter);
    buffer_publish(&c.buffers[1], c.exporter);
    same(eddy_exporter_publish(c.exporter, &third, NULL, EDDY_POLL), EDDY_EAGAIN);
    same(eddy_exporter_publish(c.exporter, &third, NULL, eddy_deadline(MILLISECOND)),
         EDDY_ETIMEDOUT);
    same(eddy_exporter_out(c.exporter), 2);
    viewer_map(&v);
    viewer_release(&v);
    must(eddy_exporter_publish(c.exporter, &third, NULL, patience()));
    same(returned_count, 1);
    viewer_close(&v);
    camera_collect(&c, 0);
    same(returned_count, 3);
    camera_close(&c);
}

static void *release_soon(void *viewer)
{
    viewer_release(viewer);
    return NULL;
}

static void who_waits_is_woken_by_the_release(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct viewer v = viewer_open(NULL, 0);
    buffer_publish(&c.buffers[0], c.exporter);
    viewer_map(&v);
    pthread_t other = thread_start(release_soon, &v);
    camera_collect(&c, 0);
    thread_join(other);
    same(returned_count, 1);
    viewer_close(&v);
    camera_close(&c);
}

/* The slot of the record is another writer's by then. */
static void another_writer_may_have_the_slot_first(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    eddy_writer *other = open_writer(c.domain, "frames", NULL);
    struct eddy_loan loans[300];
    size_t count = 0;
    buffer_publish(&c.buffers[0], c.exporter);
    must(eddy_writer_loan_many(other, 64, loans, 300, patience(), &count));
    camera_collect(&c, 0);
    same(returned_count, 1);
    for (size_t i = 0; i < count; i++)
        must(eddy_writer_discard(other, &loans[i]));
    must(eddy_writer_close(other));
    camera_close(&c);
}

static void history_comes_back_as_it_ages(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer =
        open_writer(domain, "frames", &(struct eddy_writer_options){.history = 2});
    eddy_exporter *exporter;
    struct buffer buffers[4];
    must(eddy_exporter_open(writer, &(struct eddy_exporter_options){.returned = note_returned},
                            &exporter));
    returned_count = 0;
    for (int i = 0; i < 4; i++) {
        buffers[i] = buffer_make(MFD_ALLOW_SEALING);
        buffer_fill(&buffers[i], (uint8_t)(i + 1));
        buffer_export(&buffers[i], exporter);
        buffer_publish(&buffers[i], exporter);
    }
    must(eddy_exporter_collect(exporter, 2, patience()));
    same(returned_count, 2);
    struct viewer v = viewer_open(&(struct eddy_reader_options){.history = 2}, 0);
    viewer_map(&v); /* who comes late gets them, memory and all */
    check(holds(&v.import, 3));
    viewer_release(&v);
    viewer_close(&v);
    must(eddy_exporter_close(exporter));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    for (int i = 0; i < 4; i++)
        buffer_drop(&buffers[i]);
}

/* --- deaths and stops ------------------------------------------------------------------------ */

static void what_a_killed_reader_had_comes_back(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    const struct eddy_reader_options *kinds[] = {NULL, &best_effort};
    for (unsigned i = 0; i < 2; i++) {
        struct child viewer = view_start(kinds[i]);
        buffer_publish(&c.buffers[i], c.exporter);
        buffer_publish(&c.buffers[i + 2], c.exporter); /* one that it has not taken */
        wire_say(viewer.wire, WIRE_GO);
        same(wire_hear(viewer.wire), i + 1);
        same(returned_count, 2 * i);
        child_kill(&viewer);
        camera_collect(&c, 0);
        same(returned_count, 2 * i + 2);
    }
    camera_close(&c);
}

static void who_never_waits_gets_it_back_too(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct child viewer = view_start(&best_effort);
    buffer_publish(&c.buffers[0], c.exporter);
    wire_say(viewer.wire, WIRE_GO);
    same(wire_hear(viewer.wire), 1);
    child_kill(&viewer);
    for (uint64_t hung = patience(); returned_count == 0;) {
        check(eddy_now() < hung);
        (void)eddy_exporter_collect(c.exporter, 0, EDDY_POLL);
    }
    camera_close(&c);
}

static void a_stopped_reader_keeps_what_it_has(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct child viewer = view_start(NULL);
    buffer_publish(&c.buffers[0], c.exporter);
    wire_say(viewer.wire, WIRE_GO);
    same(wire_hear(viewer.wire), 1);
    child_stop(&viewer);
    same(eddy_exporter_collect(c.exporter, 0, eddy_deadline(60 * MILLISECOND)), EDDY_ETIMEDOUT);
    same(returned_count, 0);
    child_continue(&viewer);
    wire_say(viewer.wire, WIRE_GO);
    wire_expect(viewer.wire, WIRE_DONE);
    camera_collect(&c, 0);
    view_end(&viewer);
    camera_close(&c);
}

static void film(int wire, void *limit)
{
    (void)limit;
    struct camera c = camera_open(0);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (int i = 0; i < 3; i++)
        buffer_publish(&c.buffers[i], c.exporter);
    wire_say(wire, WIRE_DONE);
    wire_expect(wire, WIRE_GO);
    camera_collect(&c, 0);
    for (int i = 0; i < 3; i++)
        must(eddy_exporter_remove(c.exporter, c.buffers[i].memory));
    wire_say(wire, WIRE_DONE);
    wire_expect(wire, WIRE_GO);
    camera_close(&c);
}

static struct child film_start(void)
{
    struct child camera = child_start(film, NULL);
    wire_expect(camera.wire, WIRE_READY);
    return camera;
}

static void say_and_await(struct child *child)
{
    wire_say(child->wire, WIRE_GO);
    wire_expect(child->wire, WIRE_DONE);
}

static unsigned sockets(void)
{
    return world_files() - 4; /* registry, flink, segment, its extent */
}

static void of_a_killed_writer_what_is_mapped_stays(void **state)
{
    (void)state;
    struct viewer v = viewer_open(NULL, 0);
    struct child camera = film_start();
    say_and_await(&camera);
    viewer_map(&v);
    same(sockets(), 1);
    child_kill(&camera);
    check(holds(&v.import, 1));
    struct eddy_sample second;
    struct eddy_import none;
    must(eddy_reader_take(v.reader, &second));
    must_fail(eddy_importer_map(v.importer, &second, patience(), &none), EDDY_EPEERGONE);
    says("ended");
    must(eddy_reader_release(v.reader, &second));
    uint64_t bytes;
    must(eddy_importer_trim(v.importer, &bytes));
    same(bytes, FRAME); /* it is in use */
    check(holds(&v.import, 1));
    viewer_release(&v);
    must(eddy_importer_trim(v.importer, &bytes));
    same(bytes, 0);
    struct eddy_gc_report report;
    must(eddy_gc(NULL, &report));
    same(sockets(), 0);
    viewer_close(&v);
}

static void a_stopped_writer_is_waited_for_until_the_deadline(void **state)
{
    (void)state;
    struct viewer v = viewer_open(NULL, 0);
    struct child camera = film_start();
    say_and_await(&camera);
    child_stop(&camera);
    viewer_take(&v);
    same(eddy_importer_map(v.importer, &v.sample, EDDY_POLL, &v.import), EDDY_EAGAIN);
    same(eddy_importer_map(v.importer, &v.sample, eddy_deadline(MILLISECOND), &v.import),
         EDDY_ETIMEDOUT);
    child_continue(&camera);
    must(eddy_importer_map(v.importer, &v.sample, patience(), &v.import));
    check(holds(&v.import, 1));
    viewer_release(&v);
    child_kill(&camera);
    viewer_close(&v);
}

static void polling_gets_it_with_a_later_call(void **state)
{
    (void)state;
    struct viewer v = viewer_open(NULL, 0);
    struct child camera = film_start();
    say_and_await(&camera);
    viewer_take(&v);
    int rc;
    uint64_t hung = patience();
    while ((rc = eddy_importer_map(v.importer, &v.sample, EDDY_POLL, &v.import)) == EDDY_EAGAIN)
        check(eddy_now() < hung);
    must(rc);
    check(holds(&v.import, 1));
    viewer_release(&v);
    child_kill(&camera);
    viewer_close(&v);
}

static void what_is_removed_is_unmapped(void **state)
{
    (void)state;
    struct viewer v = viewer_open(NULL, 0);
    struct child camera = film_start();
    uint64_t bytes;
    say_and_await(&camera);
    for (int i = 0; i < 3; i++) {
        viewer_map(&v);
        viewer_release(&v);
    }
    must(eddy_importer_trim(v.importer, &bytes));
    same(bytes, 3 * FRAME);
    say_and_await(&camera); /* it has them back, and has removed them */
    must(eddy_importer_trim(v.importer, &bytes));
    same(bytes, 0);
    wire_say(camera.wire, WIRE_GO);
    child_join(&camera);
    same(sockets(), 0);
    viewer_close(&v);
}

static void what_is_out_is_not_removed(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct viewer v = viewer_open(NULL, 0);
    buffer_publish(&c.buffers[0], c.exporter);
    must_fail(eddy_exporter_remove(c.exporter, c.buffers[0].memory), EDDY_EBUSY);
    viewer_map(&v);
    must_fail(eddy_exporter_remove(c.exporter, c.buffers[0].memory), EDDY_EBUSY);
    viewer_release(&v);
    must(eddy_exporter_remove(c.exporter, c.buffers[0].memory));
    must_fail(eddy_exporter_remove(c.exporter, c.buffers[0].memory), EDDY_ENOENT);
    const struct eddy_export gone = {.memory = c.buffers[0].memory, .size = 1};
    must_fail(eddy_exporter_publish(c.exporter, &gone, NULL, EDDY_POLL), EDDY_ENOENT);
    viewer_close(&v);
    camera_close(&c);
}

/* --- what a program may do ------------------------------------------------------------------- */

static void a_program_may_close_all_descriptors(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct child viewer = view_start(NULL);
    buffer_publish(&c.buffers[0], c.exporter);
    wire_say(viewer.wire, WIRE_GO);
    same(wire_hear(viewer.wire), 1);
    for (int fd = 3; fd < 256; fd++)
        if (fd != viewer.wire)
            close(fd);
    buffer_publish(&c.buffers[1], c.exporter);
    wire_say(viewer.wire, WIRE_GO);
    wire_expect(viewer.wire, WIRE_DONE);
    wire_say(viewer.wire, WIRE_GO);
    same(wire_hear(viewer.wire), 2); /* handed over by descriptors that the program does not have */
    wire_say(viewer.wire, WIRE_GO);
    wire_expect(viewer.wire, WIRE_DONE);
    view_end(&viewer);
    camera_collect(&c, 0);
    camera_close(&c);
}

static void be_a_child(struct camera *c, struct viewer *v)
{
    uint64_t memory;
    const struct eddy_export none = {.memory = c->buffers[0].memory, .size = 1};
    must_fail(eddy_exporter_add(c->exporter, 0, 0, &memory), EDDY_EFORKED);
    must_fail(eddy_exporter_publish(c->exporter, &none, NULL, EDDY_POLL), EDDY_EFORKED);
    must_fail(eddy_exporter_collect(c->exporter, 0, EDDY_POLL), EDDY_EFORKED);
    must_fail(eddy_exporter_remove(c->exporter, 1), EDDY_EFORKED);
    must_fail(eddy_importer_map(v->importer, &v->sample, EDDY_POLL, &v->import), EDDY_EFORKED);
    must_fail(eddy_importer_unmap(v->importer, &v->import), EDDY_EFORKED);
    must_fail(eddy_importer_trim(v->importer, NULL), EDDY_EFORKED);
    must_fail(eddy_importer_close(v->importer), EDDY_EFORKED);
    must_fail(eddy_writer_close(c->writer), EDDY_EFORKED);
    must_fail(eddy_exporter_close(c->exporter), EDDY_EFORKED);
    _exit(0);
}

static void a_forked_child_has_no_part_in_it(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct viewer v = viewer_open(NULL, 0);
    buffer_publish(&c.buffers[0], c.exporter);
    viewer_map(&v);
    int status;
    pid_t child = fork();
    if (child == 0)
        be_a_child(&c, &v);
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    check(holds(&v.import, 1));
    viewer_release(&v);
    buffer_publish(&c.buffers[1], c.exporter); /* and its parent goes on */
    viewer_map(&v);
    check(holds(&v.import, 2));
    viewer_release(&v);
    camera_collect(&c, 0);
    same(returned_count, 2);
    viewer_close(&v);
    camera_close(&c);
}

static void handles_end_in_order(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    must_fail(eddy_writer_close(c.writer), EDDY_EBUSY);
    says("exporter");
    struct viewer v = viewer_open(NULL, 0);
    must(eddy_reader_close(v.reader));
    must_fail(eddy_domain_close(v.domain), EDDY_EBUSY);
    must(eddy_importer_close(v.importer));
    must(eddy_domain_close(v.domain));
    must(eddy_importer_close(NULL));
    must(eddy_exporter_close(NULL));
    camera_close(&c);
}

/* --- descriptors alone ----------------------------------------------------------------------- */

static void a_descriptor_may_be_had_without_mapping_it(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct viewer v = viewer_open(NULL, EDDY_IMPORT_UNMAPPED);
    uint8_t byte = 0;
    uint64_t bytes;
    buffer_publish(&c.buffers[2], c.exporter);
    viewer_map(&v);
    check(v.import.data == NULL && v.import.fd >= 0);
    same(pread(v.import.fd, &byte, 1, FRAME - 1), 1);
    same(byte, 3);
    check(pwrite(v.import.fd, &byte, 1, 0) < 0); /* to read alone */
    must(eddy_importer_trim(v.importer, &bytes));
    same(bytes, 0);
    viewer_release(&v);
    close(v.import.fd); /* as a program that closes all does: it is asked for again */
    buffer_publish(&c.buffers[2], c.exporter);
    viewer_map(&v);
    same(pread(v.import.fd, &byte, 1, 0), 1);
    viewer_release(&v);
    viewer_close(&v);
    camera_close(&c);
}

static void no_more_is_mapped_than_was_allowed(void **state)
{
    (void)state;
    struct camera c = camera_open(0);
    struct viewer v = viewer_open(NULL, 0);
    eddy_importer *small;
    const struct eddy_importer_options options = {.limit_bytes = 2 * FRAME - 1};
    must(eddy_importer_open(v.domain, &options, &small));
    buffer_publish(&c.buffers[0], c.exporter);
    buffer_publish(&c.buffers[1], c.exporter);
    struct eddy_sample samples[2];
    struct eddy_import first, second;
    for (int i = 0; i < 2; i++)
        must(eddy_reader_take(v.reader, &samples[i]));
    must(eddy_importer_map(small, &samples[0], patience(), &first));
    must_fail(eddy_importer_map(small, &samples[1], patience(), &second), EDDY_ELIMIT);
    must(eddy_importer_map(v.importer, &samples[1], patience(), &second));
    must(eddy_importer_unmap(v.importer, &second));
    must(eddy_importer_unmap(small, &first));
    must_fail(eddy_importer_unmap(small, &first), EDDY_ESTALE);
    must(eddy_importer_close(small));
    viewer_close(&v);
    camera_close(&c);
}

/* --- a dma-buf --------------------------------------------------------------------------------- */

/* <linux/udmabuf.h>, which not every system has. */
struct udmabuf_create {
    uint32_t memfd, flags;
    uint64_t offset, size;
};

/* Of the memfd's pages: what a driver gives is of this kind. */
static int make_dmabuf(int memfd)
{
    struct udmabuf_create wanted = {.memfd = (uint32_t)memfd, .flags = 1, .size = FRAME};
    int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
    if (device < 0)
        skip_because("there is no /dev/udmabuf (CONFIG_UDMABUF) to make a dma-buf with");
    check(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    int fd = ioctl(device, _IOW('u', 0x42, struct udmabuf_create), &wanted);
    check(fd >= 0);
    close(device);
    return fd;
}

static void a_dma_buf_is_a_sample_too(void **state)
{
    (void)state;
    struct buffer pages = buffer_make(MFD_ALLOW_SEALING);
    struct buffer frame = {.fd = make_dmabuf(pages.fd)};
    struct camera c = camera_open(0);
    struct child viewer = view_start(NULL);
    buffer_export(&frame, c.exporter);
    for (int i = 0; i < 3; i++) {
        buffer_fill(&pages, (uint8_t)(i + 10));
        buffer_publish(&frame, c.exporter);
        wire_say(viewer.wire, WIRE_GO);
        same(wire_hear(viewer.wire), i + 10);
        wire_say(viewer.wire, WIRE_GO);
        wire_expect(viewer.wire, WIRE_DONE);
        camera_collect(&c, 0);
        same(returned_count, i + 1);
    }
    view_end(&viewer);
    camera_close(&c);
    buffer_drop(&pages);
}

/* --- users of a group ---------------------------------------------------------------------------- */

static void users_of_a_group_hand_memory_to_each_other(void **state)
{
    (void)state;
    need_others();
    static const uid_t whose[][2] = {{ALICE, BOB}, {BOB, ALICE}};
    for (int i = 0; i < 2; i++) {
        struct child viewer = child_as(whose[i][0], view_each, NULL);
        wire_expect(viewer.wire, WIRE_READY);
        struct child camera = child_as(whose[i][1], film, NULL);
        wire_expect(camera.wire, WIRE_READY);
        say_and_await(&camera);
        for (unsigned frame = 1; frame <= 3; frame++) {
            wire_say(viewer.wire, WIRE_GO);
            same(wire_hear(viewer.wire), frame);
            wire_say(viewer.wire, WIRE_GO);
            wire_expect(viewer.wire, WIRE_DONE);
        }
        say_and_await(&camera);
        wire_say(camera.wire, WIRE_GO);
        child_join(&camera);
        view_end(&viewer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_frame_is_read_where_the_device_wrote_it),
        WORLD_TEST(pieces_have_data_of_their_own),
        WORLD_TEST(several_readers_and_the_last_one_counts),
        WORLD_TEST(what_a_best_effort_reader_has_not_taken_comes_back_when_needed),
        WORLD_TEST(a_reliable_reader_holds_the_camera_up),
        WORLD_TEST(who_waits_is_woken_by_the_release),
        WORLD_TEST(another_writer_may_have_the_slot_first),
        WORLD_TEST(history_comes_back_as_it_ages),
        WORLD_TEST(what_a_killed_reader_had_comes_back),
        WORLD_TEST(who_never_waits_gets_it_back_too),
        WORLD_TEST(a_stopped_reader_keeps_what_it_has),
        WORLD_TEST(of_a_killed_writer_what_is_mapped_stays),
        WORLD_TEST(a_stopped_writer_is_waited_for_until_the_deadline),
        WORLD_TEST(polling_gets_it_with_a_later_call),
        WORLD_TEST(what_is_removed_is_unmapped),
        WORLD_TEST(what_is_out_is_not_removed),
        WORLD_TEST(a_program_may_close_all_descriptors),
        WORLD_TEST(a_forked_child_has_no_part_in_it),
        WORLD_TEST(handles_end_in_order),
        WORLD_TEST(a_descriptor_may_be_had_without_mapping_it),
        WORLD_TEST(no_more_is_mapped_than_was_allowed),
        WORLD_TEST(a_dma_buf_is_a_sample_too),
        GROUP_TEST(users_of_a_group_hand_memory_to_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
