/* common.h - what the examples share: options, an orderly end, a check of results.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_NATIVE_COMMON_H
#define EXAMPLE_NATIVE_COMMON_H

#include <eddy/eddy.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct example_options {
    const char *topic; /* name of a topic; path of a flink where the program says so */
    uint64_t count;    /* samples, then end; 0: no end */
    double seconds;    /* then end; 0: no end */
    double rate;       /* samples a second, where a program writes */
};

/* Reads the command line into `options`, which comes with the defaults. */
void example_parse(int argc, char **argv, const char *about, struct example_options *options);

/* The value of a call, unless it failed: then says which one and why, and ends the program. */
int example_check(int result, const char *call);

/* A wait set that also wakes up for Ctrl-C; call it once. */
eddy_waitset *example_waitset(eddy_domain *domain);

/* Waits for what is attached to `waitset`, until `deadline`; false: it is time to stop. */
bool example_wait(eddy_waitset *waitset, uint64_t deadline);

/* When the seconds of the options are over. */
uint64_t example_end(const struct example_options *options);

#ifdef __cplusplus
}
#endif

#endif
