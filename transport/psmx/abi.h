/* abi.h - what a PSMX plug-in and Cyclone DDS 11 have in common.  (internal)
 *
 * Facts of the binary interface (version 1), so that the plug-in builds without Cyclone DDS 11:
 * sizes, offsets, numbers, and the signatures of what is called.  Where its headers are found,
 * abi_check.c compares the two.  Names are ours.
 *
 * Life, in the order of calls:
 *
 *   eddy_create_psmx -> get_node_id -> create_topic -> create_endpoint -> on_data_available (reader)
 *     writer: request_loan -> write -> free, or request_loan -> free
 *     reader: our thread calls dds_reader_store_loaned_sample; Cyclone DDS frees when it is done
 *   -> delete_endpoint -> delete_topic -> delete_psmx
 *
 * Threads: request_loan and write of one writer are serialised by Cyclone DDS; free comes from any
 *          thread, also after delete_endpoint, and must not block.
 *                                                     spec/psmx.md, "The interface"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_ABI_H
#define EDDY_PSMX_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Results of DDS (dds_return_t). */
enum psmx_result {
    PSMX_OK = 0,
    PSMX_ERROR = -1,
    PSMX_BAD_PARAMETER = -3,
    PSMX_OUT_OF_RESOURCES = -5,
    PSMX_ALREADY_DELETED = -9,
    PSMX_TIMEOUT = -10,
    PSMX_NO_DATA = -11,
    PSMX_ILLEGAL_OPERATION = -12,
    PSMX_NOT_FOUND = -60 /* Cyclone DDS: base of its own numbers, -50, minus 10 */
};

#define PSMX_FOREVER INT64_MAX /* of a duration in QoS */

/* --- samples ---------------------------------------------------------------------------------- */

enum psmx_state {
    PSMX_STATE_NONE = 0,
    PSMX_STATE_RAW_KEY = 1,
    PSMX_STATE_RAW_DATA = 2,
    PSMX_STATE_SERIALIZED_KEY = 3,
    PSMX_STATE_SERIALIZED_DATA = 4
};

#define PSMX_STATUS_DISPOSE    1u /* in statusinfo */
#define PSMX_STATUS_UNREGISTER 2u

struct psmx_guid {
    uint8_t v[16]; /* in the order of the network */
};

struct psmx_metadata {
    uint32_t state; /* enum psmx_state */
    uint32_t data_type;
    uint32_t instance_id;
    uint32_t size;
    struct psmx_guid writer;
    int64_t timestamp;
    uint32_t statusinfo;
    uint16_t cdr_identifier;
    uint16_t cdr_options;
};

struct psmx_endpoint;
struct psmx_loan;

#define PSMX_ORIGIN_PSMX 1u

struct psmx_loan {
    void (*free)(struct psmx_loan *loan);
    uint32_t origin;
    struct psmx_endpoint *endpoint;
    struct psmx_metadata *metadata;
    void *data;
    _Atomic uint32_t references;
};

/* --- types and QoS ---------------------------------------------------------------------------- */

typedef uint64_t psmx_properties;
#define PSMX_TYPE_EVOLVES         ((UINT64_C(1) << 10) | (UINT64_C(1) << 15) | (UINT64_C(1) << 16))
#define PSMX_TYPE_HAS_KEY         (UINT64_C(1) << 12)
#define PSMX_TYPE_IS_PLAIN        (UINT64_C(1) << 63) /* safe to copy by memcpy: goes as it is in memory */
#define PSMX_VOLATILE             0
#define PSMX_TRANSIENT_LOCAL      1
#define PSMX_RELIABLE             1
#define PSMX_KEEP_ALL             1
#define PSMX_LIVELINESS_AUTOMATIC 0

struct psmx_qos;  /* opaque */
struct psmx_type; /* opaque */

enum psmx_role { PSMX_TOPIC = 0, PSMX_READER = 1, PSMX_WRITER = 2 };

/* --- the three objects ------------------------------------------------------------------------ */

struct psmx_instance;
struct psmx_topic;

struct psmx_node_id {
    uint8_t x[16];
};

#define PSMX_FEATURE_SHARED_MEMORY 1u
#define PSMX_FEATURE_ZERO_COPY     2u

struct psmx_instance_ops {
    bool (*supports)(struct psmx_instance *instance, enum psmx_role role,
                     psmx_properties properties, const struct psmx_qos *qos);
    void (*version_0_create_topic)(void); /* NULL: version 1 */
    int32_t (*delete_topic)(struct psmx_topic *topic);
    void (*version_0_deinit)(void); /* NULL: version 1 */
    struct psmx_node_id (*node_id)(const struct psmx_instance *instance);
    uint32_t (*features)(const struct psmx_instance *instance);
    struct psmx_topic *(*create_topic)(struct psmx_instance *instance, const char *name,
                                       const char *type_name, psmx_properties properties,
                                       const struct psmx_type *type, uint32_t type_size);
    void (*delete_instance)(struct psmx_instance *instance);
};

/* Of all three, a plug-in sets `ops` and leaves the rest zero. */
struct psmx_instance {
    struct psmx_instance_ops ops;
    const char *name;
    int32_t priority;
    const void *locator;
    uint32_t id;
    void *topics;
};

struct psmx_topic_ops {
    struct psmx_endpoint *(*create_endpoint)(struct psmx_topic *topic, const struct psmx_qos *qos,
                                             enum psmx_role role);
    int32_t (*delete_endpoint)(struct psmx_endpoint *endpoint);
};

struct psmx_topic {
    struct psmx_topic_ops ops;
    struct psmx_instance *instance;
    const char *name;
    const char *type_name;
    uint32_t data_type;
    void *endpoints;
    psmx_properties properties;
};

struct psmx_endpoint_ops {
    struct psmx_loan *(*request_loan)(struct psmx_endpoint *endpoint, uint32_t size);
    int32_t (*write)(struct psmx_endpoint *endpoint, struct psmx_loan *loan);
    struct psmx_loan *(*take)(struct psmx_endpoint *endpoint); /* never called */
    int32_t (*on_data_available)(struct psmx_endpoint *endpoint, int32_t reader);
    int32_t (*write_with_key)(struct psmx_endpoint *endpoint, struct psmx_loan *loan, size_t size,
                              const void *key);
};

struct psmx_endpoint {
    struct psmx_endpoint_ops ops;
    struct psmx_topic *topic;
    uint32_t role;
};

/* --- the facts -------------------------------------------------------------------------------- */

#define PSMX_AT(type, field, at)                                                                   \
    _Static_assert(offsetof(struct type, field) == (at), #type "." #field " has another place")
#define PSMX_SIZE(type, size)                                                                      \
    _Static_assert(sizeof(struct type) == (size), #type " has another size")

/* As on 64-bit Linux, the only one that Eddy runs on. */
PSMX_AT(psmx_metadata, size, 12);
PSMX_AT(psmx_metadata, writer, 16);
PSMX_AT(psmx_metadata, timestamp, 32);
PSMX_AT(psmx_metadata, statusinfo, 40);
PSMX_AT(psmx_metadata, cdr_options, 46);
PSMX_SIZE(psmx_metadata, 48);
PSMX_AT(psmx_loan, endpoint, 16);
PSMX_AT(psmx_loan, metadata, 24);
PSMX_AT(psmx_loan, data, 32);
PSMX_AT(psmx_loan, references, 40);
PSMX_SIZE(psmx_loan, 48);
PSMX_SIZE(psmx_instance_ops, 64);
PSMX_AT(psmx_instance, name, 64);
PSMX_AT(psmx_instance, locator, 80);
PSMX_AT(psmx_instance, id, 88);
PSMX_SIZE(psmx_instance, 104);
PSMX_AT(psmx_topic, instance, 16);
PSMX_AT(psmx_topic, data_type, 40);
PSMX_AT(psmx_topic, properties, 56);
PSMX_SIZE(psmx_topic, 64);
PSMX_AT(psmx_endpoint, topic, 40);
PSMX_AT(psmx_endpoint, role, 48);
PSMX_SIZE(psmx_endpoint, 56);

#endif
