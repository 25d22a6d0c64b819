/* common.c - see common.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <argp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const struct argp_option option_table[] = {
    {"topic", 't', "NAME", 0, "The topic", 0},
    {"domain", 'd', "ID", 0, "The DDS domain", 0},
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
    case 't':
        options->topic = arg;
        return 0;
    case 'd':
        options->domain = (dds_domainid_t)number(arg, 0, 230, state);
        return 0;
    case 'n':
        options->count = (uint64_t)number(arg, 1, 1e15, state);
        return 0;
    case 's':
        options->seconds = number(arg, 0.001, 1e9, state);
        return 0;
    case 'r':
        options->rate = number(arg, 0.001, 1e6, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void example_parse(int argc, char **argv, const char *about, struct example_options *options)
{
    const struct argp argp = {.options = option_table, .parser = parse, .doc = about};
    argp_parse(&argp, argc, argv, 0, NULL, options);
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* Threads inherit this, those of DDS too: only the thread in watch() gets the signals. */
    sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

dds_entity_t example_check(dds_return_t result, const char *call)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", call, dds_strretcode(result));
        exit(EXIT_FAILURE);
    }
    return result;
}

dds_qos_t *example_qos(int32_t depth)
{
    dds_qos_t *qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_SECS(1));
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, depth);
    dds_qset_durability(qos, DDS_DURABILITY_VOLATILE);
    dds_qset_liveliness(qos, DDS_LIVELINESS_AUTOMATIC, DDS_INFINITY);
    return qos;
}

void example_print_transport(dds_entity_t endpoint)
{
    printf("shared memory: %s, loans: %s\n",
           dds_is_shared_memory_available(endpoint) ? "yes" : "no",
           dds_is_loan_available(endpoint) ? "yes" : "no");
}

struct stop {
    dds_entity_t guard;
    double seconds;
};

static void *watch(void *arg)
{
    struct stop stop = *(struct stop *)arg;
    free(arg);
    sigset_t set = stop_signals();
    if (stop.seconds > 0) {
        int64_t ns = (int64_t)(stop.seconds * 1e9);
        const struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
        sigtimedwait(&set, NULL, &time);
    } else {
        sigwaitinfo(&set, NULL);
    }
    dds_set_guardcondition(stop.guard, true);
    return NULL;
}

dds_entity_t example_stop(dds_entity_t participant, const struct example_options *options)
{
    dds_entity_t waitset = example_check(dds_create_waitset(participant), "dds_create_waitset");
    dds_entity_t guard =
        example_check(dds_create_guardcondition(participant), "dds_create_guardcondition");
    example_check(dds_waitset_attach(waitset, guard, guard), "dds_waitset_attach");
    struct stop *stop = malloc(sizeof *stop);
    pthread_t thread;
    if (stop == NULL)
        abort();
    *stop = (struct stop){.guard = guard, .seconds = options->seconds};
    if (pthread_create(&thread, NULL, watch, stop) != 0)
        abort();
    pthread_detach(thread);
    return waitset;
}

bool example_enough(const struct example_options *options, uint64_t count)
{
    return options->count != 0 && count >= options->count;
}

void example_wake_for(dds_entity_t waitset, dds_entity_t reader)
{
    dds_entity_t anything =
        example_check(dds_create_readcondition(reader, DDS_ANY_STATE), "dds_create_readcondition");
    example_check(dds_waitset_attach(waitset, anything, 0), "dds_waitset_attach");
}

bool example_wait(dds_entity_t waitset, dds_time_t deadline)
{
    dds_attach_t ready[2];
    dds_return_t count = dds_waitset_wait_until(waitset, ready, 2, deadline);
    example_check(count, "dds_waitset_wait_until");
    for (dds_return_t i = 0; i < count && i < 2; i++)
        if (ready[i] != 0)
            return false; /* readers are attached with 0, the guard condition with itself */
    return true;
}
