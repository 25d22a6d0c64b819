/* type.h - the types that a node can write and read, behind one interface.
 *
 * Every sample is a function of its tag, key and size, so a reader can check each byte.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TYPE_H
#define NODE_TYPE_H

#include <dds/dds.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node_tag {
    uint32_t writer;
    uint32_t number; /* 0: the sample is too small to say */
    int32_t key;
};

struct node_type {
    const char *name;
    const dds_topic_descriptor_t *descriptor;
    /* Makes the sample what it must be; `size` is the payload of a type whose size varies.  What it
     * points to stays in `sample` and is used again by the next fill. */
    void (*fill)(void *sample, const struct node_tag *tag, size_t size);
    /* Reads the tag; false: the rest is not what the tag says. */
    bool (*check)(const void *sample, struct node_tag *tag);
};

/* NULL: there is no such type. */
const struct node_type *node_type_named(const char *name);

#endif
