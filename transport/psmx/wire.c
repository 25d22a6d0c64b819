/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

bool psmx_wire_is_expired(const struct psmx_wire *wire)
{
    uint64_t age = eddy_now() - wire->written;
    return wire->written != 0 && wire->lifespan != PSMX_FOREVER && age < UINT64_MAX / 2 &&
           age > (uint64_t)wire->lifespan;
}

/* FNV-1a, 64 bits. */
uint64_t psmx_wire_partition(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash;
}

bool psmx_wire_read(const struct eddy_sample *sample, struct psmx_wire *wire,
                    struct psmx_before *before)
{
    size_t size = sample->header_size, more = size - sizeof *wire;
    if (sample->header == NULL || size < sizeof *wire || more > sizeof before->partitions ||
        more % sizeof before->partitions[0] != 0)
        return false;
    memcpy(wire, sample->header, sizeof *wire);
    memcpy(before->partitions, (const unsigned char *)sample->header + sizeof *wire, more);
    before->count = (unsigned)(more / sizeof before->partitions[0]);
    return wire->magic == PSMX_WIRE_MAGIC && wire->meta.size <= sample->size &&
           wire->meta.state >= PSMX_STATE_RAW_KEY && wire->meta.state <= PSMX_STATE_SERIALIZED_DATA;
}
