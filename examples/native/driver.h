/* driver.h - a camera's driver with a ring of buffers: V4L2, or something that behaves like it.
 *
 *   open -> all buffers are queued -> dequeue one that is filled -> queue it again -> close
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_NATIVE_DRIVER_H
#define EXAMPLE_NATIVE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

struct driver;

/* device: "/dev/video0", or NULL for one that this program plays itself, which gives `rate` frames a
 * second.  Ends the program if it cannot. */
struct driver *driver_open(const char *device, double rate);
void driver_close(struct driver *driver);

unsigned driver_count(const struct driver *driver);
/* The descriptor of a buffer: a dma-buf, or a memfd. */
int driver_buffer(const struct driver *driver, unsigned index);

/* Gives a buffer to the driver, to be filled. */
void driver_queue(struct driver *driver, unsigned index);
/* Waits for one that is filled, up to `milliseconds`.  False: none came. */
bool driver_dequeue(struct driver *driver, int milliseconds, unsigned *index, uint64_t *bytes);

#endif
