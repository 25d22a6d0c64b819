/* closing_test.c - a program closes every descriptor that it has, and opens files of its own under
 * the numbers: it is alive, keeps what it has, goes on, and nobody touches its files.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/ring_pair.h"
#include "support/slots_pair.h"
#include "support/world.h"

#include <eddy/region.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OWN_FILES = 64, BYTES = 1000, FLOOD = 3000, LIMIT = 512 << 10 };

/* --- the program's own files ----------------------------------------------------------------- */

static int own[OWN_FILES];

static void close_all_but(int wire)
{
    if (wire > 3)
        check(syscall(SYS_close_range, 3u, (unsigned)wire - 1, 0u) == 0);
    check(syscall(SYS_close_range, (unsigned)wire + 1, ~0u, 0u) == 0);
}

/* They get the numbers that were closed. */
static void open_own_files(void)
{
    for (int i = 0; i < OWN_FILES; i++) {
        char text[32];
        snprintf(text, sizeof text, "mine %d", i);
        own[i] = memfd_create(text, 0);
        check(own[i] >= 0 && write(own[i], text, strlen(text)) == (ssize_t)strlen(text));
    }
}

static void own_files_are_untouched(void)
{
    for (int i = 0; i < OWN_FILES; i++) {
        char text[32], found[32] = "";
        struct stat status;
        snprintf(text, sizeof text, "mine %d", i);
        check(fstat(own[i], &status) == 0);
        same(status.st_size, strlen(text));
        check(pread(own[i], found, sizeof found - 1, 0) == (ssize_t)strlen(text));
        check(strcmp(found, text) == 0);
        check(lseek(own[i], 0, SEEK_CUR) == (off_t)strlen(text));
    }
}

static void lose_all_descriptors(int wire)
{
    close_all_but(wire);
    open_own_files();
}

/* --- topics ---------------------------------------------------------------------------------- */

static const struct eddy_reader_options any = {.reliability = EDDY_BEST_EFFORT};

static void second_topic_works(eddy_domain *domain)
{
    eddy_waitset *waitset;
    void *found;
    size_t count;
    eddy_writer *writer = open_writer(domain, "second", NULL);
    eddy_reader *reader = open_reader(domain, "second", NULL);
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, NULL));
    payload_publish(writer, 300000, 7, 0); /* and it grows */
    must(eddy_waitset_wait(waitset, patience(), &found, 1, &count));
    same(payload_take(reader).number, 0);
    must(eddy_waitset_close(waitset));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
}

static void holds_a_sample_without_descriptors(int wire, void *argument)
{
    (void)argument;
    struct eddy_sample sample;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "back", NULL);
    eddy_reader *reader = open_reader(domain, "held", &any);
    wire_say(wire, WIRE_READY);
    must(eddy_reader_wait(reader, patience()));
    must(eddy_reader_take(reader, &sample));
    lose_all_descriptors(wire);
    wire_say(wire, WIRE_GO);
    wire_expect(wire, WIRE_DONE); /* the topic is flooded */
    same(payload_of(&sample).number, 0);
    for (uint64_t i = 0; i < 200; i++)
        payload_publish(writer, BYTES + i * 1000, 2, i); /* and grows, for which files are made */
    second_topic_works(domain);
    must(eddy_reader_release(reader, &sample));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    own_files_are_untouched();
}

static void what_is_held_stays_and_the_program_goes_on(void **state)
{
    (void)state;
    struct eddy_writer_options small = {.limit_bytes = LIMIT};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "held", &small);
    eddy_reader *back = open_reader(domain, "back", &any);
    struct child child = child_start(holds_a_sample_without_descriptors, NULL);
    wire_expect(child.wire, WIRE_READY);
    payload_publish(writer, BYTES, 1, 0);
    wire_expect(child.wire, WIRE_GO);
    for (uint64_t i = 1; i < FLOOD; i++)
        payload_publish(writer, BYTES, 1, i);
    eddy_reader *late = open_reader(domain, "held", NULL); /* who opens it looks for the dead */
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    for (uint64_t i = 0; i < FLOOD; i++)
        payload_publish(writer, BYTES, 1, FLOOD + i), payload_take(late);
    wire_say(child.wire, WIRE_DONE);
    must(eddy_reader_wait(back, patience()));
    child_join(&child);
    must(eddy_reader_close(late));
    must(eddy_reader_close(back));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* --- rings, slots, regions ------------------------------------------------------------------- */

static void produces_without_descriptors(int wire, void *argument)
{
    (void)argument;
    eddy_ring *ring = ring_create("ring", EDDY_RING_PRODUCER, 4, BYTES);
    lose_all_descriptors(wire);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < 100; i++)
        ring_publish(ring, BYTES, i); /* waits for room, and watches the consumer */
    check(ring_info(ring).consumer_alive);
    wire_expect(wire, WIRE_DONE);
    must(eddy_ring_close(ring));
    own_files_are_untouched();
}

static void a_rings_producer_goes_on(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    struct child child = child_start(produces_without_descriptors, NULL);
    wire_expect(child.wire, WIRE_READY);
    eddy_ring *taken = NULL;
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, NULL, &taken), EDDY_EBUSY);
    eddy_ring *consumer = ring_attach("ring", EDDY_RING_CONSUMER);
    for (uint64_t i = 0; i < 100; i++)
        ring_take_release(consumer, i);
    must_fail(eddy_ring_take(consumer, eddy_deadline(20 * MILLISECOND), &chunk), EDDY_ETIMEDOUT);
    check(eddy_ring_peer_alive(consumer));
    child_kill(&child);
    must_fail(ring_take_in_time(consumer, &chunk), EDDY_EPEERGONE);
    must(eddy_ring_close(consumer));
}

static void uses_slots_without_descriptors(int wire, void *argument)
{
    (void)argument;
    struct slots_pair p = slots_pair_open_at("slots", 8, BYTES, 4);
    lose_all_descriptors(wire);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    must(eddy_slots_close(p.reader));
    must(eddy_slots_close(p.writer));
    own_files_are_untouched();
}

static void a_member_of_slots_stays_one(void **state)
{
    (void)state;
    struct eddy_slots_options options = {.slot_count = 8, .slot_capacity = BYTES};
    eddy_slots *slots;
    struct child child = child_start(uses_slots_without_descriptors, NULL);
    wire_expect(child.wire, WIRE_READY);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must_fail(eddy_slots_create(NULL, slots_path("slots"), &options, &slots), EDDY_EEXIST);
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
}

static void owns_regions_without_descriptors(int wire, void *argument)
{
    const char *path = argument;
    struct eddy_region_options options = {.bytes = 4096, .limit_bytes = 1 << 20};
    eddy_region *named, *at_path;
    eddy_domain *domain = open_domain();
    must(eddy_region_create(domain, "owned", &options, &named));
    must(eddy_region_create_path(path, &options, &at_path));
    lose_all_descriptors(wire);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    must(eddy_region_grow(named, 65536));
    must(eddy_region_grow(at_path, 65536));
    memset(eddy_region_writable_data(named), 1, 65536);
    must(eddy_region_close(named));
    must(eddy_region_close(at_path));
    must(eddy_domain_close(domain));
    own_files_are_untouched();
}

static void a_regions_owner_stays_one(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s.region", world_dir());
    struct eddy_region_options options = {.bytes = 4096};
    eddy_region *region;
    struct child child = child_start(owns_regions_without_descriptors, path);
    wire_expect(child.wire, WIRE_READY);
    eddy_domain *domain = open_domain();
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must_fail(eddy_region_create(domain, "owned", &options, &region), EDDY_EEXIST);
    must(eddy_region_attach_path(path, NULL, &region));
    must_fail(eddy_region_own(region), EDDY_EBUSY);
    must(eddy_region_close(region));
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
    check(access(path, F_OK) != 0);
    must(eddy_domain_close(domain));
}

/* --- no numbers left ------------------------------------------------------------------------- */

/* Nobody can be asked for then, so nobody is dead. */
static void lives_without_room_for_descriptors(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "none left", NULL), *other;
    eddy_reader *reader = open_reader(domain, "none left", NULL);
    struct rlimit none, before;
    payload_publish(writer, BYTES, 1, 0); /* there is room from now on */
    same(payload_take(reader).number, 0);
    check(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = (struct rlimit){1, before.rlim_max}; /* poll needs one */
    check(setrlimit(RLIMIT_NOFILE, &none) == 0);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < 100; i++) {
        payload_publish(writer, BYTES, 1, i);
        same(payload_take(reader).number, i);
    }
    struct eddy_topic_identity name = {.name = "another"};
    check(eddy_writer_open(domain, &name, NULL, &other) != EDDY_OK);
    wire_expect(wire, WIRE_GO);
    check(setrlimit(RLIMIT_NOFILE, &before) == 0);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void a_limit_of_descriptors_that_falls_kills_nobody(void **state)
{
    (void)state;
    struct child child = child_start(lives_without_room_for_descriptors, NULL);
    wire_expect(child.wire, WIRE_READY);
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "none left", NULL);
    same(eddy_writer_readers(writer), 1);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    same(eddy_writer_readers(writer), 1);
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_is_held_stays_and_the_program_goes_on),
        WORLD_TEST(a_rings_producer_goes_on),
        WORLD_TEST(a_member_of_slots_stays_one),
        WORLD_TEST(a_regions_owner_stays_one),
        WORLD_TEST(a_limit_of_descriptors_that_falls_kills_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
