/* peer.c - a process of another build: does what the test says, by the descriptor in its argument.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include "support/child.h"

#include <stdio.h>
#include <stdlib.h>

static eddy_domain *domain;
static eddy_writer *writers[TOPICS];
static eddy_reader *readers[TOPICS];
static eddy_ring *ring;
static eddy_slots *slots;

static int open_topic(unsigned topic)
{
    struct eddy_topic_identity name = {.name = topic_names[topic]};
    int error = eddy_writer_open(domain, &name, NULL, &writers[topic]);
    return error ? error : eddy_reader_open(domain, &name, NULL, &readers[topic]);
}

/* The number, or minus an error. */
static uint64_t take(unsigned topic)
{
    struct eddy_sample sample;
    must(eddy_reader_wait(readers[topic], eddy_deadline(UINT64_C(10000000000))));
    must(eddy_reader_take(readers[topic], &sample));
    check(sample.size == sizeof(unsigned));
    unsigned number = *(const unsigned *)sample.data;
    must(eddy_reader_release(readers[topic], &sample));
    return number;
}

static int create_ring(const char *name)
{
    struct eddy_ring_options options = {.slot_bytes = 64, .slots = 2, .role = EDDY_RING_PRODUCER};
    return eddy_ring_create(domain, name, &options, &ring);
}

static int create_slots(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.flink", getenv("EDDY_DIR"), name);
    return eddy_slots_create(domain, path, &(struct eddy_slots_options){.slot_count = 2}, &slots);
}

static void leave(void)
{
    must(eddy_ring_close(ring));
    must(eddy_slots_close(slots));
    for (unsigned i = 0; i < TOPICS; i++) {
        must(eddy_writer_close(writers[i]));
        must(eddy_reader_close(readers[i]));
    }
    must(eddy_domain_close(domain));
}

static uint64_t obey(uint64_t request)
{
    unsigned topic = request & ((1u << TOPIC_BITS) - 1),
             number = (unsigned)(request >> NUMBER_BITS);
    check(topic < TOPICS);
    switch ((enum request)(request >> TOPIC_BITS & 0xff)) {
    case OPEN:
        return (uint64_t)-open_topic(topic);
    case PUBLISH:
        return (uint64_t)-eddy_writer_write(writers[topic], &number, sizeof number,
                                            eddy_deadline(10000000000));
    case TAKE:
        return take(topic);
    case CREATE_RING:
        return (uint64_t)-create_ring(topic_names[topic]);
    case CREATE_SLOTS:
        return (uint64_t)-create_slots(topic_names[topic]);
    case LEAVE:
        leave();
        return 0;
    }
    check_fail(CHECK_HERE("obey"), "a request that there is not");
}

int main(int argc, char **argv)
{
    check(argc == 2);
    int wire = atoi(argv[1]);
    must(eddy_domain_open(NULL, &domain));
    wire_say(wire, WIRE_READY);
    for (;;) {
        uint64_t request = wire_hear(wire);
        bool last = (request >> TOPIC_BITS & 0xff) == LEAVE;
        wire_say(wire, obey(request));
        if (last)
            return 0;
    }
}
