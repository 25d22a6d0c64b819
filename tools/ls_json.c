/* ls_json.c - a topic, or another thing, as a JSON object on one line.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/ls.h"
#include "tools/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Topic names are bytes, JSON strings are Unicode. */
static json_t *string_of(const char *bytes)
{
    char *text = eddy_text_utf8(bytes != NULL ? bytes : "");
    json_t *string = text != NULL ? json_string(text) : NULL;
    free(text);
    return string;
}

/* JSON integers of the library are signed; no counter of ours comes near their limit. */
static json_int_t integer(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

/* Bytes in hexadecimal digits, two for each. */
static json_t *digits_of(const unsigned char *bytes, size_t count)
{
    char *digits = malloc(2 * count + 1);
    if (digits == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
    json_t *string = json_stringn(digits, 2 * count);
    free(digits);
    return string;
}

static json_t *member_object(const void *of)
{
    const struct eddy_member_info *member = of;
    return json_pack("{s:s, s:s, s:i, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:I, "
                     "s:I, s:b, s:I, s:o}",
                     "role", member->is_writer ? "writer" : "reader", "state",
                     eddy_ls_state(member->state, member->pid), "pid", (int)member->pid, "name",
                     string_of(member->name), "seat", (json_int_t)member->seat, "samples",
                     integer(member->samples), "bytes", integer(member->bytes), "held",
                     integer(member->held), "lost", integer(member->lost), "behind",
                     integer(member->behind), "depth", (json_int_t)member->depth, "shallow",
                     (int)member->shallow, "reliable", (int)member->reliable, "waiting",
                     (json_int_t)member->waiting, "given_up", (json_int_t)member->given_up,
                     "participant", integer(member->participant), "let_go", (int)member->let_go,
                     "let_go_count", (json_int_t)member->let_go_count, "blob",
                     digits_of(member->blob, member->blob_size));
}

static json_t *object_member_object(const void *of)
{
    const struct eddy_object_member *member = of;
    return json_pack("{s:s, s:s, s:i, s:o}", "role", member->role, "state",
                     eddy_ls_state(member->state, member->pid), "pid", (int)member->pid, "name",
                     string_of(member->name));
}

/* `count` members of `size` bytes each. */
static json_t *array_of(const void *members, size_t count, size_t size,
                        json_t *(*object_of)(const void *member))
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < count; i++) {
        if (json_array_append_new(array, object_of((const char *)members + i * size)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *topic_object(const struct eddy_topic_report *topic)
{
    const struct eddy_topic_stats *stats = &topic->stats;
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "kind",
        "topic", "topic", string_of(topic->name), "type", string_of(topic->type), "scope",
        string_of(topic->scope), "flink", string_of(topic->flink), "published",
        integer(stats->published), "published_bytes", integer(stats->published_bytes), "bytes",
        integer(stats->shared_bytes), "limit_bytes", integer(stats->limit_bytes), "writers",
        (json_int_t)stats->writers, "readers", (json_int_t)stats->readers, "slots",
        (json_int_t)stats->slots, "extents", (json_int_t)stats->extents, "type_text",
        string_of(topic->type_text), "members",
        array_of(topic->members, topic->member_count, sizeof topic->members[0], member_object));
}

static json_t *object_object(const struct eddy_object_report *object)
{
    return json_pack("{s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "kind",
                     object->kind, "name", string_of(object->name), "state", object->state, "flink",
                     string_of(object->flink), "slots", integer(object->slots), "slot_bytes",
                     integer(object->slot_bytes), "published", integer(object->published), "taken",
                     integer(object->taken), "bytes", integer(object->shared_bytes), "file_bytes",
                     integer(object->bytes), "users", (json_int_t)eddy_ls_users(object), "members",
                     array_of(object->members, object->member_count, sizeof object->members[0],
                              object_member_object));
}

/* Adds what is wrong with what cannot be read. */
static int add_error(json_t *object, int error, const char *message)
{
    if (error == 0)
        return 0;
    return json_object_set_new(object, "error", json_string(eddy_error_name(error))) |
           json_object_set_new(object, "message", string_of(message));
}

/* Prints an object, which may be NULL, and frees it. */
static int print(json_t *object, int error, const char *message)
{
    int failed = object == NULL || add_error(object, error, message) != 0;
    /* ASCII alone, so that no name can do anything to a terminal. */
    if (!failed)
        failed = json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0;
    json_decref(object);
    if (failed)
        return ferror(stdout) ? EDDY_ESYS : EDDY_ENOMEM;
    putchar('\n');
    return 0;
}

int eddy_ls_print_topic_json(const struct eddy_topic_report *topic)
{
    return print(topic_object(topic), topic->error, topic->message);
}

int eddy_ls_print_object_json(const struct eddy_object_report *object)
{
    return print(object_object(object), object->error, object->message);
}
