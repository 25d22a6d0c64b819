/* env.c - `eddy env`: prints what `eddy run` sets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/command.h"
#include "tools/launch.h"
#include "tools/options.h"
#include "tools/text.h"

#include <argp.h>
#include <stdio.h>

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Use the domain in the folder DIR (sets EDDY_DIR)"), {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    if (key == ARGP_KEY_ARG)
        argp_error(state, "'%s' is not expected here; use: eval \"$(eddy env)\"", arg);
    return eddy_options_parse(key, arg, state);
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse,
    .doc = "Print the environment that `eddy run` gives to a program, for a shell to "
           "evaluate.\vUse: eval \"$(eddy env)\""};

static void print_export(const char *name, const char *value)
{
    printf("export %s=", name);
    eddy_text_quote(stdout, value);
    putchar('\n');
}

int eddy_command_env(int argc, char **argv)
{
    struct eddy_options options = {0};
    struct eddy_launch launch;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
        return EDDY_EXIT_FAILURE;
    if (!eddy_launch_prepare("eddy env", options.dir, false, &launch))
        return EDDY_EXIT_FAILURE;
    eddy_launch_each(&launch, print_export);
    eddy_launch_free(&launch);
    return 0;
}
