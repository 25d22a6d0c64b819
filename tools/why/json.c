/* json.c - a pair of writer and reader as a JSON object on one line (see report.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/text.h"
#include "tools/why/report.h"
#include "tools/why/words.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Names are bytes, JSON strings are Unicode. */
static json_t *string_of(const char *bytes)
{
    char *text = eddy_text_utf8(bytes != NULL ? bytes : "");
    json_t *string = text != NULL ? json_string(text) : NULL;
    free(text);
    return string;
}

/* The same; frees the bytes; NULL gives null. */
static json_t *string_from(char *bytes)
{
    json_t *string = bytes != NULL ? string_of(bytes) : json_null();
    free(bytes);
    return string;
}

static json_t *endpoint_object(const struct eddy_why_endpoint *endpoint)
{
    if (endpoint == NULL)
        return json_null();
    const struct eddy_why_process *process = endpoint->process;
    const struct eddy_why_member *member = endpoint->member;
    char guid[33];
    for (size_t i = 0; i < sizeof endpoint->guid; i++)
        snprintf(&guid[2 * i], 3, "%02x", endpoint->guid[i]);
    return json_pack("{s:s, s:o, s:i, s:o, s:o, s:b, s:b, s:o, s:o}", "guid", guid, "name",
                     string_of(process->name), "pid", (int)process->pid, "host",
                     string_of(process->host), "type", string_of(endpoint->type), "discovered",
                     (int)endpoint->is_discovered, "in_eddy", (int)(member != NULL), "folder",
                     string_of(member != NULL ? member->dir : process->dir), "scope",
                     string_of(member != NULL ? member->scope : NULL));
}

static json_t *reason_object(const struct eddy_why_verdict *verdict,
                             const struct eddy_why_reason *reason)
{
    static const char *const sides[] = {"pair", "writer", "reader"};
    return json_pack("{s:s, s:s, s:i, s:o, s:o}", "code", eddy_why_code_name(reason->code), "side",
                     sides[reason->side], "grade", (int)reason->grade, "why",
                     string_from(eddy_why_said(verdict, reason)), "do",
                     string_from(eddy_why_advice(verdict, reason)));
}

static json_t *reasons_array(const struct eddy_why_verdict *verdict)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < verdict->reason_count; i++) {
        if (json_array_append_new(array, reason_object(verdict, &verdict->reasons[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* Prints an object, which may be NULL, and frees it. */
static int print_object(json_t *object)
{
    /* ASCII alone, so that no name can do anything to a terminal. */
    int failed =
        object == NULL || json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0;
    json_decref(object);
    if (failed)
        return ferror(stdout) ? EDDY_ESYS : EDDY_ENOMEM;
    putchar('\n');
    return 0;
}

/* topic NULL: it is of a process that takes no part. */
static int print_verdict(const struct eddy_why_report *report, const struct eddy_why_topic *topic,
                         const struct eddy_why_verdict *verdict)
{
    json_t *name = topic != NULL ? string_of(topic->name) : json_null();
    char *ros = topic != NULL ? eddy_why_ros_name(topic->name) : NULL;
    return print_object(json_pack(
        "{s:o, s:o, s:i, s:s, s:i, s:o, s:o, s:o}", "topic", name, "ros_name", string_from(ros),
        "domain", (int)report->world->domain, "path", eddy_why_path_name(verdict->path), "grade",
        (int)verdict->grade, "writer", endpoint_object(verdict->writer), "reader",
        endpoint_object(verdict->reader), "reasons", reasons_array(verdict)));
}

int eddy_why_print_json(const struct eddy_why_report *report)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < report->world->stray_count; i++) {
        struct eddy_why_verdict verdict;
        eddy_why_judge_stray(&report->world->strays[i], &verdict);
        error = print_verdict(report, NULL, &verdict);
    }
    for (size_t i = 0; error == 0 && i < report->topic_count; i++) {
        const struct eddy_why_topic *topic = &report->topics[i];
        for (size_t k = 0; error == 0 && k < topic->verdict_count; k++)
            error = print_verdict(report, topic, &topic->verdicts[k]);
    }
    return error;
}
