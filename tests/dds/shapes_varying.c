/* shapes_varying.c - types with strings and sequences, bounded or not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"
#include "shapes.h"
#include "user_types.h"

#include <stdio.h>
#include <stdlib.h>

#define BOUND 8 /* values in a bounded sequence, at most */

static void *room_for(void *old, size_t size)
{
    void *room = realloc(old, size);
    if (room == NULL)
        abort();
    return room;
}

static void short_text_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_BoundedText *it = sample;
    (void)size;
    it->key = tag->key;
    it->writer = tag->writer;
    it->number = tag->number;
    snprintf(it->text, sizeof it->text, "text %u", tag->number);
}

static bool short_text_check(const void *sample, struct node_tag *tag)
{
    const shapes_BoundedText *it = sample;
    char wanted[sizeof it->text];
    *tag = (struct node_tag){.writer = it->writer, .number = it->number, .key = it->key};
    snprintf(wanted, sizeof wanted, "text %u", tag->number);
    return strcmp(it->text, wanted) == 0;
}

static void few_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_BoundedSequence *it = sample;
    (void)size;
    it->key = tag->key;
    it->writer = tag->writer;
    it->number = tag->number;
    it->values._buffer = room_for(it->values._buffer, BOUND * sizeof *it->values._buffer);
    it->values._maximum = BOUND;
    it->values._length = tag->number % (BOUND + 1);
    for (uint32_t i = 0; i < it->values._length; i++)
        it->values._buffer[i] = (int32_t)(tag->number + i);
}

static bool few_check(const void *sample, struct node_tag *tag)
{
    const shapes_BoundedSequence *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number, .key = it->key};
    if (it->values._length != tag->number % (BOUND + 1))
        return false;
    for (uint32_t i = 0; i < it->values._length; i++)
        if (it->values._buffer[i] != (int32_t)(tag->number + i))
            return false;
    return true;
}

/* A text of as many letters as the number has at the end, `size` bytes, and three names. */
static void unbounded_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_Unbounded *it = sample;
    size_t letters = tag->number % 100;
    it->key = tag->key;
    it->writer = tag->writer;
    it->number = tag->number;
    it->text = room_for(it->text, letters + 1);
    memset(it->text, 'x', letters);
    it->text[letters] = '\0';
    it->bytes._buffer = room_for(it->bytes._buffer, size + 1);
    it->bytes._length = it->bytes._maximum = (uint32_t)size;
    node_pattern_write(it->bytes._buffer, size, tag->number);
    if (it->names._buffer == NULL)
        it->names._buffer = calloc(3, sizeof *it->names._buffer);
    if (it->names._buffer == NULL)
        abort();
    it->names._length = it->names._maximum = 3;
    for (uint32_t i = 0; i < 3; i++) {
        it->names._buffer[i] = room_for(it->names._buffer[i], 32);
        snprintf(it->names._buffer[i], 32, "name %u of %u", i, tag->number);
    }
}

static bool unbounded_check(const void *sample, struct node_tag *tag)
{
    const shapes_Unbounded *it = sample;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number, .key = it->key};
    if (it->text == NULL || strlen(it->text) != tag->number % 100 || it->names._length != 3)
        return false;
    for (uint32_t i = 0; i < 3; i++) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "name %u of %u", i, tag->number);
        if (strcmp(it->names._buffer[i], wanted) != 0)
            return false;
    }
    return node_pattern_check(it->bytes._buffer, it->bytes._length, tag->number);
}

/* Row i has i numbers. */
static void nested_fill(void *sample, const struct node_tag *tag, size_t size)
{
    shapes_Nested *it = sample;
    enum { ROWS = 4 };
    (void)size;
    it->writer = tag->writer;
    it->number = tag->number;
    if (it->rows._buffer == NULL)
        it->rows._buffer = calloc(ROWS, sizeof *it->rows._buffer);
    if (it->rows._buffer == NULL)
        abort();
    it->rows._length = it->rows._maximum = ROWS;
    for (uint32_t i = 0; i < ROWS; i++) {
        it->rows._buffer[i]._buffer = room_for(it->rows._buffer[i]._buffer, ROWS * sizeof(double));
        it->rows._buffer[i]._length = it->rows._buffer[i]._maximum = i;
        for (uint32_t j = 0; j < i; j++)
            it->rows._buffer[i]._buffer[j] = tag->number + j;
    }
    it->points._length = it->points._maximum = tag->number % 5;
    it->points._buffer = room_for(it->points._buffer, 5 * sizeof *it->points._buffer);
    for (uint32_t i = 0; i < it->points._length; i++)
        it->points._buffer[i] = (shapes_Point){.x = tag->number, .y = i};
}

static bool nested_check(const void *sample, struct node_tag *tag)
{
    const shapes_Nested *it = sample;
    bool good = it->rows._length == 4 && it->points._length == it->number % 5;
    *tag = (struct node_tag){.writer = it->writer, .number = it->number};
    for (uint32_t i = 0; good && i < 4; i++) {
        good = it->rows._buffer[i]._length == i;
        for (uint32_t j = 0; good && j < i; j++)
            good = it->rows._buffer[i]._buffer[j] == tag->number + j;
    }
    for (uint32_t i = 0; good && i < it->points._length; i++)
        good = it->points._buffer[i].x == tag->number && it->points._buffer[i].y == i;
    return good;
}

const struct node_type node_shapes_varying[] = {
    {"short-text", &shapes_BoundedText_desc, short_text_fill, short_text_check},
    {"few", &shapes_BoundedSequence_desc, few_fill, few_check},
    {"unbounded", &shapes_Unbounded_desc, unbounded_fill, unbounded_check},
    {"nested", &shapes_Nested_desc, nested_fill, nested_check},
    {0},
};
