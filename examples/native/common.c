/* common.c - see common.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static eddy_event *stop;

static const struct argp_option option_table[] = {
    {"count", 'n', "SAMPLES", 0, "End after so many samples", 0},
    {"seconds", 's', "SECONDS", 0, "End after so many seconds", 0},
    {"rate", 'r', "HZ", 0, "Samples a second, for a program that writes", 0},
    {0}};

static double number(const char *arg, double least, double most, struct argp_state *state)
{
    char *end = NULL;
    double value = strtod(arg, &end);
    if (end == arg || *end != '\0' || !(value >= least && value <= most))
        argp_error(state, "'%s' is not a number from %g to %g", arg, least, most);
    return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct example_options *options = state->input;
    switch (key) {
    case 'n':
        options->count = (uint64_t)number(arg, 1, 1e15, state);
        return 0;
    case 's':
        options->seconds = number(arg, 0.001, 1e9, state);
        return 0;
    case 'r':
        options->rate = number(arg, 0.001, 1e6, state);
        return 0;
    case ARGP_KEY_ARG:
        options->topic = arg;
        return 0;
    case ARGP_KEY_END:
        if (options->topic == NULL)
            argp_error(state, "which topic?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void example_parse(int argc, char **argv, const char *about, struct example_options *options)
{
    const char *what = options->topic != NULL ? "[TOPIC]" : "FLINK";
    const struct argp argp = {
        .options = option_table, .parser = parse, .args_doc = what, .doc = about};
    argp_parse(&argp, argc, argv, 0, NULL, options);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

int example_check(int result, const char *call)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s: %s\n", call, eddy_strerror(result), eddy_last_error());
        exit(EXIT_FAILURE);
    }
    return result;
}

static void on_signal(int number_of_signal)
{
    (void)number_of_signal;
    eddy_event_trigger(stop);
}

eddy_waitset *example_waitset(eddy_domain *domain)
{
    eddy_waitset *waitset = NULL;
    example_check(eddy_event_open(&stop), "eddy_event_open");
    example_check(eddy_waitset_open(domain, &waitset), "eddy_waitset_open");
    example_check(eddy_waitset_attach_event(waitset, stop, EDDY_WAIT_LEVEL, NULL),
                  "eddy_waitset_attach_event");
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return waitset;
}

bool example_wait(eddy_waitset *waitset, uint64_t deadline)
{
    void *ready[2];
    size_t count = 0;
    int result = eddy_waitset_wait(waitset, deadline, ready, 2, &count);
    if (result != EDDY_EAGAIN && result != EDDY_ETIMEDOUT)
        example_check(result, "eddy_waitset_wait");
    return !eddy_event_triggered(stop);
}

uint64_t example_end(const struct example_options *options)
{
    return options->seconds > 0 ? eddy_deadline((uint64_t)(options->seconds * 1e9)) : EDDY_FOREVER;
}
