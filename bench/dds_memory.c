/* dds_memory.c - what very many Cyclone DDS topics take: a program that writes to each of them, and
 * one that reads each.
 *
 *   PROGRAM TOPICS DOMAIN [shm]
 *
 * A turn writes and takes a sample of 64 bytes on each topic and prints, of both programs together,
 * {"private_bytes", "shared_bytes"}: memory of their own, and that they share with each other or with
 * a daemon (each page by its share); {"threads", "descriptors"}.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_side.h"
#include "slice.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 60

struct use {
    uint64_t private_bytes, shared_bytes, threads, descriptors;
};

struct control {
    _Atomic uint32_t turn; /* begun */
    _Atomic uint32_t done; /* turns that the reading program has done */
    _Atomic uint32_t quit;
    struct use reads;
};

static struct control *control;
static dds_entity_t participant, *entities;
static uint32_t topic_count;
static const char *way;

/* --- what it takes ---------------------------------------------------------------------------- */

static uint64_t entries_of(const char *folder)
{
    uint64_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        count += entry->d_name[0] != '.';
    }
    if (dir) {
        closedir(dir);
    }
    return count;
}

static void read_bytes(FILE *file, struct use *use)
{
    char line[128];
    unsigned long kib;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "Pss_Anon: %lu", &kib) == 1) {
            use->private_bytes = (uint64_t)kib << 10;
        }
        if (sscanf(line, "Pss_Shmem: %lu", &kib) == 1) {
            use->shared_bytes = (uint64_t)kib << 10;
        }
    }
}

static struct use own_use(void)
{
    struct use use = {.threads = entries_of("/proc/self/task"),
                      .descriptors = entries_of("/proc/self/fd")};
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    if (file) {
        read_bytes(file, &use);
        fclose(file);
    } else {
        bench_fail("/proc/self/smaps_rollup cannot be read");
    }
    return use;
}

/* --- the two programs ------------------------------------------------------------------------- */

static void all_open(bool is_writer, dds_domainid_t domain)
{
    dds_qos_t *qos = dds_side_qos();
    participant = dds_side_join(domain);
    for (uint32_t i = 0; i < topic_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "many%u", i);
        dds_entity_t topic = dds_side_must(
            dds_create_topic(participant, dds_side_type(64), name, qos, NULL), "topic");
        entities[i] = is_writer ? dds_create_writer(participant, topic, qos, NULL)
                                : dds_create_reader(participant, topic, qos, NULL);
        dds_side_check(dds_side_must(entities[i], "writer or reader"), way);
    }
    dds_delete_qos(qos);
    for (uint32_t i = 0; i < topic_count; i++) {
        dds_side_await(entities[i], is_writer, 1);
    }
}

static void take_one(dds_entity_t reader)
{
    uint64_t first;
    while (!dds_side_take(reader, &first)) {
        dds_sleepfor(DDS_MSECS(1));
    }
}

static void read_until_over(void)
{
    for (uint32_t turn = 0;; turn++) {
        bench_sleep_while(&control->turn, turn);
        if (atomic_load(&control->quit)) {
            return;
        }
        for (uint32_t i = 0; i < topic_count; i++) {
            take_one(entities[i]);
        }
        control->reads = own_use();
        atomic_fetch_add(&control->done, 1);
        bench_wake(&control->done);
    }
}

static void begin_turn(void)
{
    atomic_fetch_add(&control->turn, 1);
    bench_wake(&control->turn);
}

static void await_taken(uint32_t done)
{
    alarm(PATIENCE_S);
    bench_sleep_while(&control->done, done);
    alarm(0);
}

static void memory_slice(void *context, unsigned milliseconds)
{
    uint64_t copied[8] = {1};
    uint32_t done = atomic_load(&control->done);
    (void)context;
    (void)milliseconds;
    begin_turn();
    for (uint32_t i = 0; i < topic_count; i++) {
        uint64_t *sample = dds_side_loan(entities[i], copied);
        memcpy(sample, copied, sizeof copied);
        dds_side_must(dds_write(entities[i], sample), "write");
    }
    await_taken(done);
    struct use writes = own_use(), *reads = &control->reads;
    printf("{\"private_bytes\": %llu, \"shared_bytes\": %llu, \"threads\": %llu, "
           "\"descriptors\": %llu}\n",
           (unsigned long long)(writes.private_bytes + reads->private_bytes),
           (unsigned long long)(writes.shared_bytes + reads->shared_bytes),
           (unsigned long long)(writes.threads + reads->threads),
           (unsigned long long)(writes.descriptors + reads->descriptors));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s TOPICS DOMAIN [shm]\n", argv[0]);
        return 2;
    }
    topic_count = (uint32_t)strtoul(argv[1], NULL, 10);
    way = argc > 3 ? argv[3] : "";
    entities = calloc(topic_count, sizeof *entities);
    control = bench_share(sizeof *control);
    pid_t child = bench_fork();
    bench_pin(child == 0);
    all_open(child != 0, (dds_domainid_t)strtoul(argv[2], NULL, 10));
    if (child == 0) {
        read_until_over();
    } else {
        bench_serve(memory_slice, NULL);
        atomic_store(&control->quit, 1);
        begin_turn();
        waitpid(child, NULL, 0);
    }
    dds_delete(participant);
    return 0;
}
