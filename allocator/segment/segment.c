/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/segment.h"

#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/segment/ladder.h"
#include "allocator/segment/logs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

int eddy_nonce_make(uint8_t nonce[16], char id[EDDY_NONCE_TEXT])
{
    if (getrandom(nonce, 16, 0) != 16)
        return eddy_fail_errno("cannot get 16 random bytes");
    for (int i = 0; i < 16; i++)
        snprintf(id + 2 * i, 3, "%02x", nonce[i]);
    return EDDY_OK;
}

bool eddy_nonce_is(const uint8_t nonce[16], const char *id)
{
    char text[EDDY_NONCE_TEXT];
    for (int i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", nonce[i]);
    return strncmp(text, id, 32) == 0;
}

void eddy_segment_control_file(const char *id, char name[48])
{
    snprintf(name, 48, "%.32s.seg", id);
}

static const struct eddy_feature features[] = {
    {EDDY_INCOMPATIBLE, EDDY_TOPIC_FOREIGN_MEMORY, "foreign memory"}, {0}};

const struct eddy_format eddy_topic_format = {
    .what = "a segment",
    .magic = EDDY_MAGIC_CONTROL,
    .layout = EDDY_TOPIC_LAYOUT,
    .known = {EDDY_TRIAL_INCOMPATIBLE, EDDY_TRIAL_LOOK_ONLY, EDDY_TRIAL_COMPATIBLE},
    .used = {EDDY_TRIAL_INCOMPATIBLE, EDDY_TRIAL_LOOK_ONLY, EDDY_TRIAL_COMPATIBLE},
    .names = features};

/* --- creating -------------------------------------------------------------------------------- */

static void fill_names(uint8_t *at, const struct eddy_segment_options *o, struct eddy_control *c)
{
    memcpy(at, o->name, c->name_length);
    memcpy(at + c->name_length, o->type, c->type_length);
    memcpy(at + c->name_length + c->type_length, o->scope, c->scope_length);
}

static void fill_control(struct eddy_control *c, const struct eddy_segment_options *o,
                         const uint8_t *nonce)
{
    eddy_format_fill(&eddy_topic_format, &c->head);
    eddy_store_relaxed(&c->limit_bytes, o->limit_bytes); /* nobody else sees it yet */
    c->log_length = o->log_length;
    c->name_length = (uint32_t)strlen(o->name);
    c->type_length = (uint32_t)strlen(o->type);
    c->scope_length = (uint32_t)strlen(o->scope);
    uint32_t names = c->name_length + c->type_length + c->scope_length;
    c->names_bytes = (names + EDDY_CONTROL_BYTES - 1) / EDDY_CONTROL_BYTES * EDDY_CONTROL_BYTES;
    c->control_bytes = eddy_control_total(c->names_bytes, c->log_length);
    c->flags = o->flags;
    c->creator = o->creator;
    memcpy(c->nonce, nonce, sizeof c->nonce);
    memcpy(c->type_hash, o->type_hash, sizeof c->type_hash);
    /* Lap 0 is what a zeroed log holds, so numbers begin with lap 1, of the longest log. */
    c->first_sn = EDDY_LOG_MAX;
    eddy_store_relaxed(&c->log_shift, (uint32_t)__builtin_ctz(c->log_length));
    eddy_store_relaxed(&c->next_sn, c->first_sn); /* nobody else sees it before it is linked */
    eddy_store_relaxed(&c->min_cursor, c->first_sn);
    eddy_store_relaxed(&c->untaken, c->first_sn);
    eddy_store_relaxed(&c->untaken_deep, c->first_sn);
    eddy_store_relaxed(&c->gate, c->first_sn);
}

/* Seats that come into being together, of each kind: a line each, and so are whole pages. */
#define CHUNK_BYTES ((uint64_t)EDDY_SEAT_CHUNK * EDDY_LINE)
_Static_assert(sizeof(struct eddy_reader_seat) == EDDY_LINE &&
                   sizeof(struct eddy_reader_rest) == EDDY_LINE &&
                   sizeof(struct eddy_writer_seat) == EDDY_LINE,
               "seats are reserved by the line");

/* Memory for a chunk of readers' or of writers' seats. */
static int reserve_chunk(int fd, uint32_t names_bytes, bool writer, uint32_t chunk)
{
    static const char what[] = "more readers or writers";
    uint64_t at = chunk * CHUNK_BYTES;
    if (writer)
        return eddy_file_reserve(fd, eddy_writers_offset(names_bytes) + at, CHUNK_BYTES, what);
    int error = eddy_file_reserve(fd, eddy_readers_offset(names_bytes) + at, CHUNK_BYTES, what);
    return error ? error
                 : eddy_file_reserve(fd, eddy_reader_rests_offset(names_bytes) + at, CHUNK_BYTES,
                                     what);
}

/* Makes the file as long as it is to be, with memory for what there is from the beginning. */
static int size_control(int fd, const struct eddy_control *plan)
{
    uint32_t names = plan->names_bytes;
    int error = ftruncate(fd, (off_t)plan->control_bytes) == 0
                    ? EDDY_OK
                    : eddy_fail_errno("cannot size a segment");
    if (!error)
        error = eddy_file_reserve(fd, 0, eddy_readers_offset(names), "a topic");
    if (!error)
        error = reserve_chunk(fd, names, false, 0);
    if (!error)
        error = reserve_chunk(fd, names, true, 0);
    if (!error)
        error = eddy_file_reserve(fd, eddy_log_offset(names), plan->log_length * 8ull, "a topic");
    return error;
}

static int write_control(int fd, const struct eddy_segment_options *o, const uint8_t *nonce)
{
    struct eddy_control *plan = calloc(1, EDDY_CONTROL_BYTES);
    if (!plan)
        return eddy_fail(EDDY_ENOMEM, "no memory for a segment header");
    fill_control(plan, o, nonce);
    uint64_t head = eddy_readers_offset(plan->names_bytes);
    void *at = NULL;
    int error = size_control(fd, plan);
    if (!error)
        error = eddy_file_map(fd, 0, head, true, &at);
    if (!error) {
        memcpy(at, plan, EDDY_CONTROL_BYTES);
        fill_names((uint8_t *)at + EDDY_CONTROL_BYTES, o, at);
        /* Relaxed: nobody can look before the link. */
        eddy_store_relaxed(&((struct eddy_control *)at)->head.magic, EDDY_MAGIC_CONTROL);
        munmap(at, head);
    }
    free(plan);
    return error;
}

int eddy_segment_create(int dir, const struct eddy_segment_options *options,
                        struct eddy_segment **segment)
{
    uint8_t nonce[16];
    char id[EDDY_NONCE_TEXT], name[48];
    struct eddy_file file;
    int error = eddy_nonce_make(nonce, id);
    if (error)
        return error;
    error = eddy_file_create(dir, 0, &file);
    if (error)
        return error;
    eddy_segment_control_file(id, name);
    error = write_control(file.fd, options, nonce);
    if (!error)
        error = eddy_file_link(&file, name);
    eddy_file_drop(&file);
    if (error)
        return error;
    EDDY_POINT("create:segment-linked");
    error = eddy_segment_attach(dir, id, EDDY_USE_SHARE, segment);
    if (error)
        eddy_segment_remove(dir, id, 0);
    return error;
}

/* --- attaching: the ladder ------------------------------------------------------------------- */

static const char *copy_geometry(const char *file, const void *header, uint64_t file_bytes,
                                 void *segment)
{
    const struct eddy_control *c = header;
    struct eddy_segment *s = segment;
    s->control_bytes = c->control_bytes;
    s->first_sn = c->first_sn;
    s->log_length = c->log_length;
    s->names_bytes = c->names_bytes;
    s->name_length = c->name_length;
    s->type_length = c->type_length;
    s->scope_length = c->scope_length;
    s->flags = c->flags;
    memcpy(s->nonce, c->nonce, sizeof s->nonce);
    memcpy(s->type_hash, c->type_hash, sizeof s->type_hash);
    const char *wrong = NULL;
    if (s->log_length < EDDY_LOG_MIN || s->log_length > EDDY_LOG_MAX ||
        (s->log_length & (s->log_length - 1)))
        wrong = "log length";
    else if (s->names_bytes % EDDY_CONTROL_BYTES || s->names_bytes > 16 * EDDY_CONTROL_BYTES)
        wrong = "room for names";
    else if ((uint64_t)s->name_length + s->type_length + s->scope_length > s->names_bytes ||
             !s->name_length)
        wrong = "name lengths";
    else if (s->control_bytes != eddy_control_total(s->names_bytes, s->log_length))
        wrong = "control size";
    else if (s->control_bytes > file_bytes)
        wrong = "file size";
    else if (s->first_sn < EDDY_LOG_MAX)
        wrong = "first sequence number";
    else if (!eddy_nonce_is(s->nonce, file))
        wrong = "nonce";
    return wrong;
}

static void place_parts(struct eddy_segment *s, struct eddy_control *c)
{
    uint8_t *base = (uint8_t *)c;
    s->control = c;
    s->readers = (void *)(base + eddy_readers_offset(s->names_bytes));
    s->writers = (void *)(base + eddy_writers_offset(s->names_bytes));
    s->reader_rests = (void *)(base + eddy_reader_rests_offset(s->names_bytes));
    eddy_logs_begin(s, (void *)(base + eddy_log_offset(s->names_bytes)));
}

static const struct eddy_ladder ladder = {
    .format = &eddy_topic_format, .header_bytes = EDDY_CONTROL_BYTES, .copy = copy_geometry};

static int map_control(int fd, const char *file, uint64_t file_bytes, enum eddy_use use,
                       struct eddy_segment *s)
{
    void *all;
    int error = eddy_ladder_climb(&ladder, use, fd, file, file_bytes, s);
    if (!error)
        error = eddy_file_map(fd, 0, s->control_bytes, use == EDDY_USE_SHARE, &all);
    if (!error)
        place_parts(s, all);
    return error;
}

int eddy_segment_attach(int dir, const char *id, enum eddy_use use, struct eddy_segment **segment)
{
    char file[48];
    int fd;
    struct stat status;
    eddy_segment_control_file(id, file);
    struct eddy_segment *s = calloc(1, sizeof *s);
    if (!s)
        return eddy_fail(EDDY_ENOMEM, "no memory to attach a segment");
    int error = eddy_file_open(dir, file, use == EDDY_USE_SHARE, &fd, &status);
    if (!error) {
        error = map_control(fd, file, (uint64_t)status.st_size, use, s);
        close(fd);
    }
    if (error) {
        free(s);
        return error;
    }
    snprintf(s->id, sizeof s->id, "%.32s", id);
    s->dir = dir;
    pthread_mutex_init(&s->lock, NULL);
    *segment = s;
    return EDDY_OK;
}

const char *eddy_segment_name(const struct eddy_segment *s)
{
    return (const char *)s->control + EDDY_CONTROL_BYTES;
}

const char *eddy_segment_type(const struct eddy_segment *s)
{
    return eddy_segment_name(s) + s->name_length;
}

const char *eddy_segment_scope(const struct eddy_segment *s)
{
    return eddy_segment_type(s) + s->type_length;
}

int eddy_segment_reserve_seat(struct eddy_segment *s, bool writer, uint32_t seat)
{
    if (seat < EDDY_SEAT_CHUNK)
        return EDDY_OK; /* came with the segment */
    char file[48];
    int fd;
    struct stat status;
    eddy_segment_control_file(s->id, file);
    int error = eddy_file_open(eddy_segment_dir(s), file, true, &fd, &status);
    if (error)
        return error;
    error = reserve_chunk(fd, s->names_bytes, writer, seat / EDDY_SEAT_CHUNK);
    close(fd);
    return error;
}
