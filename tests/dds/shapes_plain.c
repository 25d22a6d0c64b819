/* shapes_plain.c - types of one size: numbers, arrays, enumerations, unions, and types that grow.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"
#include "shapes.h"
#include "user_types.h"

static void byte_fill(void *sample, const struct node_tag *tag, size_t size)
{
    (void)size;
    ((shapes_Byte *)sample)->number = (uint8_t)tag->number;
}

static bool byte_check(const void *sample, struct node_tag *tag)
{
    *tag = (struct node_tag){.writer = 1, .number = ((const shapes_Byte *)sample)->number};
    return true;
}

static void large_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_Large *large = sample;
    (void)size;
    large->writer = tag->writer;
    large->number = tag->number;
    node_pattern_write(large->data, sizeof large->data, tag->number);
}

static bool large_check(const void *sample, struct node_tag *tag)
{
    const shapes_Large *large = sample;
    *tag = (struct node_tag){.writer = large->writer, .number = large->number};
    return node_pattern_check(large->data, sizeof large->data, tag->number);
}

static void mebi_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_Mebi *mebi = sample;
    (void)size;
    mebi->writer = tag->writer;
    mebi->number = tag->number;
    node_pattern_write(mebi->data, sizeof mebi->data, tag->number);
}

static bool mebi_check(const void *sample, struct node_tag *tag)
{
    const shapes_Mebi *mebi = sample;
    *tag = (struct node_tag){.writer = mebi->writer, .number = mebi->number};
    return node_pattern_check(mebi->data, sizeof mebi->data, tag->number);
}

static void enums_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_WithEnums *enums = sample;
    (void)size;
    enums->writer = tag->writer;
    enums->number = tag->number;
    enums->kind = (shapes_Kind)(tag->number % 3);
    enums->marks = tag->number % 2 != 0 ? shapes_LOW | shapes_HIGH : shapes_MIDDLE;
    enums->yes = tag->number % 2 != 0;
    enums->letter = (char)('a' + tag->number % 26);
    for (int i = 0; i < 3; i++)
        enums->points[i] = (shapes_Point){.x = tag->number, .y = i};
}

static bool enums_check(const void *sample, struct node_tag *tag)
{
    const shapes_WithEnums *enums = sample;
    *tag = (struct node_tag){.writer = enums->writer, .number = enums->number};
    uint32_t number = tag->number;
    bool points = true;
    for (int i = 0; i < 3; i++)
        points = points && enums->points[i].x == number && enums->points[i].y == i;
    return points && enums->kind == (shapes_Kind)(number % 3) && enums->yes == (number % 2 != 0) &&
           enums->marks == (number % 2 != 0 ? (shapes_LOW | shapes_HIGH) : shapes_MIDDLE) &&
           enums->letter == (char)('a' + number % 26);
}

static void union_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_WithUnion *with = sample;
    (void)size;
    with->key = tag->key;
    with->writer = tag->writer;
    with->number = tag->number;
    with->either._d = (shapes_Kind)(tag->number % 3);
    if (with->either._d == shapes_FIRST)
        with->either._u.one = (int32_t)tag->number;
    else if (with->either._d == shapes_SECOND)
        with->either._u.two = tag->number;
    else
        node_pattern_write(with->either._u.many, sizeof with->either._u.many, tag->number);
}

static bool union_check(const void *sample, struct node_tag *tag)
{
    const shapes_WithUnion *with = sample;
    *tag = (struct node_tag){.writer = with->writer, .number = with->number, .key = with->key};
    if (with->either._d != (shapes_Kind)(tag->number % 3))
        return false;
    if (with->either._d == shapes_FIRST)
        return with->either._u.one == (int32_t)tag->number;
    if (with->either._d == shapes_SECOND)
        return with->either._u.two == tag->number;
    return node_pattern_check(with->either._u.many, sizeof with->either._u.many, tag->number);
}

static void appendable_fill(void *sample, const struct node_tag *tag, size_t size)
{
    (void)size;
    *(shapes_Appendable *)sample = (shapes_Appendable){
        .key = tag->key, .writer = tag->writer, .number = tag->number, .value = tag->number};
}

static bool appendable_check(const void *sample, struct node_tag *tag)
{
    const shapes_Appendable *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number, .key = it->key};
    return it->value == tag->number;
}

static void mutable_fill(void *sample, const struct node_tag *tag, size_t size)
{
    (void)size;
    *(shapes_Mutable *)sample = (shapes_Mutable){
        .key = tag->key, .writer = tag->writer, .number = tag->number, .value = tag->number};
}

static bool mutable_check(const void *sample, struct node_tag *tag)
{
    const shapes_Mutable *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number, .key = it->key};
    return it->value == tag->number;
}

/* The optional member is there in each second sample. */
static void optional_fill(void *sample, const struct node_tag *tag, size_t size)
{
    static _Thread_local int32_t value;
    (void)size;
    value = (int32_t)tag->number;
    *(shapes_WithOptional *)sample =
        (shapes_WithOptional){.key = tag->key,
                              .writer = tag->writer,
                              .number = tag->number,
                              .maybe = tag->number % 2 != 0 ? &value : NULL};
}

static bool optional_check(const void *sample, struct node_tag *tag)
{
    const shapes_WithOptional *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number, .key = it->key};
    if (tag->number % 2 == 0)
        return it->maybe == NULL;
    return it->maybe != NULL && *it->maybe == (int32_t)tag->number;
}

const struct node_type node_shapes_plain[] = {
    {"byte", &shapes_Byte_desc, byte_fill, byte_check},
    {"large", &shapes_Large_desc, large_fill, large_check},
    {"mebi", &shapes_Mebi_desc, mebi_fill, mebi_check},
    {"enums", &shapes_WithEnums_desc, enums_fill, enums_check},
    {"union", &shapes_WithUnion_desc, union_fill, union_check},
    {"appendable", &shapes_Appendable_desc, appendable_fill, appendable_check},
    {"mutable", &shapes_Mutable_desc, mutable_fill, mutable_check},
    {"optional", &shapes_WithOptional_desc, optional_fill, optional_check},
    {0},
};
