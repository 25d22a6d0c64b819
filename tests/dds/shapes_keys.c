/* shapes_keys.c - types whose key is a string, an array, an enumeration, of several parts, or late.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "shapes.h"
#include "user_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 64 };

/* Longer than the 16 bytes that a key hash has room for. */
static void text_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_TextKey *it = sample;
    (void)size;
    it->name = it->name != NULL ? it->name : malloc(NAME_SIZE);
    if (it->name == NULL)
        abort();
    snprintf(it->name, NAME_SIZE, "a name that is rather long, %d", tag->key);
    it->writer = tag->writer;
    it->number = tag->number;
}

static bool text_check(const void *sample, struct node_tag *tag)
{
    const shapes_TextKey *it = sample;
    const char *comma = it->name != NULL ? strrchr(it->name, ',') : NULL;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number, .key = -1};
    if (comma != NULL)
        tag->key = (int32_t)strtol(comma + 1, NULL, 10);
    return comma != NULL;
}

static void short_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_ShortTextKey *it = sample;
    (void)size;
    snprintf(it->name, sizeof it->name, "%d", tag->key);
    it->writer = tag->writer;
    it->number = tag->number;
}

static bool short_check(const void *sample, struct node_tag *tag)
{
    const shapes_ShortTextKey *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number};
    tag->key = (int32_t)strtol(it->name, NULL, 10);
    return it->name[0] != '\0';
}

static void nested_fill(void *sample, const struct node_tag *tag, size_t size)
{
    (void)size;
    *(shapes_NestedKey *)sample = (shapes_NestedKey){
        .writer = tag->writer,
        .number = tag->number,
        .part = {.first = tag->key / 2, .second = 7},
        .last = (int16_t)(tag->key % 2),
    };
}

static bool nested_check(const void *sample, struct node_tag *tag)
{
    const shapes_NestedKey *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number};
    tag->key = it->part.first * 2 + it->last;
    return it->part.second == 7;
}

static void octets_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_OctetsKey *it = sample;
    (void)size;
    memset(it->id, 0xa5, sizeof it->id);
    memcpy(it->id + sizeof it->id - sizeof tag->key, &tag->key, sizeof tag->key);
    it->writer = tag->writer;
    it->number = tag->number;
}

static bool octets_check(const void *sample, struct node_tag *tag)
{
    const shapes_OctetsKey *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number};
    memcpy(&tag->key, it->id + sizeof it->id - sizeof tag->key, sizeof tag->key);
    return it->id[0] == 0xa5;
}

/* Six keys at most. */
static void enum_fill(void *sample, const struct node_tag *tag, size_t size)
{
    (void)size;
    *(shapes_EnumKey *)sample = (shapes_EnumKey){.kind = (shapes_Kind)(tag->key / 2),
                                                 .yes = tag->key % 2 != 0,
                                                 .writer = tag->writer,
                                                 .number = tag->number};
}

static bool enum_check(const void *sample, struct node_tag *tag)
{
    const shapes_EnumKey *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number};
    tag->key = (int32_t)it->kind * 2 + (int32_t)it->yes;
    return true;
}

static void late_fill(void *sample, const struct node_tag *tag, size_t size)
{
    (void)size;
    *(shapes_LateKey *)sample = (shapes_LateKey){.before = {1, 2, 3},
                                                 .more = -1 - (int64_t)tag->number,
                                                 .key = (uint8_t)tag->key,
                                                 .writer = tag->writer,
                                                 .number = tag->number};
}

static bool late_check(const void *sample, struct node_tag *tag)
{
    const shapes_LateKey *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number, .key = it->key};
    return it->before[2] == 3 && it->more == -1 - (int64_t)tag->number;
}

const struct node_type node_shapes_keys[] = {
    {"text-key", &shapes_TextKey_desc, text_fill, text_check},
    {"short-text-key", &shapes_ShortTextKey_desc, short_fill, short_check},
    {"nested-key", &shapes_NestedKey_desc, nested_fill, nested_check},
    {"octets-key", &shapes_OctetsKey_desc, octets_fill, octets_check},
    {"enum-key", &shapes_EnumKey_desc, enum_fill, enum_check},
    {"late-key", &shapes_LateKey_desc, late_fill, late_check},
    {0},
};
