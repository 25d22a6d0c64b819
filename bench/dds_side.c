/* dds_side.c - what the Cyclone DDS programs do in the same way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_side.h"

#include "slice.h"

#include <dds/ddsc/dds_loan_api.h>
#include <string.h>

dds_entity_t dds_side_must(dds_entity_t rc, const char *what)
{
    if (rc < 0) {
        bench_fail("%s: %s", what, dds_strretcode(-rc));
    }
    return rc;
}

dds_qos_t *dds_side_qos(void)
{
    dds_qos_t *qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_SECS(10));
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 16);
    dds_qset_durability(qos, DDS_DURABILITY_VOLATILE);
    return qos;
}

void dds_side_check(dds_entity_t entity, const char *way)
{
    if (strcmp(way, "shm") == 0 && !dds_is_shared_memory_available(entity)) {
        bench_fail("Cyclone DDS does not use shared memory");
    }
}

bool dds_side_take(dds_entity_t reader, uint64_t *first)
{
    bool valid;
    do {
        void *sample[1] = {NULL};
        dds_sample_info_t info;
        if (dds_take(reader, sample, &info, 1, 1) <= 0) {
            return false;
        }
        valid = info.valid_data;
        *first = valid ? *(uint64_t *)sample[0] : 0;
        dds_return_loan(reader, sample, 1);
    } while (!valid);
    return true;
}
