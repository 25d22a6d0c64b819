/* wire.h - what goes with each sample, as its user header.  (internal)
 *
 * Cyclone DDS's metadata, which the reader gets as they are, and what the writer offers: store()
 * does not ask whether writer and reader are matched, so the plug-in of the reader does.
 *
 * Crash:   whoever may write to the folder can write anything here: it is copied once, then checked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_WIRE_H
#define EDDY_PSMX_WIRE_H

#include "abi.h"

#include <eddy/topic.h>

#define PSMX_WIRE_MAGIC 0x32786d70u /* "pmx2" */

/* The type of a topic, as far as samples that are copied as they are have to agree on it. */
struct psmx_shape {
    uint8_t hash[14]; /* of the complete type; all zero: not known */
    uint8_t is_plain; /* samples may go as they are in memory */
    uint8_t evolves;  /* appendable, mutable or with optional members */
    uint32_t size;    /* in memory; 0: not known */
};
PSMX_SIZE(psmx_shape, 20);

/* The policies by which a writer's offer and a reader's request are compared. */
#define PSMX_COHERENT 1u /* of access */
#define PSMX_ORDERED  2u
struct psmx_policies {
    int64_t budget, lease, deadline; /* of latency, of liveliness */
    uint8_t reliable, exclusive, by_source;
    uint8_t scope, access;   /* of presentation; access: bits */
    uint8_t representations; /* bits; a writer's: one */
    uint8_t durability, liveliness;
};
PSMX_SIZE(psmx_policies, 32);

struct psmx_wire {
    struct psmx_metadata meta;
    uint32_t magic;
    struct psmx_shape shape;
    struct psmx_policies offer;
    int64_t lifespan;
    int32_t strength;
    uint8_t autodispose, spare[3];
    uint64_t
        written; /* eddy_now(), where late readers may get it when its lifespan is over; else 0 */
};
PSMX_AT(psmx_wire, offer, 72);
PSMX_SIZE(psmx_wire, 128);

/* True if its writer's lifespan was over before it is handed on. */
bool psmx_wire_is_expired(const struct psmx_wire *wire);

/* Partitions by their hashes: those of a writer in several that come before the one to whose lane it
 * was written stand behind the rest of the header.  Who is in one of them has it from there. */
#define PSMX_PARTITIONS 16u
struct psmx_before {
    unsigned count;
    uint64_t partitions[PSMX_PARTITIONS - 1];
};
uint64_t psmx_wire_partition(const char *name);

/* False: this is no sample of a plug-in like us, or its size cannot be. */
bool psmx_wire_read(const struct eddy_sample *sample, struct psmx_wire *wire,
                    struct psmx_before *before);

#endif
