/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/sample.h"

#include "allocator/error.h"

#include <string.h>

void eddy_sample_fill_with(const uint8_t *front, uint32_t with, struct eddy_sample *out)
{
    if (with & EDDY_WITH_KEY)
        out->key = front -= EDDY_KEY_BYTES;
    if (with & EDDY_WITH_WORD)
        memcpy(&out->word, front -= sizeof out->word, sizeof out->word);
    if (with & EDDY_WITH_TIME)
        memcpy(&out->time, front - sizeof out->time, sizeof out->time);
}

int eddy_sample_refuse(const struct eddy_reader *r, uint64_t sn)
{
    return eddy_fail(EDDY_ESEGMENT,
                     "sample %llu says that it reaches beyond its slot: the shared memory was "
                     "scribbled on",
                     (unsigned long long)(sn - r->segment->first_sn + 1));
}
