/* pages_program.c - what pages_test.c runs where pages are larger: topics and regions between two
 * processes, slots and rings in one.
 *
 *   pages_program PAGE_BYTES
 *
 * Linked statically and without a test library, as it runs under an emulator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/eddy.h>
#include <eddy/memory.h>
#include <eddy/region.h>
#include <eddy/ring.h>
#include <eddy/slots.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Emulators map files whose pages are whole. */
enum { READERS = 70, TIMES = 40, SLOT = 3000, WHOLE = 65536 };

static const size_t sizes[] = {1, 100, 5000, 70000, 300000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void check(int so, const char *what, int line)
{
    if (so)
        return;
    fprintf(stderr, "line %d: %s: %s\n", line, what, eddy_last_error());
    exit(1);
}
#define CHECK(so)  check((so), #so, __LINE__)
#define MUST(call) check((call) == EDDY_OK, #call, __LINE__)

static uint64_t soon(void)
{
    return eddy_deadline(20000000000u);
}

static eddy_domain *domain;
static const struct eddy_topic_identity topic = {.name = "pages"};

/* --- a process that reads -------------------------------------------------------------------- */

static void read_topic(void)
{
    static eddy_reader *readers[READERS]; /* more than one word of each slot has bits for */
    struct eddy_sample sample;
    for (int i = 0; i < READERS; i++)
        MUST(eddy_reader_open(domain, &topic, NULL, &readers[i]));
    for (size_t i = 0; i < TIMES; i++)
        for (int r = 0; r < READERS; r++) {
            MUST(eddy_reader_wait(readers[r], soon()));
            MUST(eddy_reader_take(readers[r], &sample));
            CHECK(sample.size == sizes[i % SIZES]);
            CHECK(((const uint8_t *)sample.data)[sample.size - 1] == i);
            MUST(eddy_reader_release(readers[r], &sample));
        }
    for (int i = 0; i < READERS; i++)
        MUST(eddy_reader_close(readers[i]));
}

static void read_region(void)
{
    eddy_region *region;
    struct eddy_region_options reading = {.map = EDDY_MAP_READ};
    MUST(eddy_region_attach(domain, "pages", &reading, &region));
    CHECK(((const uint8_t *)eddy_region_data(region))[200000] == 7);
    MUST(eddy_region_close(region));
}

static pid_t start_reader(void)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid > 0)
        return pid;
    MUST(eddy_domain_open(NULL, &domain));
    read_topic();
    read_region();
    MUST(eddy_domain_close(domain));
    exit(0);
}

/* --- and one that writes --------------------------------------------------------------------- */

static void write_topic(void)
{
    eddy_writer *writer;
    struct eddy_loan loan;
    uint64_t bytes, until = soon();
    MUST(eddy_writer_open(domain, &topic, NULL, &writer));
    MUST(eddy_writer_reserve(writer, &(struct eddy_reservation){.size = SLOT, .count = 3}));
    while (eddy_writer_readers(writer) < READERS && eddy_now() < until)
        usleep(1000);
    for (size_t i = 0; i < TIMES; i++) {
        MUST(eddy_writer_loan(writer, sizes[i % SIZES], soon(), &loan));
        memset(loan.data, (int)i, loan.size);
        MUST(eddy_writer_publish(writer, &loan, sizes[i % SIZES], soon()));
    }
    while (eddy_writer_readers(writer) > 0 && eddy_now() < until)
        usleep(1000);
    MUST(eddy_topic_trim(domain, eddy_writer_flink(writer), &bytes));
    CHECK(bytes > 0);
    MUST(eddy_writer_close(writer));
}

/* Nobody takes it: who does has a thread that is cancelled in the end, which emulators cannot. */
static void use_ring(void)
{
    eddy_ring *ring;
    struct eddy_chunk chunk;
    struct eddy_ring_options stream = {.slot_bytes = SLOT, .slots = 4, .role = EDDY_RING_PRODUCER};
    MUST(eddy_ring_create(domain, "pages", &stream, &ring));
    for (int i = 0; i < 4; i++) {
        MUST(eddy_ring_loan(ring, EDDY_POLL, &chunk));
        memset(chunk.data, i, SLOT);
        MUST(eddy_ring_publish(ring, &chunk, SLOT));
    }
    MUST(eddy_ring_close(ring));
}

static void use_slots(void)
{
    eddy_slots *slots;
    struct eddy_slot_loan loan;
    struct eddy_slot_sample sample;
    struct eddy_slots_options options = {.slot_capacity = SLOT, .slot_count = 5};
    char flink[512];
    uint32_t me;
    uint64_t sn;
    snprintf(flink, sizeof flink, "%s/pages.slots.flink", eddy_domain_dir(domain));
    MUST(eddy_slots_create(domain, flink, &options, &slots));
    MUST(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &me));
    MUST(eddy_slots_loan(slots, NULL, 0, soon(), &loan));
    memset(loan.data, 9, SLOT);
    MUST(eddy_slots_publish(slots, &loan, SLOT, &sn));
    MUST(eddy_slots_take(slots, me, soon(), &sample));
    CHECK(sample.size == SLOT && ((const uint8_t *)sample.data)[SLOT - 1] == 9);
    MUST(eddy_slots_release(slots, &sample));
    MUST(eddy_slots_close(slots));
}

int main(int argc, char **argv)
{
    int status = -1;
    eddy_region *region;
    struct eddy_gc_report report;
    struct eddy_region_options room = {.bytes = WHOLE};
    CHECK(argc == 2 && sysconf(_SC_PAGESIZE) == atol(argv[1]));
    pid_t reader = start_reader();
    MUST(eddy_domain_open(NULL, &domain));
    MUST(eddy_region_create(domain, "pages", &room, &region));
    MUST(eddy_region_grow(region, 4 * WHOLE));
    ((uint8_t *)eddy_region_writable_data(region))[200000] = 7;
    write_topic();
    use_ring();
    use_slots();
    CHECK(waitpid(reader, &status, 0) == reader && status == 0);
    MUST(eddy_region_close(region));
    MUST(eddy_gc(NULL, &report));
    MUST(eddy_domain_close(domain));
    return 0;
}
