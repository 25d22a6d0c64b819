/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

bool psmx_wire_is_expired(const struct psmx_wire *wire)
{
    uint64_t age = eddy_now() - wire->written;
    return wire->written != 0 && wire->lifespan != PSMX_FOREVER && age < UINT64_MAX / 2 &&
           age > (uint64_t)wire->lifespan;
}

bool psmx_wire_read(const struct eddy_sample *sample, struct psmx_wire *wire)
{
    if (sample->header == NULL || sample->header_size != sizeof *wire)
        return false;
    memcpy(wire, sample->header, sizeof *wire);
    return wire->magic == PSMX_WIRE_MAGIC && wire->meta.size <= sample->size &&
           wire->meta.state >= PSMX_STATE_RAW_KEY && wire->meta.state <= PSMX_STATE_SERIALIZED_DATA;
}
