/* iceoryx_side.h - the parts of iceoryx's C binding that its benchmarks share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ICEORYX_SIDE_H
#define BENCH_ICEORYX_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/wait_set.h>

/* Registers this process with RouDi. */
void iceoryx_join(const char *name);

/* `blocks`: nothing is lost, a publisher waits for a full queue. */
iox_pub_t iceoryx_publisher(iox_pub_storage_t *storage, const char *event, bool blocks);
iox_sub_t iceoryx_subscriber(iox_sub_storage_t *storage, const char *event, unsigned depth,
                             bool blocks);

/* Returns once both are connected.  Either may be NULL. */
void iceoryx_connect(iox_pub_t publisher, iox_sub_t subscriber);

void *iceoryx_loan(iox_pub_t publisher, size_t size);

#endif
