/* dds_side.c - what the Cyclone DDS programs do in the same way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_side.h"

#include "slice.h"

#include <dds/ddsc/dds_loan_api.h>
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "pingpong.h"

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

const dds_topic_descriptor_t *dds_side_type(size_t bytes)
{
    static const dds_topic_descriptor_t *const types[] = {
        &bench_Bytes64_desc, &bench_KiB1_desc,  &bench_KiB64_desc, &bench_MiB1_desc,
        &bench_MiB4_desc,    &bench_MiB16_desc, &bench_MiB64_desc,
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i]->m_size == bytes) {
            return types[i];
        }
    }
    bench_fail("no type of %zu bytes", bytes);
}

void *dds_side_loan(dds_entity_t writer, void *otherwise)
{
    static dds_entity_t asked; /* the writer of which we know */
    static bool has_loans;
    void *sample = otherwise;
    if (writer != asked) {
        asked = writer;
        has_loans = dds_is_loan_available(writer);
    }
    if (has_loans) {
        dds_side_must(dds_loan_sample(writer, &sample), "loan");
    }
    return sample;
}

void dds_side_await(dds_entity_t entity, bool is_writer, unsigned others)
{
    dds_publication_matched_status_t readers = {0};
    dds_subscription_matched_status_t writers = {0};
    while (readers.current_count + writers.current_count < others) {
        dds_sleepfor(DDS_MSECS(10));
        if (is_writer) {
            dds_side_must(dds_get_publication_matched_status(entity, &readers), "status");
        } else {
            dds_side_must(dds_get_subscription_matched_status(entity, &writers), "status");
        }
    }
}

bool dds_side_is_newer(void)
{
    return dlsym(RTLD_DEFAULT, "dds_reader_store_loaned_sample") != NULL;
}

/* Looked up, as the headers do not declare it. */
dds_entity_t dds_side_join(dds_domainid_t domain)
{
    uint32_t (*draw)(void);
    void *found = dlsym(RTLD_DEFAULT, "ddsrt_random");
    if (found) {
        memcpy(&draw, &found, sizeof draw);
        for (pid_t i = getpid(); i > 0; i--) {
            (void)draw();
        }
    }
    return dds_side_must(dds_create_participant(domain, NULL, NULL), "participant");
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
