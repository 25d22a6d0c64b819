/* message.c - see message.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <dds/ddsi/ddsi_serdata.h>
#include <dds/ddsi/ddsi_sertype.h>
#include <dds/ddsi/ddsi_shm_transport.h>
#include <dds/ddsi/q_radmin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* What stands before the bytes of a serialised message; the first four are what DDS calls the
 * encapsulation header: little-endian CDR. */
struct head {
    uint8_t encapsulation[4];
    uint32_t size;
    uint64_t client, sequence, number;
};

struct data {
    struct ddsi_serdata base;
    pthread_mutex_t lock; /* serialised out of the chunk by whoever needs it first */
    uint8_t *bytes;       /* serialised; NULL: still in the chunk only */
    size_t size;
};

void ros_message_resize(struct ros_message *message, size_t size)
{
    if (size > message->room || message->bytes == NULL) {
        message->bytes = realloc(message->bytes, size + 1);
        if (message->bytes == NULL)
            abort();
        message->room = (uint32_t)size;
    }
    message->size = (uint32_t)size;
}

void ros_message_free(struct ros_message *message)
{
    free(message->bytes);
    *message = (struct ros_message){0};
}

static size_t serialized_size(const struct ddsi_sertype *type, const void *sample)
{
    const struct ros_message *message = sample;
    (void)type;
    return sizeof(struct head) + message->size;
}

static bool serialize_into(const struct ddsi_sertype *type, const void *sample, void *at,
                           size_t room)
{
    const struct ros_message *message = sample;
    struct head head = {
        {0, 1, 0, 0}, message->size, message->client, message->sequence, message->number};
    (void)type, (void)room;
    memcpy(at, &head, sizeof head);
    if (message->size > 0)
        memcpy((uint8_t *)at + sizeof head, message->bytes, message->size);
    return true;
}

static bool deserialize(const uint8_t *bytes, size_t size, struct ros_message *message)
{
    struct head head;
    if (size < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    if (head.size > size - sizeof head)
        return false;
    ros_message_resize(message, head.size);
    message->client = head.client;
    message->sequence = head.sequence;
    message->number = head.number;
    memcpy(message->bytes, bytes + sizeof head, head.size);
    return true;
}

static struct data *data_new(const struct ddsi_sertype *type, enum ddsi_serdata_kind kind)
{
    struct data *data = calloc(1, sizeof *data);
    if (data == NULL)
        abort();
    ddsi_serdata_init(&data->base, type, kind);
    pthread_mutex_init(&data->lock, NULL);
    return data;
}

/* The network sends whole words, so the bytes end at one. */
static void data_resize(struct data *data, size_t size)
{
    data->bytes = calloc(1, size + 4);
    if (data->bytes == NULL)
        abort();
    data->size = (size + 3) / 4 * 4;
}

static void data_serialize(struct data *data, const void *sample)
{
    data_resize(data, serialized_size(data->base.type, sample));
    serialize_into(data->base.type, sample, data->bytes, data->size);
}

/* The serialised form, made from the chunk if nobody has needed it before. */
static const struct data *serialized(const struct ddsi_serdata *base)
{
    struct data *data = (struct data *)(uintptr_t)base;
    pthread_mutex_lock(&data->lock);
    if (data->bytes == NULL && base->iox_chunk != NULL) {
        const struct iceoryx_header *header = iceoryx_header_from_chunk(base->iox_chunk);
        if (header->shm_data_state == IOX_CHUNK_CONTAINS_SERIALIZED_DATA) {
            data_resize(data, header->data_size);
            memcpy(data->bytes, base->iox_chunk, header->data_size);
        } else {
            data_serialize(data, base->iox_chunk);
        }
    }
    pthread_mutex_unlock(&data->lock);
    return data;
}

static bool data_same_key(const struct ddsi_serdata *a, const struct ddsi_serdata *b)
{
    (void)a, (void)b;
    return true; /* ROS 2 has no keys */
}

static uint32_t data_size(const struct ddsi_serdata *base)
{
    return (uint32_t)serialized(base)->size;
}

static struct ddsi_serdata *data_from_network(const struct ddsi_sertype *type,
                                              enum ddsi_serdata_kind kind,
                                              const struct nn_rdata *fragment, size_t size)
{
    struct data *data = data_new(type, kind);
    uint32_t have = 0;
    data_resize(data, size);
    for (; fragment != NULL; fragment = fragment->nextfrag) {
        if (fragment->maxp1 <= have)
            continue; /* all of it has come before */
        const unsigned char *payload =
            NN_RMSG_PAYLOADOFF(fragment->rmsg, NN_RDATA_PAYLOAD_OFF(fragment));
        memcpy(data->bytes + have, payload + (have - fragment->min), fragment->maxp1 - have);
        have = fragment->maxp1;
    }
    return &data->base;
}

static struct ddsi_serdata *data_from_parts(const struct ddsi_sertype *type,
                                            enum ddsi_serdata_kind kind, ddsrt_msg_iovlen_t count,
                                            const ddsrt_iovec_t *parts, size_t size)
{
    struct data *data = data_new(type, kind);
    size_t have = 0;
    data_resize(data, size);
    for (size_t i = 0; i < (size_t)count; i++) {
        memcpy(data->bytes + have, parts[i].iov_base, parts[i].iov_len);
        have += parts[i].iov_len;
    }
    return &data->base;
}

static struct ddsi_serdata *data_from_keyhash(const struct ddsi_sertype *type,
                                              const struct ddsi_keyhash *keyhash)
{
    (void)keyhash;
    return &data_new(type, SDK_KEY)->base;
}

static struct ddsi_serdata *data_from_sample(const struct ddsi_sertype *type,
                                             enum ddsi_serdata_kind kind, const void *sample)
{
    struct data *data = data_new(type, kind);
    if (kind == SDK_DATA)
        data_serialize(data, sample);
    return &data->base;
}

/* The chunk is kept as it is: neither its header nor a byte of it is looked at yet. */
static struct ddsi_serdata *data_from_chunk(const struct ddsi_sertype *type,
                                            enum ddsi_serdata_kind kind, void *subscriber,
                                            void *chunk)
{
    struct data *data = data_new(type, kind);
    data->base.iox_chunk = chunk;
    data->base.iox_subscriber = subscriber;
    return &data->base;
}

static void data_copy(const struct ddsi_serdata *base, size_t offset, size_t size, void *to)
{
    memcpy(to, serialized(base)->bytes + offset, size);
}

static struct ddsi_serdata *data_lend(const struct ddsi_serdata *base, size_t offset, size_t size,
                                      ddsrt_iovec_t *part)
{
    part->iov_base = serialized(base)->bytes + offset;
    part->iov_len = (ddsrt_iov_len_t)size;
    return ddsi_serdata_ref(base);
}

static void data_lent(struct ddsi_serdata *base, const ddsrt_iovec_t *part)
{
    (void)part;
    ddsi_serdata_unref(base);
}

static bool data_to_sample(const struct ddsi_serdata *base, void *sample, void **at, void *end)
{
    (void)at, (void)end;
    if (base->kind != SDK_DATA)
        return true;
    const struct data *data = serialized(base);
    return deserialize(data->bytes, data->size, sample);
}

static struct ddsi_serdata *data_untyped(const struct ddsi_serdata *base)
{
    struct data *data = data_new(base->type, SDK_KEY);
    data->base.type = NULL;
    return &data->base;
}

static bool data_untyped_to_sample(const struct ddsi_sertype *type, const struct ddsi_serdata *base,
                                   void *sample, void **at, void *end)
{
    (void)type, (void)base, (void)sample, (void)at, (void)end;
    return true;
}

static void data_free(struct ddsi_serdata *base)
{
    struct data *data = (struct data *)base;
    if (base->iox_chunk != NULL && base->iox_subscriber != NULL)
        free_iox_chunk(base->iox_subscriber, &base->iox_chunk);
    pthread_mutex_destroy(&data->lock);
    free(data->bytes);
    free(data);
}

static size_t data_print(const struct ddsi_sertype *type, const struct ddsi_serdata *base,
                         char *buffer, size_t room)
{
    (void)type, (void)base;
    return (size_t)snprintf(buffer, room, "message");
}

static void data_keyhash(const struct ddsi_serdata *base, struct ddsi_keyhash *hash, bool md5)
{
    (void)base, (void)md5;
    memset(hash, 0, sizeof *hash);
}

static const struct ddsi_serdata_ops data_ops = {
    .eqkey = data_same_key,
    .get_size = data_size,
    .from_ser = data_from_network,
    .from_ser_iov = data_from_parts,
    .from_keyhash = data_from_keyhash,
    .from_sample = data_from_sample,
    .to_ser = data_copy,
    .to_ser_ref = data_lend,
    .to_ser_unref = data_lent,
    .to_sample = data_to_sample,
    .to_untyped = data_untyped,
    .untyped_to_sample = data_untyped_to_sample,
    .free = data_free,
    .print = data_print,
    .get_keyhash = data_keyhash,
    .get_sample_size = ddsi_serdata_iox_size,
    .from_iox_buffer = data_from_chunk,
};

static void type_free(struct ddsi_sertype *type)
{
    ddsi_sertype_fini(type);
    free(type);
}

static void type_zero(const struct ddsi_sertype *type, void *samples, size_t count)
{
    (void)type;
    memset(samples, 0, count * sizeof(struct ros_message));
}

/* Only for samples that DDS would allocate; a node always brings its own. */
static void type_realloc(void **samples, const struct ddsi_sertype *type, void *old,
                         size_t old_count, size_t count)
{
    (void)samples, (void)type, (void)old, (void)old_count, (void)count;
    abort();
}

static void type_free_samples(const struct ddsi_sertype *type, void **samples, size_t count,
                              dds_free_op_t what)
{
    (void)type, (void)samples, (void)count, (void)what;
}

static bool type_equal(const struct ddsi_sertype *a, const struct ddsi_sertype *b)
{
    return a->fixed_size == b->fixed_size;
}

static uint32_t type_hash(const struct ddsi_sertype *type)
{
    return type->fixed_size;
}

static const struct ddsi_sertype_ops type_ops = {
    .version = ddsi_sertype_v0,
    .free = type_free,
    .zero_samples = type_zero,
    .realloc_samples = type_realloc,
    .free_samples = type_free_samples,
    .equal = type_equal,
    .hash = type_hash,
    .get_serialized_size = serialized_size,
    .serialize_into = serialize_into,
};

dds_entity_t ros_message_topic(dds_entity_t participant, const char *name, const char *type_name,
                               bool is_fixed)
{
    struct ddsi_sertype *type = calloc(1, sizeof *type);
    if (type == NULL)
        abort();
    uint32_t flags = DDSI_SERTYPE_FLAG_TOPICKIND_NO_KEY;
    if (is_fixed)
        flags |= DDSI_SERTYPE_FLAG_FIXED_SIZE;
    ddsi_sertype_init_flags(type, type_name, &type_ops, &data_ops, flags);
    type->allowed_data_representation = DDS_DATA_REPRESENTATION_FLAG_XCDR1;
    type->iox_size = sizeof(struct ros_message);
    dds_entity_t topic = dds_create_topic_sertype(participant, name, &type, NULL, NULL, NULL);
    if (topic < 0)
        ddsi_sertype_unref(type);
    return topic;
}
