/* idle.c - what listeners cost whose topic has no sample.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "idle.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sleeps {
    unsigned threads;
    unsigned long count; /* how often they went to sleep, since they began */
};

static void add_thread(struct sleeps *sleeps, const char *id, const char *wanted)
{
    char path[300], line[128], name[32] = "";
    unsigned long voluntary = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", id);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "Name: %31s", name);
        sscanf(line, "voluntary_ctxt_switches: %lu", &voluntary);
    }
    if (file) {
        fclose(file);
    }
    if (strcmp(name, wanted) == 0) {
        sleeps->threads++;
        sleeps->count += voluntary;
    }
}

static struct sleeps sleeps_of(const char *wanted)
{
    struct sleeps sleeps = {0};
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) {
        bench_fail("/proc cannot be read");
    }
    for (struct dirent *entry; (entry = readdir(tasks));) {
        add_thread(&sleeps, entry->d_name, wanted);
    }
    closedir(tasks);
    return sleeps;
}

static void idle_slice(void *context, unsigned milliseconds)
{
    const struct idle_transport *transport = context;
    struct sleeps before = sleeps_of(transport->thread);
    usleep(milliseconds * 1000);
    struct sleeps after = sleeps_of(transport->thread);
    if (before.threads == 0 || before.threads != after.threads) {
        bench_fail("%u threads, then %u, are named %s", before.threads, after.threads,
                   transport->thread);
    }
    printf("{\"wakeups\": %lu, \"threads\": %u}\n", after.count - before.count, after.threads);
    fflush(stdout);
}

int idle_run(const struct idle_transport *transport, int argc, char **argv)
{
    struct idle_transport copy = *transport;
    if (argc < 2) {
        fprintf(stderr, "usage: %s LISTENERS ...\n", argv[0]);
        return 2;
    }
    transport->open((unsigned)strtoul(argv[1], NULL, 10), argc - 2, argv + 2);
    bench_serve(idle_slice, &copy);
    return 0;
}
