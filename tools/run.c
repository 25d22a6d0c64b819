/* run.c - `eddy run`: becomes a program that finds Eddy where it looks for shared memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/command.h"
#include "tools/launch.h"
#include "tools/options.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Use the domain in the folder DIR (sets EDDY_DIR)"), {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    if (key == ARGP_KEY_NO_ARGS)
        argp_error(state, "which command? For example: eddy run -- ./my_dds_program");
    return eddy_options_parse_command(key, arg, state);
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse,
    .args_doc = "[--] COMMAND [ARG...]",
    .doc = "Run COMMAND, a program that uses Cyclone DDS 0.10 or 11, with its topics in shared "
           "memory. The program is not changed: for 0.10 Eddy stands in for the library that it "
           "would use with RouDi, and no RouDi runs; 11 loads Eddy's plug-in.\vSettings of your "
           "own in CYCLONEDDS_URI prevail over those "
           "that are added. Exits with what COMMAND exits with; 125 if Eddy fails, 126 if COMMAND "
           "cannot be run, 127 if there is none."};

static bool failed;

static void set(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0)
        failed = true;
}

/* Says why the command did not start. */
static int report_exec(const char *command, int error)
{
    bool missing = error == ENOENT;
    const char *advice = "";
    if (missing && strchr(command, '/') == NULL)
        advice = "; give its path (./NAME if it is here), or put its folder into PATH";
    else if (missing)
        advice = "; check the path, and the interpreter if it is a script";
    else if (error == EACCES)
        advice = "; is it a program, and executable (chmod +x)?";
    fprintf(stderr, "eddy run: cannot run '%s': %s%s\n", command, strerror(error), advice);
    return missing ? EDDY_EXIT_NOT_FOUND : EDDY_EXIT_CANNOT_EXEC;
}

int eddy_command_run(int argc, char **argv)
{
    struct eddy_options options = {0};
    struct eddy_launch launch;
    argp_err_exit_status = EDDY_EXIT_LAUNCH;
    error_t error = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
    if (error != 0 || options.command == NULL)
        return EDDY_EXIT_LAUNCH;
    if (!eddy_launch_prepare("eddy run", options.dir, true, &launch))
        return EDDY_EXIT_LAUNCH;
    eddy_launch_each(&launch, set);
    eddy_launch_free(&launch);
    if (failed) {
        fprintf(stderr, "eddy run: cannot set the environment: %s\n", strerror(errno));
        return EDDY_EXIT_LAUNCH;
    }
    execvp(options.command[0], options.command);
    return report_exec(options.command[0], errno);
}
