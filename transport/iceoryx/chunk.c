/* SPDX-License-Identifier: Apache-2.0 */
#include "chunk.h"

#include "guards.h"
#include "holding.h"
#include "runtime.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define CHUNK_MAGIC 0x7843644Bu

_Static_assert(sizeof(struct eddy_chunk_header) == 8, "user headers must stay aligned to 8");

static size_t rounded(uint32_t header_size)
{
    return ((size_t)header_size + 7) & ~(size_t)7;
}

static bool is_power_of_two(uint32_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

bool eddy_chunk_plan(uint32_t size, uint32_t alignment, uint32_t header_size,
                     uint32_t header_alignment, struct eddy_loan_options *plan)
{
    uint32_t wanted = alignment == 0 ? 1 : alignment;
    uint32_t header_wanted = header_alignment == 0 ? 1 : header_alignment;
    if (!is_power_of_two(wanted) || !is_power_of_two(header_wanted) || header_wanted > 8 ||
        header_size % header_wanted != 0) {
        return false;
    }
    *plan = (struct eddy_loan_options){
        .size = size,
        .alignment = wanted < 8 ? 8 : wanted,
        .header_size = rounded(header_size) + sizeof(struct eddy_chunk_header),
        .header_alignment = 8,
    };
    return true;
}

static struct eddy_chunk_header *chunk_of(const void *payload)
{
    return (struct eddy_chunk_header *)((uintptr_t)payload - sizeof(struct eddy_chunk_header));
}

void eddy_chunk_start(const struct eddy_loan *loan, uint32_t user_header_size)
{
    *chunk_of(loan->data) = (struct eddy_chunk_header){CHUNK_MAGIC, user_header_size};
}

/* The user header of Cyclone DDS 0.10. */
struct cyclone_header {
    uint8_t guid[16];
    int64_t written;
    uint32_t status;
    uint32_t data_size;
    uint8_t data_kind;
    uint8_t key[16];
    uint32_t data_state;
};
_Static_assert(sizeof(struct cyclone_header) == EDDY_CHUNK_CYCLONE_HEADER &&
                   offsetof(struct cyclone_header, written) == 16 &&
                   offsetof(struct cyclone_header, status) == 24 &&
                   offsetof(struct cyclone_header, key) == 33,
               "as Cyclone DDS 0.10 has it");

/* A copy, byte by byte: what is looked at of it may not change in between. */
static struct cyclone_header copy_header(const void *payload)
{
    struct cyclone_header header = {0};
    const volatile unsigned char *from =
        (const unsigned char *)chunk_of(payload) - EDDY_CHUNK_CYCLONE_HEADER;
    for (size_t i = 0; i < sizeof header; i++) {
        ((unsigned char *)&header)[i] = from[i];
    }
    return header;
}

static struct eddy_chunk_origin origin_of(const struct cyclone_header *header)
{
    struct eddy_chunk_origin origin = {.written = header->written, .status = header->status};
    memcpy(origin.guid, header->guid, sizeof origin.guid);
    memcpy(origin.key, header->key, sizeof origin.key);
    return origin;
}

void eddy_chunk_origin(const void *payload, struct eddy_chunk_origin *origin)
{
    struct cyclone_header header = copy_header(payload);
    *origin = origin_of(&header);
}

/* Cyclone reads as many bytes as its header says. */
static bool is_cyclones(const struct eddy_chunk_header *chunk, const struct eddy_sample *sample,
                        struct eddy_chunk_origin *origin)
{
    if (chunk->user_header_size != EDDY_CHUNK_CYCLONE_HEADER ||
        sample->header_size != EDDY_CHUNK_CYCLONE_ROOM) {
        return false;
    }
    struct cyclone_header header = copy_header(sample->data);
    *origin = origin_of(&header);
    return header.data_size <= sample->size;
}

/* Its writer may change it while we look: each word is read once. */
static struct eddy_chunk_header read_header(const void *payload)
{
    const volatile struct eddy_chunk_header *chunk = chunk_of(payload);
    return (struct eddy_chunk_header){chunk->magic, chunk->user_header_size};
}

bool eddy_chunk_valid(const struct eddy_sample *sample, struct eddy_chunk_origin *origin)
{
    if (sample->header == NULL || sample->header_size < sizeof(struct eddy_chunk_header) ||
        (uintptr_t)sample->header + sample->header_size != (uintptr_t)sample->data) {
        return false;
    }
    struct eddy_chunk_header chunk = read_header(sample->data);
    if (chunk.magic != CHUNK_MAGIC ||
        rounded(chunk.user_header_size) + sizeof chunk != sample->header_size) {
        return false;
    }
    return !eddy_runtime_is_cyclone() || is_cyclones(&chunk, sample, origin);
}

/* --- user headers of chunks that are out ------------------------------------------------------ */

static pthread_mutex_t *const lock = &eddy_guards[EDDY_GUARD_CHUNKS];
static struct eddy_holding out; /* each as often as it is out: several subscribers may have one */
static atomic_size_t out_count;

/* What is not remembered has the usual header: none, or Cyclone's. */
static bool is_usual(size_t room)
{
    return eddy_runtime_is_cyclone() ? room == EDDY_CHUNK_CYCLONE_ROOM
                                     : room <= sizeof(struct eddy_chunk_header);
}

int eddy_chunk_hold(const void *payload, const void *header, size_t room)
{
    if (is_usual(room)) {
        return EDDY_OK;
    }
    bool any = room > sizeof(struct eddy_chunk_header);
    struct eddy_held held = {.sample = {.data = payload, .header = any ? header : NULL}};
    pthread_mutex_lock(lock);
    int error = eddy_holding_add(&out, &held);
    atomic_store(&out_count, out.count);
    pthread_mutex_unlock(lock);
    return error;
}

void eddy_chunk_let_go(const void *payload)
{
    struct eddy_held held;
    if (atomic_load(&out_count) == 0) {
        return;
    }
    pthread_mutex_lock(lock);
    (void)eddy_holding_remove(&out, payload, &held);
    atomic_store(&out_count, out.count);
    pthread_mutex_unlock(lock);
}

/* False: it is not remembered. */
static bool remembers(const void *payload, void **header)
{
    if (atomic_load(&out_count) == 0) {
        return false;
    }
    pthread_mutex_lock(lock);
    const struct eddy_held *held = eddy_holding_find(&out, payload);
    if (held != NULL) {
        *header = (void *)(uintptr_t)held->sample.header;
    }
    pthread_mutex_unlock(lock);
    return held != NULL;
}

/* Cyclone DDS 0.10 stores into the user header of a loan that failed.  This thread's scratch header
 * turns that into the error that Cyclone reports next. */
static void *scratch_header(void)
{
    static _Thread_local _Alignas(8) unsigned char scratch[64];
    return scratch;
}

static void *user_header(const struct eddy_chunk_header *chunk)
{
    void *header = NULL;
    if (remembers(chunk + 1, &header) || !eddy_runtime_is_cyclone()) {
        return header;
    }
    return (void *)((uintptr_t)chunk - EDDY_CHUNK_CYCLONE_HEADER);
}

iox_chunk_header_t *iox_chunk_header_from_user_payload(void *const userPayload)
{
    return userPayload == NULL ? NULL : (iox_chunk_header_t *)(void *)chunk_of(userPayload);
}

const iox_chunk_header_t *iox_chunk_header_from_user_payload_const(const void *const userPayload)
{
    return userPayload == NULL ? NULL : (const iox_chunk_header_t *)(void *)chunk_of(userPayload);
}

void *iox_chunk_header_to_user_header(iox_chunk_header_t *const chunkHeader)
{
    return chunkHeader == NULL ? scratch_header() : user_header((const void *)chunkHeader);
}

const void *iox_chunk_header_to_user_header_const(const iox_chunk_header_t *const chunkHeader)
{
    return chunkHeader == NULL ? NULL : user_header((const void *)chunkHeader);
}

void *iox_chunk_header_to_user_payload(iox_chunk_header_t *const chunkHeader)
{
    return chunkHeader == NULL ? NULL : (char *)chunkHeader + sizeof(struct eddy_chunk_header);
}

const void *iox_chunk_header_to_user_payload_const(const iox_chunk_header_t *const chunkHeader)
{
    return chunkHeader == NULL ? NULL
                               : (const char *)chunkHeader + sizeof(struct eddy_chunk_header);
}
