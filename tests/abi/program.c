/* program.c - a program that was built with the headers of an earlier, this, or a later Eddy.
 *
 * Compiled with the headers that `reshape` makes of ours, and run with the library as it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(const char *call, int result)
{
    fprintf(stderr, "%s: %s: %s\n", call, eddy_error_name(result), eddy_last_error());
    exit(1);
}

static void must(const char *call, int result)
{
    if (result != EDDY_OK)
        fail(call, result);
}

/* The call works; with headers of tomorrow it does not when the new member of `options` is set, and
 * eddy_last_error says of which struct. */
#ifdef HAS_TOMORROW
static void must_refuse(const char *call, const char *whose, int result)
{
    if (result != EDDY_EINVAL || !strstr(eddy_last_error(), whose)) {
        fprintf(stderr, "asks for what only tomorrow's Eddy knows: ");
        fail(call, result);
    }
}

#define WORKS(options, name, call)                                                                 \
    ((options).tomorrow = 1, must_refuse(#call, "struct " name ":", (call)),                       \
     (options).tomorrow = 0, MUST(call))
#else
#define WORKS(options, name, call) MUST(call)
#endif
#define MUST(call) must(#call, (call))

static eddy_domain *domain;

static eddy_writer *writer;
static eddy_reader *reader;

static void open_a_topic(void)
{
    struct eddy_topic_identity topic = {.name = "camera", .type = "frame"};
    struct eddy_writer_options writing = {.history_kind = EDDY_HISTORY_KEY, .history = 4, .tag = 7};
    struct eddy_reader_options reading = {.depth = 8, .history = 1};
    struct eddy_notes notes = {.reliability = EDDY_NOTED_RELIABLE};
    eddy_reader *other;
    WORKS(writing, "eddy_writer_options", eddy_writer_open(domain, &topic, &writing, &writer));
    WORKS(topic, "eddy_topic_identity", eddy_reader_open(domain, &topic, NULL, &reader));
    WORKS(reading, "eddy_reader_options",
          eddy_reader_attach(domain, eddy_reader_flink(reader), &reading, &other));
    MUST(eddy_reader_close(other));
    MUST(eddy_reader_close(reader));
    WORKS(reading, "eddy_reader_options", eddy_reader_open(domain, &topic, &reading, &reader));
    WORKS(notes, "eddy_notes", eddy_writer_note(writer, &notes));
    WORKS(notes, "eddy_notes", eddy_reader_note(reader, &notes));
}

static void publish_a_sample(void)
{
    struct eddy_loan_options like = {.size = 100, .alignment = 256};
    struct eddy_publication what = {.key = {1}};
    struct eddy_reservation ahead = {.size = 100, .count = 2};
    struct eddy_loan loan;
    WORKS(ahead, "eddy_reservation", eddy_writer_reserve(writer, &ahead));
    WORKS(like, "eddy_loan_options", eddy_writer_loan_with(writer, &like, EDDY_POLL, &loan));
    memset(loan.data, 1, loan.size);
    WORKS(what, "eddy_publication",
          eddy_writer_publish_with(writer, &loan, loan.size, &what, EDDY_POLL));
}

static void take_it(void)
{
    struct eddy_topic_stats stats;
    struct eddy_sample sample;
    MUST(eddy_reader_take(reader, &sample));
    if (sample.size != 100 || sample.tag != 7 || (uintptr_t)sample.data % 256 != 0)
        fail("the sample", EDDY_EINVAL);
    MUST(eddy_reader_release(reader, &sample));
    MUST(eddy_reader_stats(reader, &stats));
    if (stats.published != 1)
        fail("the statistics", EDDY_EINVAL);
    MUST(eddy_reader_close(reader));
    MUST(eddy_writer_close(writer));
}

static void call_a_service(void)
{
    const struct eddy_topic_identity service = {.name = "adder"};
    struct eddy_client_options calling = {.calls = 2};
    struct eddy_server_options serving = {.depth = 2};
    eddy_client *client;
    eddy_server *server;
    WORKS(calling, "eddy_client_options", eddy_client_open(domain, &service, &calling, &client));
    WORKS(serving, "eddy_server_options", eddy_server_open(domain, &service, &serving, &server));
    MUST(eddy_client_close(client));
    MUST(eddy_server_close(server));
}

static void use_slots_and_a_ring(const char *dir)
{
    char flink[200];
    struct eddy_slots_options slots_like = {.slot_capacity = 64, .slot_count = 4};
    struct eddy_ring_options ring_like = {.slot_bytes = 64, .slots = 4};
    struct eddy_ring_wanted wanted = {.slot_bytes = 64};
    eddy_slots *slots;
    eddy_ring *producer, *observer;
    snprintf(flink, sizeof flink, "%s/s.flink", dir);
    WORKS(slots_like, "eddy_slots_options", eddy_slots_create(domain, flink, &slots_like, &slots));
    WORKS(ring_like, "eddy_ring_options", eddy_ring_create(domain, "r", &ring_like, &producer));
    WORKS(wanted, "eddy_ring_wanted",
          eddy_ring_attach(domain, "r", EDDY_RING_OBSERVER, &wanted, &observer));
    MUST(eddy_ring_close(observer));
    MUST(eddy_ring_close(producer));
    MUST(eddy_slots_close(slots));
}

static void use_a_named_region(void)
{
    void *handle;
    struct eddy_region_options like = {.bytes = 4096, .mode = 0600};
    struct eddy_join_options joining = {.map = EDDY_MAP_READ};
    eddy_region *region, *again;
    WORKS(like, "eddy_region_options", eddy_region_create(domain, "g", &like, &region));
    WORKS(like, "eddy_region_options", eddy_region_attach(domain, "g", &like, &again));
    MUST(eddy_region_close(again));
    WORKS(joining, "eddy_join_options", eddy_join(domain, "g", &joining, NULL, &handle));
    MUST(eddy_leave(handle));
    MUST(eddy_region_close(region));
}

static void adopt_memory(void)
{
    static _Alignas(65536) char memory[65536];
    struct eddy_adoption adoption = {.name = "mine",
                                     .handle = memory,
                                     .memory = memory,
                                     .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
                                     .pages = 1};
    WORKS(adoption, "eddy_adoption", eddy_join_adopt(&adoption));
    MUST(eddy_join_disown(memory, NULL));
}

static void use_a_region_at(const char *dir)
{
    char path[200];
    struct eddy_region_options like = {.bytes = 4096, .mode = 0600};
    struct eddy_region_info info;
    eddy_region *region, *again;
    snprintf(path, sizeof path, "%s/raw", dir);
    WORKS(like, "eddy_region_options", eddy_region_create_path(path, &like, &region));
    WORKS(like, "eddy_region_options", eddy_region_attach_path(path, &like, &again));
    MUST(eddy_region_describe(again, &info));
    MUST(eddy_region_close(again));
    MUST(eddy_region_close(region));
}

static void use_a_nameless_region(void)
{
    struct eddy_region_options nameless = {.bytes = 4096, .cleanup = EDDY_CLEANUP_AUTO};
    eddy_region *region, *third;
    WORKS(nameless, "eddy_region_options", eddy_region_create_nameless(&nameless, &region));
    MUST(eddy_region_attach_fd(dup(eddy_region_fd(region)), 0, NULL, &third));
    MUST(eddy_region_close(third));
    MUST(eddy_region_close(region));
}

int main(void)
{
    char dir[] = "/dev/shm/eddy-test-XXXXXX";
    struct eddy_domain_options options = {.name = "old"};
    if (!mkdtemp(dir))
        return 1;
    options.dir = dir;
    if (eddy_version() != EDDY_VERSION)
        fail("eddy_version", EDDY_EVERSION);
    WORKS(options, "eddy_domain_options", eddy_domain_open(&options, &domain));
    open_a_topic();
    publish_a_sample();
    take_it();
    call_a_service();
    use_slots_and_a_ring(dir);
    use_a_named_region();
    adopt_memory();
    use_a_region_at(dir);
    use_a_nameless_region();
    MUST(eddy_domain_close(domain));
    return rmdir(dir) == 0 ? 0 : 1;
}
