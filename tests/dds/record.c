/* record.c - see record.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STAMP_DIGITS = 1000000, LOOKS = 96, ROOM = 64 };

/* Samples in a row that look alike. */
struct run {
    uint32_t first, last; /* 0: samples without data */
    uint32_t count;
    char looks[LOOKS];
};

struct line {
    uint32_t writer;
    int32_t key;
    struct run *runs;
    size_t count;
};

/* What a handle stands for. */
struct name {
    dds_instance_handle_t handle;
    int64_t value;
};

struct names {
    struct name *list;
    size_t count;
};

struct node_record {
    const struct node_type *type;
    struct line *lines;
    size_t line_count;
    struct names writers, instances;
};

/* The list with room for one entry more. */
static void *one_more(void *list, size_t count, size_t size)
{
    if (count % ROOM != 0)
        return list;
    void *longer = realloc(list, (count + ROOM) * size);
    if (longer == NULL)
        abort();
    return longer;
}

struct node_record *node_record_create(const struct node_type *type)
{
    struct node_record *record = calloc(1, sizeof *record);
    if (record == NULL)
        abort();
    record->type = type;
    return record;
}

void node_record_destroy(struct node_record *record)
{
    if (record == NULL)
        return;
    for (size_t i = 0; i < record->line_count; i++)
        free(record->lines[i].runs);
    free(record->lines);
    free(record->writers.list);
    free(record->instances.list);
    free(record);
}

dds_time_t node_record_stamp(dds_time_t time, uint32_t number)
{
    return time - time % STAMP_DIGITS + number % STAMP_DIGITS;
}

static void name_add(struct names *names, dds_instance_handle_t handle, int64_t value)
{
    names->list = one_more(names->list, names->count, sizeof *names->list);
    names->list[names->count++] = (struct name){.handle = handle, .value = value};
}

static const struct name *name_of_handle(const struct names *names, dds_instance_handle_t handle)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i].handle == handle)
            return &names->list[i];
    return NULL;
}

/* False: the handle has stood for another value, or the value had another handle. */
static bool name_agrees(struct names *names, dds_instance_handle_t handle, int64_t value)
{
    const struct name *known = name_of_handle(names, handle);
    bool agrees = known == NULL || known->value == value;
    if (known != NULL)
        return agrees;
    for (size_t i = 0; i < names->count; i++)
        agrees = agrees && names->list[i].value != value;
    name_add(names, handle, value);
    return agrees;
}

static struct line *line_of(struct node_record *record, uint32_t writer, int32_t key)
{
    for (size_t i = 0; i < record->line_count; i++)
        if (record->lines[i].writer == writer && record->lines[i].key == key)
            return &record->lines[i];
    record->lines = one_more(record->lines, record->line_count, sizeof *record->lines);
    struct line *line = &record->lines[record->line_count++];
    *line = (struct line){.writer = writer, .key = key};
    return line;
}

static void line_add(struct line *line, uint32_t number, const char *looks)
{
    struct run *last = line->count > 0 ? &line->runs[line->count - 1] : NULL;
    bool follows = last != NULL && strcmp(last->looks, looks) == 0 &&
                   (number == 0 ? last->last == 0 : last->last != 0 && number == last->last + 1);
    if (!follows) {
        line->runs = one_more(line->runs, line->count, sizeof *line->runs);
        last = &line->runs[line->count++];
        *last = (struct run){.first = number};
        snprintf(last->looks, sizeof last->looks, "%s", looks);
    }
    last->last = number;
    last->count++;
}

static void states_of(const dds_sample_info_t *info, char *text, size_t size)
{
    char instance = info->instance_state == DDS_IST_ALIVE                ? 'A'
                    : info->instance_state == DDS_IST_NOT_ALIVE_DISPOSED ? 'D'
                                                                         : 'W';
    snprintf(text, size, "%c%c%c%" PRIu32 ".%" PRIu32,
             info->sample_state == DDS_SST_READ ? 'r' : 'u',
             info->view_state == DDS_VST_NEW ? 'n' : 'o', instance, info->disposed_generation_count,
             info->no_writers_generation_count);
}

static void add_without_data(struct node_record *record, const struct node_tag *tag,
                             const dds_sample_info_t *info, char *looks)
{
    const struct name *writer = name_of_handle(&record->writers, info->publication_handle);
    const struct name *instance = name_of_handle(&record->instances, info->instance_handle);
    int32_t key = instance != NULL ? (int32_t)instance->value : tag->key;
    size_t used = strlen(looks);
    if (instance != NULL && instance->value != tag->key)
        snprintf(looks + used, LOOKS - used, "!key");
    line_add(line_of(record, writer != NULL ? (uint32_t)writer->value : 0, key), 0, looks);
}

void node_record_add(struct node_record *record, const void *sample, const dds_sample_info_t *info,
                     bool plain)
{
    struct node_tag tag = {0};
    char looks[LOOKS] = "";
    bool whole = record->type->check(sample, &tag);
    if (!plain)
        states_of(info, looks, sizeof looks);
    if (!info->valid_data) {
        add_without_data(record, &tag, info, looks);
        return;
    }
    bool time = info->source_timestamp % STAMP_DIGITS == tag.number % STAMP_DIGITS;
    bool writer = name_agrees(&record->writers, info->publication_handle, tag.writer);
    bool instance = name_agrees(&record->instances, info->instance_handle, tag.key);
    size_t used = strlen(looks);
    snprintf(looks + used, sizeof looks - used, "%s%s%s%s", whole ? "" : "!content",
             time ? "" : "!time", writer ? "" : "!writer", instance ? "" : "!instance");
    line_add(line_of(record, tag.writer, tag.key), tag.number, looks);
}

static int line_order(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    if (a->writer != b->writer)
        return a->writer < b->writer ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

static void run_print(const struct run *run, char before, FILE *out)
{
    fputc(before, out);
    if (run->first == 0 && run->count == 1)
        fputs("*", out);
    else if (run->first == 0)
        fprintf(out, "*x%" PRIu32, run->count);
    else if (run->first == run->last)
        fprintf(out, "%" PRIu32, run->first);
    else
        fprintf(out, "%" PRIu32 "-%" PRIu32, run->first, run->last);
    if (run->looks[0] != '\0')
        fprintf(out, ":%s", run->looks);
}

/* What a line says of its samples; whoever asks frees it. */
static char *line_text(const struct line *line)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    for (size_t i = 0; i < line->count; i++)
        run_print(&line->runs[i], i == 0 ? '=' : ',', out);
    fclose(out);
    return text;
}

/* Prints the lines from `first` on that differ in their key alone; the one after them. */
static size_t lines_print(const struct node_record *record, size_t first, FILE *out)
{
    const struct line *lines = record->lines;
    char *text = line_text(&lines[first]);
    bool same = true;
    size_t next = first + 1;
    while (same && next < record->line_count && lines[next].writer == lines[first].writer &&
           lines[next].key == lines[next - 1].key + 1) {
        char *other = line_text(&lines[next]);
        same = strcmp(text, other) == 0;
        free(other);
        next += same;
    }
    fprintf(out, " w%" PRIu32 ".k%" PRId32, lines[first].writer, lines[first].key);
    if (next > first + 1)
        fprintf(out, "-%" PRId32, lines[next - 1].key);
    fputs(text, out);
    free(text);
    return next;
}

void node_record_print(struct node_record *record, FILE *out)
{
    if (record->line_count > 0)
        qsort(record->lines, record->line_count, sizeof *record->lines, line_order);
    for (size_t i = 0; i < record->line_count;)
        i = lines_print(record, i, out);
}
