/* crowd.c - a program with very many topics, each with a writer and a reader.
 *
 *   crowd DOMAIN TOPICS
 *
 * Prints "ready THREADS DESCRIPTORS MEBIBYTES" when all is open; then does what each line on its
 * standard input says, and answers with "ok N" or "fail WHY":
 *
 *   matched    until each writer knows two readers, its own and that of another crowd, and each
 *              reader two writers: ok
 *   write      one sample on each topic: how many
 *   take N     until N samples have come in all: how many
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <dds/dds.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE DDS_SECS(60)

struct topic {
    dds_entity_t writer, reader;
};

static struct topic *topics;
static uint32_t topic_count;

static unsigned entries_of(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count - 2;
}

static unsigned resident(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return (unsigned)(pages / 256);
}

static void open_topic(dds_entity_t participant, uint32_t index, const dds_qos_t *qos)
{
    char name[32];
    snprintf(name, sizeof name, "Crowd%u", index);
    dds_entity_t topic = dds_create_topic(participant, &node_Small_desc, name, NULL, NULL);
    topics[index].reader = dds_create_reader(participant, topic, qos, NULL);
    topics[index].writer = dds_create_writer(participant, topic, NULL, NULL);
    if (topics[index].reader < 0 || topics[index].writer < 0) {
        printf("fail at topic %u\n", index);
        exit(1);
    }
}

static bool all_matched(void)
{
    for (uint32_t i = 0; i < topic_count; i++) {
        dds_publication_matched_status_t readers;
        dds_subscription_matched_status_t writers;
        if (dds_get_publication_matched_status(topics[i].writer, &readers) < 0 ||
            dds_get_subscription_matched_status(topics[i].reader, &writers) < 0 ||
            readers.current_count != 2 || writers.current_count != 2)
            return false;
    }
    return true;
}

static uint32_t write_all(void)
{
    static node_Small sample;
    uint32_t written = 0;
    for (uint32_t i = 0; i < topic_count; i++)
        written += dds_write(topics[i].writer, &sample) == DDS_RETCODE_OK;
    return written;
}

static uint32_t take_all(void)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < topic_count; i++) {
        void *samples[8] = {NULL};
        dds_sample_info_t infos[8];
        dds_return_t count = dds_take(topics[i].reader, samples, infos, 8, 8);
        if (count > 0) {
            taken += (uint32_t)count;
            dds_return_loan(topics[i].reader, samples, count);
        }
    }
    return taken;
}

static void run(const char *line)
{
    dds_time_t end = dds_time() + DEADLINE;
    uint32_t wanted, taken = 0;
    if (strncmp(line, "matched", 7) == 0) {
        while (!all_matched() && dds_time() < end)
            dds_sleepfor(DDS_MSECS(5));
        puts(all_matched() ? "ok 0" : "fail to match");
    } else if (strncmp(line, "write", 5) == 0) {
        printf("ok %u\n", write_all());
    } else if (sscanf(line, "take %u", &wanted) == 1) {
        while (taken < wanted && dds_time() < end) {
            taken += take_all();
            dds_sleepfor(DDS_MSECS(1));
        }
        printf("ok %u\n", taken);
    }
}

int main(int argc, char **argv)
{
    char line[64];
    if (argc != 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    topic_count = (uint32_t)atoi(argv[2]);
    topics = calloc(topic_count, sizeof *topics);
    dds_entity_t participant = dds_create_participant((dds_domainid_t)atoi(argv[1]), NULL, NULL);
    if (participant < 0 || topics == NULL) {
        puts("fail to join");
        return 1;
    }
    dds_qos_t *qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_MSECS(100));
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 8);
    for (uint32_t i = 0; i < topic_count; i++)
        open_topic(participant, i, qos);
    dds_delete_qos(qos);
    printf("ready %u %u %u\n", entries_of("/proc/self/task"), entries_of("/proc/self/fd"),
           resident());
    while (fgets(line, sizeof line, stdin) != NULL)
        run(line);
    dds_return_t result = dds_delete(participant);
    free(topics);
    return result == DDS_RETCODE_OK ? 0 : 1;
}
