/* peer.h - what the test asks of a process of another build.
 *
 * A request is one number: what, and of which of a few topics.  The answer is another: minus the
 * error, or what was taken.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_VERSIONS_PEER_H
#define EDDY_VERSIONS_PEER_H

#include <stdint.h>

enum { TOPICS = 4, TOPIC_BITS = 8, NUMBER_BITS = 16 };

enum request {
    OPEN = 1,    /* the writer and the reader of a topic; the topic is created if it is not there */
    PUBLISH,     /* a number */
    TAKE,        /* answers with the number */
    CREATE_RING, /* of the topic's name */
    CREATE_SLOTS,
    LEAVE
};

static const char *const topic_names[TOPICS] = {"a", "b", "c", "d"};

static inline uint64_t request_make(enum request what, unsigned topic, unsigned number)
{
    return (uint64_t)number << NUMBER_BITS | (uint64_t)what << TOPIC_BITS | topic;
}

#endif
