/* ls_json.c - a topic as a JSON object on one line.
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

static json_t *member_object(const struct eddy_member_info *member)
{
    return json_pack("{s:s, s:s, s:i, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "role",
                     member->is_writer ? "writer" : "reader", "state", eddy_ls_state(member), "pid",
                     (int)member->pid, "name", string_of(member->name), "seat",
                     (json_int_t)member->seat, "samples", integer(member->samples), "bytes",
                     integer(member->bytes), "held", integer(member->held), "lost",
                     integer(member->lost), "behind", integer(member->behind), "depth",
                     (json_int_t)member->depth, "reliable", (int)member->reliable);
}

static json_t *member_array(const struct eddy_topic_report *topic)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < topic->member_count; i++) {
        if (json_array_append_new(array, member_object(&topic->members[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *topic_object(const struct eddy_topic_report *topic)
{
    const struct eddy_topic_stats *stats = &topic->stats;
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "topic",
                     string_of(topic->name), "type", string_of(topic->type), "scope",
                     string_of(topic->scope), "flink", string_of(topic->flink), "published",
                     integer(stats->published), "published_bytes", integer(stats->published_bytes),
                     "bytes", integer(stats->shared_bytes), "limit_bytes",
                     integer(stats->limit_bytes), "writers", (json_int_t)stats->writers, "readers",
                     (json_int_t)stats->readers, "slots", (json_int_t)stats->slots, "extents",
                     (json_int_t)stats->extents, "members", member_array(topic));
}

/* Adds what is wrong with a topic that cannot be read. */
static int add_error(json_t *object, const struct eddy_topic_report *topic)
{
    if (topic->error == 0)
        return 0;
    return json_object_set_new(object, "error", json_string(eddy_error_name(topic->error))) |
           json_object_set_new(object, "message", string_of(topic->message));
}

int eddy_ls_print_json(const struct eddy_topic_report *topic)
{
    json_t *object = topic_object(topic);
    int failed = object == NULL || add_error(object, topic) != 0;
    /* ASCII alone, so that no name can do anything to a terminal. */
    if (!failed)
        failed = json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0;
    json_decref(object);
    if (failed)
        return ferror(stdout) ? EDDY_ESYS : EDDY_ENOMEM;
    putchar('\n');
    return 0;
}
