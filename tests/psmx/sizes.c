/* sizes.c - asks for loans as rmw_cyclonedds of ROS 2 does: of sizes that are not the type's, several
 * at once, and writes 4 bytes past the end of each.
 *
 *   sizes writer|reader DOMAIN
 *
 * The reader prints "ready" when it is, and both "ok SAMPLES" when all came whole, or "fail WHY".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <dds/dds.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE  DDS_SECS(30)
#define PAST      4u
#define LOANS     4u /* out at once */
#define LARGEST   (1u << 20)
#define TIMES     13u /* what a size is multiplied by, 8ths: 1.6 */
#define CALL_NAME "dds_request_loan_of_size"

/* New in Cyclone DDS 11; this is compiled against the headers of 0.10. */
typedef dds_return_t request_loan(dds_entity_t writer, size_t size, void **sample);

static int fail(const char *why)
{
    printf("fail %s\n", why);
    return 1;
}

/* Every other one ends where a cache line does. */
static uint32_t next_size(uint32_t size)
{
    uint32_t larger = size * TIMES / 8 + 1;
    return size % 64 == 0 ? larger : (larger + 63) / 64 * 64;
}

static void fill(unsigned char *bytes, uint32_t size)
{
    for (uint32_t i = sizeof size; i < size + PAST; i++)
        bytes[i] = (unsigned char)(size + i);
    memcpy(bytes, &size, sizeof size);
}

static bool is_whole(const unsigned char *bytes, uint32_t wanted)
{
    uint32_t size;
    memcpy(&size, bytes, sizeof size);
    for (uint32_t i = sizeof size; i < wanted && size == wanted; i++)
        size = bytes[i] == (unsigned char)(wanted + i) ? size : 0;
    return size == wanted;
}

static dds_entity_t open_end(dds_entity_t participant, bool writes)
{
    dds_entity_t topic = dds_create_topic(participant, &node_Small_desc, "Sizes", NULL, NULL);
    dds_qos_t *qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_SECS(10));
    dds_qset_history(qos, DDS_HISTORY_KEEP_ALL, 0);
    dds_entity_t end = writes ? dds_create_writer(participant, topic, qos, NULL)
                              : dds_create_reader(participant, topic, qos, NULL);
    dds_delete_qos(qos);
    return end;
}

static bool is_matched(dds_entity_t writer)
{
    dds_publication_matched_status_t status = {0};
    dds_time_t end = dds_time() + DEADLINE;
    while (status.current_count == 0 && dds_time() < end) {
        if (dds_get_publication_matched_status(writer, &status) < 0)
            return false;
        dds_sleepfor(DDS_MSECS(2));
    }
    return status.current_count == 1;
}

/* Several are filled, each past its end, before any is written; one more is given back. */
static int write_sizes(dds_entity_t writer)
{
    request_loan *request = NULL;
    *(void **)&request = dlsym(RTLD_DEFAULT, CALL_NAME);
    if (request == NULL)
        return fail("there is no " CALL_NAME);
    if (!is_matched(writer))
        return fail("no reader");
    uint32_t written = 0;
    for (uint32_t size = sizeof(node_Small); size < LARGEST;) {
        void *loans[LOANS + 1];
        uint32_t sizes[LOANS + 1], count = 0;
        for (; count <= LOANS && size < LARGEST; size = next_size(size), count++) {
            sizes[count] = size;
            if (request(writer, size, &loans[count]) != DDS_RETCODE_OK)
                return fail("no loan");
            fill(loans[count], size);
        }
        for (uint32_t i = 0; i < count; i++) {
            if (!is_whole(loans[i], sizes[i]))
                return fail("a neighbour was written over");
            if (dds_write(writer, loans[i]) != DDS_RETCODE_OK)
                return fail("not written");
            written++;
        }
        if (request(writer, size, &loans[0]) != DDS_RETCODE_OK ||
            dds_return_loan(writer, loans, 1) != DDS_RETCODE_OK)
            return fail("not given back");
    }
    printf("ok %u\n", written);
    return 0;
}

static int read_sizes(dds_entity_t reader)
{
    uint32_t taken = 0;
    dds_time_t end = dds_time() + DEADLINE;
    puts("ready");
    for (uint32_t size = sizeof(node_Small); size < LARGEST;) {
        void *sample = NULL;
        dds_sample_info_t info;
        dds_return_t count = dds_take(reader, &sample, &info, 1, 1);
        if (count > 0 && info.valid_data) {
            if (!is_whole(sample, size))
                return fail("not what was written");
            size = next_size(size);
            taken++;
        }
        if (count > 0)
            dds_return_loan(reader, &sample, count);
        else if (count < 0 || dds_time() > end)
            return fail("nothing came");
        else
            dds_sleepfor(DDS_MSECS(1));
    }
    printf("ok %u\n", taken);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool writes = strcmp(argv[1], "writer") == 0;
    dds_entity_t participant = dds_create_participant((dds_domainid_t)atoi(argv[2]), NULL, NULL);
    dds_entity_t end = participant > 0 ? open_end(participant, writes) : participant;
    if (end < 0)
        return fail("cannot join");
    int result = writes ? write_sizes(end) : read_sizes(end);
    char line[8];
    while (result == 0 && fgets(line, sizeof line, stdin) != NULL)
        continue; /* until the other is done, too */
    dds_delete(participant);
    return result;
}
