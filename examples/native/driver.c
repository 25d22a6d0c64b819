/* driver.c - see driver.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BUFFERS = 8, PLAYED_BYTES = 640 * 480 * 2 };

struct driver {
    int device; /* -1: played */
    unsigned count;
    int buffers[BUFFERS];
    /* Played: */
    uint8_t *bytes[BUFFERS];
    unsigned queued[BUFFERS], first, queued_count, frame;
    double rate;
};

static int must(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
    }
    return result;
}

/* --- V4L2 ------------------------------------------------------------------------------------ */

static void control(const struct driver *d, unsigned long request, void *argument, const char *what)
{
    int rc;
    do
        rc = ioctl(d->device, request, argument);
    while (rc < 0 && errno == EINTR);
    must(rc, what);
}

static struct v4l2_buffer describe(unsigned index)
{
    return (struct v4l2_buffer){
        .index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
}

static void open_device(struct driver *d, const char *device)
{
    struct v4l2_requestbuffers wanted = {
        .count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    d->device = must(open(device, O_RDWR | O_CLOEXEC | O_NONBLOCK), device);
    control(d, VIDIOC_REQBUFS, &wanted, "VIDIOC_REQBUFS");
    d->count = wanted.count < BUFFERS ? wanted.count : BUFFERS;
    for (unsigned i = 0; i < d->count; i++) {
        struct v4l2_exportbuffer buffer = {
            .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .index = i, .flags = O_RDONLY | O_CLOEXEC};
        control(d, VIDIOC_EXPBUF, &buffer, "VIDIOC_EXPBUF");
        d->buffers[i] = buffer.fd;
        driver_queue(d, i);
    }
    control(d, VIDIOC_STREAMON, &type, "VIDIOC_STREAMON");
}

static bool dequeue_device(struct driver *d, int milliseconds, unsigned *index, uint64_t *bytes)
{
    struct pollfd p = {.fd = d->device, .events = POLLIN};
    struct v4l2_buffer buffer = describe(0);
    if (poll(&p, 1, milliseconds) <= 0 || !(p.revents & POLLIN))
        return false;
    control(d, VIDIOC_DQBUF, &buffer, "VIDIOC_DQBUF");
    *index = buffer.index;
    *bytes = buffer.bytesused;
    return true;
}

/* --- played ---------------------------------------------------------------------------------- */

static void play_device(struct driver *d)
{
    d->device = -1;
    d->count = BUFFERS;
    for (unsigned i = 0; i < d->count; i++) {
        d->buffers[i] =
            must(memfd_create("frame", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
        must(ftruncate(d->buffers[i], PLAYED_BYTES), "ftruncate");
        d->bytes[i] =
            mmap(NULL, PLAYED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, d->buffers[i], 0);
        must(d->bytes[i] == MAP_FAILED ? -1 : 0, "mmap");
        driver_queue(d, i);
    }
}

/* A bar that moves; and none if the program has all buffers. */
static bool dequeue_played(struct driver *d, int milliseconds, unsigned *index, uint64_t *bytes)
{
    double seconds = d->queued_count > 0 ? 1 / d->rate : milliseconds / 1e3;
    struct timespec frame = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&frame, NULL);
    if (d->queued_count == 0)
        return false;
    *index = d->queued[d->first];
    d->first = (d->first + 1) % BUFFERS;
    d->queued_count--;
    memset(d->bytes[*index], (int)(d->frame++ & 0xff), PLAYED_BYTES);
    *bytes = PLAYED_BYTES;
    return true;
}

/* --- both ------------------------------------------------------------------------------------ */

struct driver *driver_open(const char *device, double rate)
{
    struct driver *d = calloc(1, sizeof *d);
    must(d ? 0 : -1, "calloc");
    d->rate = rate;
    if (device)
        open_device(d, device);
    else
        play_device(d);
    return d;
}

void driver_close(struct driver *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        if (d->bytes[i])
            munmap(d->bytes[i], PLAYED_BYTES);
        close(d->buffers[i]);
    }
    if (d->device >= 0)
        close(d->device);
    free(d);
}

unsigned driver_count(const struct driver *d)
{
    return d->count;
}

int driver_buffer(const struct driver *d, unsigned index)
{
    return d->buffers[index];
}

void driver_queue(struct driver *d, unsigned index)
{
    struct v4l2_buffer buffer = describe(index);
    if (d->device >= 0)
        control(d, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
    else
        d->queued[(d->first + d->queued_count++) % BUFFERS] = index;
}

bool driver_dequeue(struct driver *d, int milliseconds, unsigned *index, uint64_t *bytes)
{
    return d->device >= 0 ? dequeue_device(d, milliseconds, index, bytes)
                          : dequeue_played(d, milliseconds, index, bytes);
}
