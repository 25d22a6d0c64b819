/* type.c - see type.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "type.h"

#include "node.h"
#include "pattern.h"
#include "shapes.h"

#include <stdlib.h>
#include <string.h>

static uint64_t seed_of(const struct node_tag *tag)
{
    return (uint64_t)tag->writer << 32 | tag->number;
}

static node_Tag tag_out(const struct node_tag *tag)
{
    return (node_Tag){.writer = tag->writer, .number = tag->number};
}

static struct node_tag tag_in(const node_Tag *tag, int32_t key)
{
    return (struct node_tag){.writer = tag->writer, .number = tag->number, .key = key};
}

static void fixed_fill(void *sample, const struct node_tag *tag, size_t size)
{
    node_Small *fixed = sample;
    (void)size;
    fixed->tag = tag_out(tag);
    node_pattern_write(fixed->data, sizeof fixed->data, seed_of(tag));
}

static bool fixed_check(const void *sample, struct node_tag *tag)
{
    const node_Small *fixed = sample;
    *tag = tag_in(&fixed->tag, 0);
    return node_pattern_check(fixed->data, sizeof fixed->data, seed_of(tag));
}

static void big_fill(void *sample, const struct node_tag *tag, size_t size)
{
    node_Big *big = sample;
    (void)size;
    big->tag = tag_out(tag);
    node_pattern_write(big->data, sizeof big->data, seed_of(tag));
}

static bool big_check(const void *sample, struct node_tag *tag)
{
    const node_Big *big = sample;
    *tag = tag_in(&big->tag, 0);
    return node_pattern_check(big->data, sizeof big->data, seed_of(tag));
}

static void keyed_fill(void *sample, const struct node_tag *tag, size_t size)
{
    node_Keyed *keyed = sample;
    (void)size;
    keyed->key = tag->key;
    keyed->tag = tag_out(tag);
    node_pattern_write(keyed->data, sizeof keyed->data, seed_of(tag) ^ (uint32_t)tag->key);
}

static bool keyed_check(const void *sample, struct node_tag *tag)
{
    const node_Keyed *keyed = sample;
    *tag = tag_in(&keyed->tag, keyed->key);
    return node_pattern_check(keyed->data, sizeof keyed->data, seed_of(tag) ^ (uint32_t)tag->key);
}

static void *resize(void *bytes, size_t size)
{
    void *resized = realloc(bytes, size);
    if (resized == NULL)
        abort();
    return resized;
}

/* A text of size letters, and size / 8 numbers. */
static void variable_fill(void *sample, const struct node_tag *tag, size_t size)
{
    node_Variable *variable = sample;
    variable->tag = tag_out(tag);
    variable->text = resize(variable->text, size + 1);
    memset(variable->text, 'a' + (int)(tag->number % 26), size);
    variable->text[size] = '\0';
    uint32_t length = (uint32_t)(size / 8);
    variable->numbers._buffer = resize(variable->numbers._buffer, (size_t)(length + 1) * 8);
    variable->numbers._length = variable->numbers._maximum = length;
    node_pattern_write(variable->numbers._buffer, (size_t)length * 8, seed_of(tag));
}

static bool variable_check(const void *sample, struct node_tag *tag)
{
    const node_Variable *variable = sample;
    *tag = tag_in(&variable->tag, 0);
    size_t size = strlen(variable->text), length = variable->numbers._length;
    for (size_t i = 0; i < size; i++)
        if (variable->text[i] != 'a' + (int)(tag->number % 26))
            return false;
    return length == size / 8 &&
           node_pattern_check(variable->numbers._buffer, length * 8, seed_of(tag));
}

static void octets_fill(void *sample, const struct node_tag *tag, size_t size)
{
    node_Octets *octets = sample;
    uint64_t seed = seed_of(tag);
    if (size > octets->data._maximum || octets->data._buffer == NULL) {
        octets->data._buffer = resize(octets->data._buffer, size + 1);
        octets->data._maximum = (uint32_t)size;
    }
    octets->data._length = (uint32_t)size;
    size_t head = size >= sizeof seed ? sizeof seed : 0;
    memcpy(octets->data._buffer, &seed, head);
    node_pattern_write(octets->data._buffer + head, size - head, head > 0 ? seed : 0);
}

static bool octets_check(const void *sample, struct node_tag *tag)
{
    const node_Octets *octets = sample;
    uint64_t seed = 0;
    size_t size = octets->data._length, head = size >= sizeof seed ? sizeof seed : 0;
    memcpy(&seed, octets->data._buffer, head);
    *tag = (struct node_tag){.writer = (uint32_t)(seed >> 32), .number = (uint32_t)seed};
    return node_pattern_check(octets->data._buffer + head, size - head, seed);
}

static const struct node_type types[] = {
    {"fixed", &node_Small_desc, fixed_fill, fixed_check},
    {"big", &node_Big_desc, big_fill, big_check},
    {"keyed", &node_Keyed_desc, keyed_fill, keyed_check},
    {"variable", &node_Variable_desc, variable_fill, variable_check},
    {"octets", &node_Octets_desc, octets_fill, octets_check},
    {0},
};

const struct node_type *node_type_named(const char *name)
{
    static const struct node_type *const lists[] = {types, node_shapes_plain, node_shapes_varying,
                                                    node_shapes_keys};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const struct node_type *type = lists[i]; type->name != NULL; type++)
            if (strcmp(type->name, name) == 0)
                return type;
    return NULL;
}
