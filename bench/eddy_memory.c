/* eddy_memory.c - the shared memory that a topic with default options takes.
 *
 * One writer, one reader, samples of the size given; a turn publishes and takes 10,000 of them and
 * prints {"stats_bytes": what Eddy says, "folder_bytes": what the folder of the domain has
 * allocated}.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "slice.h"

#include <dirent.h>
#include <eddy/eddy.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct memory {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
    size_t size;
};

static void must(int rc)
{
    if (rc != EDDY_OK) {
        bench_fail("%s: %s", eddy_error_name(rc), eddy_last_error());
    }
}

static uint64_t folder_bytes(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        bench_fail("cannot read %s", path);
    }
    uint64_t bytes = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct stat file;
        if (fstatat(dirfd(folder), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(file.st_mode)) {
            bytes += (uint64_t)file.st_blocks * 512;
        }
    }
    closedir(folder);
    return bytes;
}

static void exchange(struct memory *memory)
{
    struct eddy_loan loan;
    struct eddy_sample sample;
    must(eddy_writer_loan(memory->writer, memory->size, EDDY_FOREVER, &loan));
    memset(loan.data, 1, memory->size);
    must(eddy_writer_publish(memory->writer, &loan, memory->size, EDDY_FOREVER));
    must(eddy_reader_take(memory->reader, &sample));
    must(eddy_reader_release(memory->reader, &sample));
}

static void memory_slice(void *context, unsigned milliseconds)
{
    struct memory *memory = context;
    struct eddy_topic_stats stats;
    (void)milliseconds;
    for (unsigned i = 0; i < 10000; i++) {
        exchange(memory);
    }
    must(eddy_writer_stats(memory->writer, &stats));
    printf("{\"stats_bytes\": %llu, \"folder_bytes\": %llu}\n",
           (unsigned long long)stats.shared_bytes,
           (unsigned long long)folder_bytes(eddy_domain_dir(memory->domain)));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct memory memory = {.size = bench_size(argc > 1 ? argv[1] : "64")};
    struct eddy_topic_identity topic = {.name = "bench-memory"};
    must(eddy_domain_open(NULL, &memory.domain));
    must(eddy_writer_open(memory.domain, &topic, NULL, &memory.writer));
    must(eddy_reader_open(memory.domain, &topic, NULL, &memory.reader));
    bench_serve(memory_slice, &memory);
    must(eddy_reader_close(memory.reader));
    must(eddy_writer_close(memory.writer));
    must(eddy_domain_close(memory.domain));
    return 0;
}
