/* options.h - what several subcommands are given: a folder, and perhaps a command.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_OPTIONS_H
#define EDDY_TOOLS_OPTIONS_H

#include <argp.h>

struct eddy_options {
    const char *dir; /* NULL: the default */
    char **command;  /* NULL-terminated: the tail of argv; NULL: none given */
};

/* The row of --dir in a table of options. */
#define EDDY_OPTION_DIR(help)                                                                      \
    {                                                                                              \
        "dir", 'd', "DIR", 0, help, 0                                                              \
    }

/* For the parsers of argp; its input begins with a struct eddy_options. */
/* --dir, and no words. */
error_t eddy_options_parse(int key, char *arg, struct argp_state *state);
/* --dir, and a command whose words are its own: to be parsed in order. */
error_t eddy_options_parse_command(int key, char *arg, struct argp_state *state);

#endif
