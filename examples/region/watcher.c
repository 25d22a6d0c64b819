/* watcher.c - owns the memory, may only read it, and watches another process work in it.
 *
 *   eddy_region_create (EDDY_MAP_READ) -> start the worker -> look ... -> eddy_region_close
 *
 * Nothing that the worker does can hurt the watcher, and nothing of the work is lost when it dies:
 * the memory is the watcher's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plate.h"

#include <eddy/eddy.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void must(int error)
{
    if (error == EDDY_OK)
        return;
    fprintf(stderr, "watcher: %s: %s\n", eddy_error_name(error), eddy_last_error());
    exit(EXIT_FAILURE);
}

static pid_t start_worker(char *steps)
{
    pid_t worker;
    char path[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "worker");
    while (length > 0 && path[length - 1] != '/')
        length--;
    memcpy(path + (length > 0 ? length : 0), "worker", sizeof "worker");
    char *arguments[] = {path, steps, NULL};
    int error = posix_spawn(&worker, path, NULL, NULL, arguments, environ);
    if (error) {
        fprintf(stderr, "watcher: cannot start %s: %s\n", path, strerror(error));
        exit(EXIT_FAILURE);
    }
    return worker;
}

/* The mean of the middle row, of the last complete step.  The worker goes on meanwhile and writes
 * over what is one step old: then we look again. */
static double look(const struct plate *plate, uint64_t *step)
{
    for (;;) {
        double sum = 0;
        uint64_t before = atomic_load_explicit(&plate->step, memory_order_acquire);
        const volatile float *row = plate->heat[before % 2][PLATE_SIDE / 2];
        for (int x = 0; x < PLATE_SIDE; x++)
            sum += (double)row[x];
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&plate->step, memory_order_relaxed) == before) {
            *step = before;
            return sum / (double)PLATE_SIDE;
        }
    }
}

static void show(const struct plate *plate)
{
    uint64_t step;
    double mean = look(plate, &step);
    printf("step %6" PRIu64 ": mean %8.4f\n", step, mean);
    fflush(stdout);
}

static void watch(const struct plate *plate, pid_t worker, bool kills)
{
    int status;
    while (waitpid(worker, &status, WNOHANG) == 0) {
        show(plate);
        if (kills && atomic_load_explicit(&plate->step, memory_order_relaxed) > 0)
            kill(worker, SIGKILL);
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    }
    show(plate);
    printf("the worker %s\n", WIFSIGNALED(status) ? "was killed; its work is here all the same"
                              : atomic_load_explicit(&plate->finished, memory_order_acquire)
                                  ? "is done"
                                  : "gave up");
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3 || atoi(argv[1]) <= 0) {
        fprintf(stderr, "usage: watcher STEPS [--kill]\nWatches a worker that computes how heat "
                        "spreads; --kill: and kills it on the way.\n");
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    eddy_domain *domain = NULL;
    eddy_region *region = NULL;
    struct eddy_region_options options = {.bytes = sizeof(struct plate), .map = EDDY_MAP_READ};
    must(eddy_domain_open(NULL, &domain));
    must(eddy_region_create(domain, PLATE_NAME, &options, &region));
    watch(eddy_region_data(region), start_worker(argv[1]), argc == 3);
    must(eddy_region_close(region)); /* and with it goes the name */
    must(eddy_domain_close(domain));
    return 0;
}
