/* message.h - the DDS type of a ROS node's messages: a sertype that is not made from IDL.
 *
 * ROS 2 describes its messages itself, so its middleware layer brings its own serialisation to
 * Cyclone DDS: the type says how large a message gets and writes it straight into a chunk of shared
 * memory, and what arrives in shared memory stays there, unread, until the node takes it.  This
 * sertype goes the same ways.  Every message here has the same members, whatever its type's name.
 *
 * Threads: any; a sertype and the data of one message are not changed once they are made.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ROS_MESSAGE_H
#define ROS_MESSAGE_H

#include <dds/dds.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ros_message {
    uint64_t client; /* of a request and its reply: who asked, and the how manieth question it is */
    uint64_t sequence;
    uint64_t number; /* of a topic's message: counted by its publisher */
    uint8_t *bytes;  /* NULL in a message of fixed size */
    uint32_t size, room;
};

/* A topic whose type is called `type_name`.  Messages of fixed size go as they are in memory, the
 * others serialised. */
dds_entity_t ros_message_topic(dds_entity_t participant, const char *name, const char *type_name,
                               bool is_fixed);

/* Makes room for `size` bytes. */
void ros_message_resize(struct ros_message *message, size_t size);
void ros_message_free(struct ros_message *message);

#endif
