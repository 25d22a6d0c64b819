/* command.h - the subcommands of `eddy`, one file each.  (internal)
 *
 * Each is given its own argument vector, with "eddy <name>" as the first word, and returns the exit
 * code of the process.
 *
 * Threads: the command has one thread.
 * Crash:   nothing is left behind: only `run` touches the domain, and it becomes another program.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_COMMAND_H
#define EDDY_TOOLS_COMMAND_H

/* Exit codes: those of env(1), so that `eddy run` can stand wherever env(1) can. */
#define EDDY_EXIT_FAILURE     1
#define EDDY_EXIT_USAGE       2
#define EDDY_EXIT_LAUNCH      125 /* `eddy run` or `eddy why` itself failed */
#define EDDY_EXIT_CANNOT_EXEC 126 /* the command is there but cannot be run */
#define EDDY_EXIT_NOT_FOUND   127 /* there is no such command */

int eddy_command_run(int argc, char **argv);
int eddy_command_env(int argc, char **argv);
int eddy_command_ls(int argc, char **argv);
int eddy_command_doctor(int argc, char **argv);
int eddy_command_why(int argc, char **argv);
int eddy_command_kick(int argc, char **argv);
int eddy_command_gc(int argc, char **argv);

#endif
