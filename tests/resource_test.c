/* resource_test.c - every call that can fail fails, one after the other: an error, no leak, and a
 * process that works afterwards.
 *
 * A scenario does what a program does from its first call to its last.  It is run with the first
 * call of a kind failing, then the second, until there are no more of them; then the same with all
 * calls of the kind failing from there on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/fault.h"
#include "support/payload.h"
#include "support/world.h"

#include <dirent.h>
#include <eddy/foreign.h>
#include <eddy/watch.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int scenario(void);

/* --- what a process has ---------------------------------------------------------------------- */

struct belongings {
    unsigned descriptors, mappings;
};

/* Descriptors, and mappings of files in the test's folder or of nameless memory. */
static struct belongings belongings(void)
{
    struct belongings have = {0};
    char line[4096];
    DIR *list = opendir("/proc/self/fd");
    check(list != NULL);
    while (readdir(list))
        have.descriptors++;
    closedir(list);
    FILE *maps = fopen("/proc/self/maps", "re");
    check(maps != NULL);
    while (fgets(line, sizeof line, maps))
        have.mappings += strstr(line, world_dir()) || strstr(line, "memfd:");
    fclose(maps);
    return have;
}

/* --- scenarios ------------------------------------------------------------------------------- */

struct topic_cast {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader, *late;
    eddy_waitset *waitset;
    eddy_event *event;
};

static int publish_some(struct topic_cast *c)
{
    int error = EDDY_OK;
    for (size_t i = 0; !error && i < 3; i++) {
        struct eddy_loan loan;
        size_t bytes = i == 2 ? 1 << 20 : 100; /* the last one needs an extent of its own */
        error = eddy_writer_loan(c->writer, bytes, patience(), &loan);
        if (error)
            break;
        payload_fill(loan.data, bytes, 1, i);
        error = eddy_writer_publish(c->writer, &loan, bytes, patience());
    }
    return error;
}

static int take_all(struct topic_cast *c)
{
    struct eddy_sample sample;
    void *ready;
    size_t count;
    int error = eddy_waitset_wait(c->waitset, patience(), &ready, 1, &count);
    while (!error && (error = eddy_reader_take(c->reader, &sample)) == EDDY_OK) {
        struct payload payload;
        check(payload_whole(sample.data, sample.size, &payload));
        error = eddy_reader_release(c->reader, &sample);
    }
    return error == EDDY_EAGAIN ? EDDY_OK : error;
}

static int play_topic(struct topic_cast *c)
{
    static const struct eddy_topic_identity name = {.name = "resources", .type = "t"};
    struct eddy_writer_options writing = {.history = 2};
    struct eddy_reader_options late = {.history = 2, .depth = 5000}; /* takes a longer log */
    int error = eddy_domain_open(NULL, &c->domain);
    if (!error)
        error = eddy_writer_open(c->domain, &name, &writing, &c->writer);
    if (!error)
        error = eddy_reader_open(c->domain, &name, NULL, &c->reader);
    if (!error)
        error = eddy_waitset_open(c->domain, &c->waitset);
    if (!error)
        error = eddy_event_open(&c->event);
    if (!error)
        error = eddy_waitset_attach_event(c->waitset, c->event, EDDY_WAIT_LEVEL, NULL);
    if (!error)
        error = eddy_waitset_attach_reader(c->waitset, c->reader, EDDY_WAIT_LEVEL, c);
    if (!error)
        error = publish_some(c);
    if (!error)
        error = take_all(c);
    if (!error)
        error = eddy_reader_open(c->domain, &name, &late, &c->late);
    if (!error)
        error = publish_some(c);
    if (!error)
        error = take_all(c);
    return error;
}

static void leave_topic(struct topic_cast *c)
{
    eddy_waitset_close(c->waitset);
    eddy_event_close(c->event);
    eddy_reader_close(c->late);
    eddy_reader_close(c->reader);
    eddy_writer_close(c->writer);
    eddy_domain_close(c->domain);
}

static int use_a_topic(void)
{
    struct topic_cast c = {0};
    int error = play_topic(&c);
    leave_topic(&c);
    return error;
}

static int look_in_and_clear(void)
{
    struct topic_cast c = {0};
    eddy_snapshot *snapshot = NULL;
    struct eddy_gc_report report;
    int error = play_topic(&c);
    if (!error)
        error = eddy_snapshot_take(NULL, &snapshot);
    if (!error)
        error = eddy_gc(NULL, &report);
    eddy_snapshot_free(snapshot);
    leave_topic(&c);
    return error;
}

/* Memory ahead and back, and a descriptor to poll on. */
static int prepare_a_topic(void)
{
    struct topic_cast c = {0};
    struct eddy_reservation ahead = {.size = 100000, .count = 2};
    int fd, error = play_topic(&c);
    if (!error)
        error = eddy_writer_reserve(c.writer, &ahead);
    if (!error)
        error = eddy_reader_prefault(c.reader, 0);
    if (!error)
        error = eddy_topic_trim(c.domain, eddy_writer_flink(c.writer), NULL);
    if (!error)
        error = eddy_waitset_fd(c.waitset, &fd);
    leave_topic(&c);
    return error;
}

/* --- a reader that maps what the writer made -------------------------------------------------------- */

static int take_each_way(eddy_reader *reader)
{
    struct eddy_sample samples[4];
    size_t count = 0;
    int error = eddy_reader_take(reader, &samples[0]);
    if (!error)
        error = eddy_reader_release(reader, &samples[0]);
    if (!error)
        error = eddy_reader_take_many(reader, samples, 1, &count);
    if (!error)
        error = eddy_reader_release_many(reader, samples, count);
    if (!error)
        error = eddy_reader_take_latest(reader, &samples[0]);
    return error ? error : eddy_reader_release(reader, &samples[0]);
}

static int play_apart(struct topic_cast *c, eddy_domain **other)
{
    static const struct eddy_topic_identity name = {.name = "resources", .type = "t"};
    const struct eddy_writer_options writing = {.history = 2};
    const struct eddy_reader_options early = {.depth = 8, .flags = EDDY_READER_NOT_OWN},
                                     late = {.history = 2, .depth = 5000};
    int error = eddy_domain_open(NULL, &c->domain);
    if (!error)
        error = eddy_domain_open(NULL, other);
    if (!error)
        error = eddy_writer_open(c->domain, &name, &writing, &c->writer);
    if (!error)
        error = eddy_reader_open(*other, &name, &early, &c->reader);
    if (!error)
        error = publish_some(c);
    if (!error)
        error = take_each_way(c->reader);
    if (!error)
        error = eddy_reader_open(*other, &name, &late, &c->late);
    if (!error)
        error = take_each_way(c->late);
    error = error == EDDY_EAGAIN ? EDDY_OK : error; /* that were two */
    if (!error)
        error = publish_some(c);
    return error ? error : take_each_way(c->late);
}

static int use_a_topic_apart(void)
{
    struct topic_cast c = {0};
    eddy_domain *other = NULL;
    int error = play_apart(&c, &other);
    eddy_reader_close(c.late);
    eddy_reader_close(c.reader);
    eddy_writer_close(c.writer);
    eddy_domain_close(other);
    eddy_domain_close(c.domain);
    return error;
}

/* --- who is there, and descriptors of the program's own --------------------------------------- */

static int take_changes(eddy_watch *watch)
{
    struct eddy_member_change change;
    int error;
    while ((error = eddy_watch_take(watch, &change)) == EDDY_OK) {
    }
    return error == EDDY_EAGAIN ? EDDY_OK : error;
}

/* The reader of `c` is told of a second one, which comes and goes. */
static int see_one_come(const struct topic_cast *c, eddy_watch *watch)
{
    static const struct eddy_topic_identity name = {.name = "resources", .type = "t"};
    const struct eddy_reader_options saying = {.blob = "what I am", .blob_size = 9};
    eddy_reader *second = NULL;
    void *ready[4];
    size_t count;
    int error = take_changes(watch);
    if (!error)
        error = eddy_reader_open(c->domain, &name, &saying, &second);
    if (!error)
        error = eddy_waitset_wait(c->waitset, eddy_deadline(200 * MILLISECOND), ready, 4, &count);
    if (!error)
        error = take_changes(watch);
    eddy_reader_close(second);
    return error;
}

/* No more than it takes. */
static int open_few(struct topic_cast *c)
{
    static const struct eddy_topic_identity name = {.name = "resources", .type = "t"};
    int error = eddy_domain_open(NULL, &c->domain);
    if (!error)
        error = eddy_reader_open(c->domain, &name, NULL, &c->reader);
    if (!error)
        error = eddy_waitset_open(c->domain, &c->waitset);
    return error;
}

static int watch_a_topic(void)
{
    struct topic_cast c = {0};
    eddy_watch *watch = NULL;
    int error = open_few(&c);
    if (!error)
        error = eddy_reader_watch(c.reader, NULL, &watch);
    if (!error)
        error =
            eddy_waitset_attach_event(c.waitset, eddy_watch_event(watch), EDDY_WAIT_LEVEL, NULL);
    if (!error)
        error = see_one_come(&c, watch);
    eddy_watch_close(watch);
    leave_topic(&c);
    return error;
}

static int wait_for_a_descriptor(void)
{
    struct topic_cast c = {0};
    int ends[2], error = open_few(&c);
    void *ready[4];
    size_t count;
    if (pipe(ends) != 0)
        error = EDDY_ESYS;
    else if (!error)
        error = eddy_waitset_attach_fd(c.waitset, ends[0], POLLIN, ends);
    if (!error && write(ends[1], "x", 1) == 1)
        error = eddy_waitset_wait(c.waitset, eddy_deadline(SECOND), ready, 4, &count);
    if (!error)
        error = eddy_waitset_detach_fd(c.waitset, ends[0]);
    leave_topic(&c);
    close(ends[0]);
    close(ends[1]);
    return error;
}

/* --- memory of others --------------------------------------------------------------------------- */

static void came_back(void *context, void *piece)
{
    (void)piece;
    ++*(unsigned *)context;
}

static int lend(struct topic_cast *c, eddy_exporter *exporter, eddy_importer *importer, int fd)
{
    struct eddy_export piece = {.size = 4096};
    struct eddy_sample sample;
    struct eddy_import import;
    int error = eddy_exporter_add(exporter, fd, 0, &piece.memory);
    if (!error)
        error = eddy_exporter_publish(exporter, &piece, NULL, patience());
    if (!error)
        error = eddy_reader_take(c->reader, &sample);
    if (error)
        return error;
    error = eddy_importer_map(importer, &sample, eddy_deadline(SECOND), &import);
    if (!error)
        error = eddy_importer_unmap(importer, &import);
    int released = eddy_reader_release(c->reader, &sample);
    error = error ? error : released;
    if (!error)
        error = eddy_exporter_collect(exporter, 0, eddy_deadline(SECOND));
    if (!error)
        error = eddy_exporter_remove(exporter, piece.memory);
    return error ? error : eddy_importer_trim(importer, NULL);
}

static int lend_memory(void)
{
    struct topic_cast c = {0};
    unsigned returned = 0;
    const struct eddy_exporter_options options = {.returned = came_back, .context = &returned};
    eddy_exporter *exporter = NULL;
    eddy_importer *importer = NULL;
    static const struct eddy_topic_identity name = {.name = "resources", .type = "t"};
    int error = open_few(&c), fd = -1;
    if (!error)
        error = eddy_writer_open(c.domain, &name, NULL, &c.writer);
    if (!error && (fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING)) < 0)
        error = EDDY_ESYS;
    if (!error && ftruncate(fd, 8192) != 0)
        error = EDDY_ESYS;
    if (!error)
        error = eddy_exporter_open(c.writer, &options, &exporter);
    if (!error)
        error = eddy_importer_open(c.domain, NULL, &importer);
    if (!error)
        error = lend(&c, exporter, importer, fd);
    check(error || returned == 1);
    eddy_importer_close(importer);
    eddy_exporter_close(exporter);
    leave_topic(&c);
    if (fd >= 0)
        close(fd);
    return error;
}

static int use_slots(void)
{
    struct eddy_slots_options options = {.slot_count = 4, .slot_capacity = 100, .readers = 100};
    eddy_slots *writer = NULL, *reader = NULL;
    struct eddy_slot_sample sample;
    struct eddy_slot_loan loan;
    char path[512];
    uint32_t number;
    snprintf(path, sizeof path, "%s/resources.flink", world_dir());
    int error = eddy_slots_create(NULL, path, &options, &writer);
    if (!error)
        error = eddy_slots_attach(NULL, path, NULL, &reader);
    if (!error)
        error = eddy_slots_join(reader, EDDY_SLOTS_ANY_READER, &number);
    if (!error)
        error = eddy_slots_loan(writer, NULL, 0, EDDY_POLL, &loan);
    if (!error)
        error = eddy_slots_publish_copy(writer, &loan, "x", 1, NULL);
    if (!error)
        error = eddy_slots_take(reader, number, EDDY_POLL, &sample);
    if (!error)
        error = eddy_slots_release(reader, &sample);
    eddy_slots_close(reader);
    eddy_slots_close(writer);
    return error;
}

static int use_a_ring(void)
{
    struct eddy_ring_options options = {.slot_bytes = 4096, .slots = 4, .role = EDDY_RING_CONSUMER};
    eddy_domain *domain = NULL;
    eddy_ring *consumer = NULL, *producer = NULL;
    struct eddy_chunk chunk;
    int error = eddy_domain_open(NULL, &domain);
    if (!error)
        error = eddy_ring_create(domain, "resources", &options, &consumer);
    if (!error)
        error = eddy_ring_attach(domain, "resources", EDDY_RING_PRODUCER, NULL, &producer);
    if (!error)
        error = eddy_ring_take(consumer, eddy_deadline(MILLISECOND), &chunk);
    error = error == EDDY_ETIMEDOUT ? EDDY_OK : error; /* it has slept, with all that this needs */
    if (!error)
        error = eddy_ring_loan(producer, EDDY_POLL, &chunk);
    if (!error)
        error = eddy_ring_publish(producer, &chunk, 8);
    if (!error)
        error = eddy_ring_take(consumer, EDDY_POLL, &chunk);
    if (!error)
        error = eddy_ring_release(consumer, &chunk);
    eddy_ring_close(producer);
    eddy_ring_close(consumer);
    eddy_domain_close(domain);
    return error;
}

/* Creates, sends, grows and closes; a view that another has grown is refreshed. */
static int pass_a_region_on(eddy_region *region, eddy_region **received)
{
    int wires[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wires) != 0)
        return EDDY_ESYS;
    int error = eddy_region_send(region, wires[0], EDDY_MAP_READ, patience());
    struct eddy_region_options reading = {.map = EDDY_MAP_READ};
    if (!error)
        error = eddy_region_receive(wires[1], &reading, patience(), received);
    close(wires[0]);
    close(wires[1]);
    return error;
}

/* A second region takes the first one's path; the first one's guest has its memory all the same. */
static int use_paths(void)
{
    char path[128];
    struct eddy_region_options options = {.bytes = 100, .flags = EDDY_REGION_REPLACE};
    eddy_region *first = NULL, *second = NULL, *guest = NULL;
    snprintf(path, sizeof path, "%s/memory", world_dir());
    int error = eddy_region_create_path(path, &options, &first);
    if (!error)
        error = eddy_region_create_path(path, &options, &second);
    if (!error)
        error = eddy_region_attach_path(path, NULL, &guest);
    if (!error)
        error = eddy_region_disown(second);
    if (!error)
        error = eddy_region_own(guest);
    if (!error)
        error = eddy_region_grow(guest, 10000);
    eddy_region_close(first);
    eddy_region_close(second);
    eddy_region_close(guest);
    unlink(path); /* a call that fails may be the one that takes it along */
    return error;
}

static int use_regions(void)
{
    struct eddy_region_options nameless = {
        .bytes = 4096, .cleanup = EDDY_CLEANUP_AUTO, .flags = EDDY_REGION_RANDOM};
    struct eddy_region_options named = {.bytes = 4096, .flags = EDDY_REGION_LOCK};
    eddy_domain *domain = NULL;
    eddy_region *creator = NULL, *guest = NULL, *secret = NULL, *received = NULL;
    int error = eddy_domain_open(NULL, &domain);
    if (!error)
        error = eddy_region_create(domain, "resources", &named, &creator);
    if (!error)
        error = eddy_region_attach(domain, "resources", NULL, &guest);
    if (!error)
        error = eddy_region_grow(creator, 100000);
    if (!error)
        error = eddy_region_refresh(guest);
    error = error > 0 ? EDDY_OK : error;
    if (!error)
        error = eddy_region_create_nameless(&nameless, &secret);
    if (!error)
        error = pass_a_region_on(secret, &received);
    eddy_region_close(received);
    eddy_region_close(secret);
    eddy_region_close(guest);
    eddy_region_close(creator);
    eddy_domain_close(domain);
    return error;
}

static int join_and_leave(void)
{
    struct eddy_region_options named = {.bytes = 4096};
    eddy_domain *domain = NULL;
    eddy_region *region = NULL;
    void *handle = NULL, *again = NULL;
    int error = eddy_domain_open(NULL, &domain);
    if (!error)
        error = eddy_region_create(domain, "resources", &named, &region);
    if (!error)
        error = eddy_join(domain, "resources", NULL, NULL, &handle);
    if (!error)
        error = eddy_join(domain, "resources", NULL, NULL, &again);
    if (again)
        eddy_leave(again);
    if (handle)
        eddy_leave(handle);
    eddy_region_close(region);
    eddy_domain_close(domain);
    return error;
}

/* --- the play -------------------------------------------------------------------------------- */

static void is_as_before(struct belongings before, const struct fault *fault, unsigned nth)
{
    struct belongings now = belongings();
    if (now.descriptors != before.descriptors || now.mappings != before.mappings)
        fprintf(stderr, "call %u of %s failing (errno %d) left %d descriptors and %d mappings\n",
                nth, fault->call, fault->error, (int)(now.descriptors - before.descriptors),
                (int)(now.mappings - before.mappings));
    same(now.descriptors, before.descriptors);
    same(now.mappings, before.mappings);
}

/* False: the scenario makes fewer calls of the kind. */
static bool survives(scenario *play, const struct fault *fault, unsigned nth, bool for_good)
{
    struct belongings before = belongings();
    fault_plan(fault, nth, for_good);
    int error = play();
    bool fired = fault_fired();
    fault_clear();
    if (error && !fired)
        fprintf(stderr, "without a fault: %s\n", eddy_last_error());
    check(!error || fired);
    check(error <= 0 && error >= EDDY_ENOTREADY);
    check(!error || strlen(eddy_last_error()) > 3);
    is_as_before(before, fault, nth);
    return fired;
}

/* Everything works, and leaves nothing. */
static void works(scenario *play)
{
    must(play());
    world_must_be_empty();
}

/* Whatever failed, everything works again. */
static void plays_on(scenario *play)
{
    works(play);
    for (size_t i = 0; i < fault_count; i++) {
        /* Signals come to an end; an interrupted call is made again. */
        for (int for_good = 0; for_good < (faults[i].error == EINTR ? 1 : 2); for_good++)
            for (unsigned nth = 1; survives(play, &faults[i], nth, for_good); nth++)
                check(nth < 1000);
        works(play);
    }
}

static void a_topic_lives_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(use_a_topic);
}

static void looking_in_and_clearing_live_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(look_in_and_clear);
}

static void what_prepares_lives_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(prepare_a_topic);
}

static void a_topic_apart_lives_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(use_a_topic_apart);
}

static void watching_lives_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(watch_a_topic);
}

static void waiting_for_descriptors_lives_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(wait_for_a_descriptor);
}

static void lending_memory_lives_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(lend_memory);
}

static void slots_live_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(use_slots);
}

static void a_ring_lives_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(use_a_ring);
}

static void regions_at_paths_live_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(use_paths);
}

static void regions_live_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(use_regions);
}

static void joins_live_with_any_call_failing(void **state)
{
    (void)state;
    plays_on(join_and_leave);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_topic_lives_with_any_call_failing),
        WORLD_TEST(looking_in_and_clearing_live_with_any_call_failing),
        WORLD_TEST(what_prepares_lives_with_any_call_failing),
        WORLD_TEST(a_topic_apart_lives_with_any_call_failing),
        WORLD_TEST(watching_lives_with_any_call_failing),
        WORLD_TEST(waiting_for_descriptors_lives_with_any_call_failing),
        WORLD_TEST(lending_memory_lives_with_any_call_failing),
        WORLD_TEST(slots_live_with_any_call_failing),
        WORLD_TEST(a_ring_lives_with_any_call_failing),
        WORLD_TEST(regions_at_paths_live_with_any_call_failing),
        WORLD_TEST(regions_live_with_any_call_failing),
        WORLD_TEST(joins_live_with_any_call_failing),
    };
    const char *only = getenv("EDDY_TEST_ONLY"); /* for who looks for one that hangs */
    if (only)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
