/* foreign.h - memory of others, as a driver would give it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_FOREIGN_H
#define EDDY_TESTS_FOREIGN_H

#include "world.h"

#include <eddy/foreign.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRAME = 64 << 10 };

/* One that can be sealed; the test's mapping of it. */
struct buffer {
    int fd;
    uint8_t *bytes;
    uint64_t memory; /* of its exporter */
};

static inline struct buffer buffer_make(unsigned flags)
{
    struct buffer b = {.fd = memfd_create("frames", MFD_CLOEXEC | flags)};
    check(b.fd >= 0 && ftruncate(b.fd, FRAME) == 0);
    b.bytes = mmap(NULL, FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, 0);
    check(b.bytes != MAP_FAILED);
    return b;
}

static inline void buffer_drop(struct buffer *b)
{
    munmap(b->bytes, FRAME);
    if (b->fd >= 0)
        close(b->fd);
}

static inline void buffer_fill(struct buffer *b, uint8_t with)
{
    memset(b->bytes, with, FRAME);
}

/* Exports it, and closes the descriptor, as the program may. */
static inline void buffer_export(struct buffer *b, eddy_exporter *exporter)
{
    must(eddy_exporter_add(exporter, b->fd, 0, &b->memory));
    close(b->fd);
    b->fd = -1;
}

static inline void buffer_publish(struct buffer *b, eddy_exporter *exporter)
{
    const struct eddy_export all = {.memory = b->memory, .size = FRAME, .piece = b};
    must(eddy_exporter_publish(exporter, &all, NULL, patience()));
}

/* All bytes of a piece are this one. */
static inline bool holds(const struct eddy_import *import, uint8_t byte)
{
    const uint8_t *bytes = import->data;
    return import->size > 0 && bytes[0] == byte && memcmp(bytes, bytes + 1, import->size - 1) == 0;
}

#endif
