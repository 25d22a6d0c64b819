/* options.c - see options.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/options.h"

static error_t parse_dir(int key, char *arg, struct eddy_options *options)
{
    if (key != 'd')
        return ARGP_ERR_UNKNOWN;
    options->dir = arg;
    return 0;
}

error_t eddy_options_parse(int key, char *arg, struct argp_state *state)
{
    if (key == ARGP_KEY_ARG)
        argp_error(state, "'%s' is not expected here; a folder is given with --dir", arg);
    return parse_dir(key, arg, state->input);
}

error_t eddy_options_parse_command(int key, char *arg, struct argp_state *state)
{
    struct eddy_options *options = state->input;
    if (key != ARGP_KEY_ARG)
        return parse_dir(key, arg, options);
    options->command = &state->argv[state->next - 1];
    state->next = state->argc; /* the command's own words */
    return 0;
}
