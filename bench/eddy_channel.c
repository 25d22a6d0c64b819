/* eddy_channel.c - chunks through Eddy's ring.
 *
 * Modes: wait leaves it to the ring when to spin and when to sleep; spin polls; huge, sparse and
 * punch are wait with that flag of the ring, punch with EDDY_RING_SPARSE as well.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <eddy/eddy.h>
#include <eddy/ring.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct channel {
    eddy_domain *domain;
    eddy_ring *ring;
    struct eddy_chunk chunk;
    uint64_t deadline;
    size_t size;
    char name[32];
};

static void must(int rc)
{
    if (rc != EDDY_OK) {
        bench_fail("%s: %s", eddy_error_name(rc), eddy_last_error());
    }
}

static void ring_share(struct channel *channel, const struct channel_shape *shape)
{
    snprintf(channel->name, sizeof channel->name, "bench-%d-%u", (int)getpid(), shape->number);
}

static uint32_t flags_of(const char *mode)
{
    static const struct {
        const char *mode;
        uint32_t flags;
    } modes[] = {{"wait", 0},
                 {"spin", 0},
                 {"huge", EDDY_RING_HUGE},
                 {"sparse", EDDY_RING_SPARSE},
                 {"punch", EDDY_RING_SPARSE | EDDY_RING_PUNCH}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i].mode, mode) == 0) {
            return modes[i].flags;
        }
    }
    bench_fail("%s is no mode of a ring; give wait, spin, huge, sparse or punch", mode);
}

static void consumer_open(struct channel *channel, const struct channel_shape *shape)
{
    const struct eddy_ring_options options = {.slot_bytes = shape->size,
                                              .slots = shape->slots,
                                              .flags = flags_of(shape->mode),
                                              .role = EDDY_RING_CONSUMER};
    must(eddy_ring_create(channel->domain, channel->name, &options, &channel->ring));
}

static void producer_open(struct channel *channel)
{
    int rc;
    do {
        rc = eddy_ring_attach(channel->domain, channel->name, EDDY_RING_PRODUCER, NULL,
                              &channel->ring);
    } while (rc == EDDY_ENOENT);
    must(rc);
}

static void ring_open(struct channel *channel, const struct channel_shape *shape, bool produces)
{
    channel->size = shape->size;
    channel->deadline = strcmp(shape->mode, "spin") == 0 ? EDDY_POLL : EDDY_FOREVER;
    must(eddy_domain_open(NULL, &channel->domain));
    if (produces) {
        producer_open(channel);
    } else {
        consumer_open(channel, shape);
    }
}

static void ring_send(struct channel *channel, uint64_t seq)
{
    struct eddy_chunk chunk;
    int rc;
    while ((rc = eddy_ring_loan(channel->ring, channel->deadline, &chunk)) == EDDY_EAGAIN) {
    }
    must(rc);
    bench_fill(chunk.data, channel->size, seq);
    must(eddy_ring_publish(channel->ring, &chunk, channel->size));
}

static uint64_t ring_receive(struct channel *channel)
{
    int rc;
    while ((rc = eddy_ring_take(channel->ring, channel->deadline, &channel->chunk)) ==
           EDDY_EAGAIN) {
    }
    must(rc);
    return bench_drain(channel->chunk.data, channel->chunk.size);
}

static void ring_release(struct channel *channel)
{
    must(eddy_ring_release(channel->ring, &channel->chunk));
}

static void ring_close(struct channel *channel)
{
    must(eddy_ring_close(channel->ring));
    must(eddy_domain_close(channel->domain));
}

int main(int argc, char **argv)
{
    static const struct channel_transport transport = {
        .bytes = sizeof(struct channel),
        .share = ring_share,
        .open = ring_open,
        .send = ring_send,
        .receive = ring_receive,
        .release = ring_release,
        .close = ring_close,
    };
    return channel_run(&transport, argc, argv);
}
