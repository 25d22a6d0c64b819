/* kernel_channel.c - chunks through the kernel, which copies them in and out again.
 *
 *   pipe    as large as the kernel lets it be
 *   socket  Unix: a packet for each chunk as long as it fits, else a stream
 *   queue   a POSIX message queue; a chunk larger than its messages may be is an error
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_BYTES     (1 << 20) /* the most that anyone may ask for by default */
#define LARGEST_PACKET (64u << 10)
#define QUEUE_DEPTH    10u /* the most that anyone may ask for by default */

struct channel {
    int source, target;
    mqd_t queue;
    bool is_queue;
    size_t size;
    char *buffer; /* of this process */
};

static void share_pipe(struct channel *channel)
{
    int ends[2];
    if (pipe(ends) != 0) {
        bench_fail("pipe: %s", strerror(errno));
    }
    fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES); /* smaller is slower, no more */
    channel->source = ends[0];
    channel->target = ends[1];
}

static void share_socket(struct channel *channel)
{
    int ends[2], room = PIPE_BYTES;
    int type = channel->size <= LARGEST_PACKET ? SOCK_SEQPACKET : SOCK_STREAM;
    if (socketpair(AF_UNIX, type, 0, ends) != 0) {
        bench_fail("socketpair: %s", strerror(errno));
    }
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    channel->source = ends[0];
    channel->target = ends[1];
}

static void share_queue(struct channel *channel, const struct channel_shape *shape)
{
    char name[64];
    struct mq_attr shape_of_queue = {.mq_msgsize = (long)shape->size};
    shape_of_queue.mq_maxmsg = shape->slots < QUEUE_DEPTH ? shape->slots : QUEUE_DEPTH;
    snprintf(name, sizeof name, "/eddy-bench-%d-%u", (int)getpid(), shape->number);
    channel->queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &shape_of_queue);
    if (channel->queue == (mqd_t)-1) {
        bench_fail("a queue of %zu-byte messages: %s", shape->size, strerror(errno));
    }
    mq_unlink(name);
    channel->is_queue = true;
}

static void kernel_share(struct channel *channel, const struct channel_shape *shape)
{
    channel->size = shape->size;
    if (strcmp(shape->mode, "pipe") == 0) {
        share_pipe(channel);
    } else if (strcmp(shape->mode, "socket") == 0) {
        share_socket(channel);
    } else if (strcmp(shape->mode, "queue") == 0) {
        share_queue(channel, shape);
    } else {
        bench_fail("%s is no way through the kernel; give pipe, socket or queue", shape->mode);
    }
}

static void kernel_open(struct channel *channel, const struct channel_shape *shape, bool produces)
{
    (void)produces;
    channel->buffer = bench_share(shape->size);
}

static ssize_t send_some(struct channel *channel, const char *from, size_t bytes)
{
    if (!channel->is_queue) {
        return write(channel->target, from, bytes);
    }
    return mq_send(channel->queue, from, bytes, 0) == 0 ? (ssize_t)bytes : -1;
}

static ssize_t receive_some(struct channel *channel, char *into, size_t bytes)
{
    return channel->is_queue ? mq_receive(channel->queue, into, bytes, NULL)
                             : read(channel->source, into, bytes);
}

static void kernel_send(struct channel *channel, uint64_t seq)
{
    bench_fill(channel->buffer, channel->size, seq);
    for (size_t sent = 0; sent < channel->size;) {
        ssize_t n = send_some(channel, channel->buffer + sent, channel->size - sent);
        if (n < 0) {
            bench_fail("sending %zu bytes: %s", channel->size - sent, strerror(errno));
        }
        sent += (size_t)n;
    }
}

static uint64_t kernel_receive(struct channel *channel)
{
    for (size_t got = 0; got < channel->size;) {
        ssize_t n = receive_some(channel, channel->buffer + got, channel->size - got);
        if (n <= 0) {
            bench_fail("receiving %zu bytes: %s", channel->size - got,
                       n < 0 ? strerror(errno) : "it ended");
        }
        got += (size_t)n;
    }
    return bench_drain(channel->buffer, channel->size);
}

int main(int argc, char **argv)
{
    static const struct channel_transport transport = {
        .bytes = sizeof(struct channel),
        .share = kernel_share,
        .open = kernel_open,
        .send = kernel_send,
        .receive = kernel_receive,
    };
    return channel_run(&transport, argc, argv);
}
