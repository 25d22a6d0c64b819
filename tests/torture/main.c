/* main.c - torture [--seconds N] [--seed S] [--processes N] [--events N] [--list] [--trace]
 *                  [--keep]
 *
 * Prints the seed first.  Exit code 0: everything held.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/control.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct option options[] = {{"seconds", required_argument, NULL, 's'},
                                        {"seed", required_argument, NULL, 'S'},
                                        {"processes", required_argument, NULL, 'p'},
                                        {"events", required_argument, NULL, 'e'},
                                        {"list", no_argument, NULL, 'l'},
                                        {"trace", no_argument, NULL, 't'},
                                        {"keep", no_argument, NULL, 'k'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static _Noreturn void usage(void)
{
    fputs("usage: torture [--seconds N] [--seed S] [--processes N] [--events N] [--list] "
          "[--trace] [--keep]\n"
          "  --seconds N    how long (20)\n"
          "  --seed S       repeats the schedule of an earlier run (a new one)\n"
          "  --processes N  how many besides the checker, at most 48 (6)\n"
          "  --events N     end after so many events rather than by time\n"
          "  --list         print the schedule (with --events) and do nothing\n"
          "  --trace        print each event before it happens\n"
          "  --keep         leave the folder there if something fails\n",
          stderr);
    exit(2);
}

static void set(struct settings *settings, int option)
{
    switch (option) {
    case 's':
        settings->seconds = strtod(optarg, NULL);
        break;
    case 'S':
        settings->seed = strtoull(optarg, NULL, 0);
        break;
    case 'p':
        settings->processes = (uint32_t)strtoul(optarg, NULL, 10);
        break;
    case 'e':
        settings->events = strtoull(optarg, NULL, 10);
        break;
    case 'l':
        settings->list = true;
        break;
    case 't':
        settings->trace = true;
        break;
    case 'k':
        settings->keep = true;
        break;
    default:
        usage();
    }
}

static void list_events(const struct settings *settings)
{
    struct plan plan;
    plan_begin(&plan, settings->seed, settings->processes);
    while (plan.number < settings->events) {
        struct event event = plan_next(&plan);
        plan_print(stdout, &event);
    }
}

/* A failed check ends the process: what was started dies with it, the folder goes here. */
static bool keep;
static pid_t controller;

static void clear_away(void)
{
    if (getpid() != controller) /* a forked child that ends by exit */
        return;
    child_kill_all();
    if (keep)
        fprintf(stderr, "the domain is left in %s\n", world_dir());
    else
        world_remove_tree(world_dir());
}

int main(int argc, char **argv)
{
    static struct control control;
    struct settings settings = {.seed = eddy_now() % 1000000007u, .seconds = 20, .processes = 6};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        set(&settings, option);
    if (optind < argc || settings.processes == 0 || settings.processes > MOST_PROCESSES ||
        (settings.list && settings.events == 0))
        usage();
    printf("seed %" PRIu64 ", %" PRIu32 " processes\n", settings.seed, settings.processes);
    fflush(stdout);
    if (settings.list) {
        list_events(&settings);
        return 0;
    }
    check(world_setup(NULL) == 0);
    keep = settings.keep;
    controller = getpid();
    atexit(clear_away);
    control_run(&control, &settings);
    report_summary(&control);
    keep = false;
    return 0;
}
