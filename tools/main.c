/* main.c - picks the subcommand.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/command.h"

#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"run", "start a program with its DDS topics in shared memory", eddy_command_run},
    {"env", "print what `run` sets, for a shell to evaluate", eddy_command_env},
    {"ls", "list topics, rings, regions, and who uses them, from outside", eddy_command_ls},
    {"doctor", "say what stands in the way, and what to do", eddy_command_doctor},
    {"why", "say why samples do not arrive, or not through Eddy", eddy_command_why},
    {"kick", "let go of a reader that holds writers up", eddy_command_kick},
    {"gc", "take back what dead processes left", eddy_command_gc},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* What the parser found: a command and the words that belong to it, or nothing. */
struct choice {
    const struct command *command;
    char **argv;
    int argc;
};

/* The C library looks for this one, so it must not be hidden as all else is. */
__attribute__((visibility("default"))) const char *argp_program_version = "eddy " EDDY_VERSION_TEXT;

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, delete or replace to get from one word to the other; SIZE_MAX for long words,
 * which nobody mistypes for one of ours. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[32];
    size_t length = strlen(b);
    if (length >= sizeof row / sizeof row[0])
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(replace, least(row[j - 1], row[j]) + 1);
        }
    }
    return row[length];
}

/* What other tools call the same thing. */
static const char *synonym(const char *word)
{
    static const char *const pairs[][2] = {
        {"list", "ls"},  {"topics", "ls"},    {"top", "ls"},          {"ps", "ls"},
        {"exec", "run"}, {"launch", "run"},   {"environment", "env"}, {"clean", "gc"},
        {"rm", "gc"},    {"check", "doctor"}, {"disconnect", "kick"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (strcmp(pairs[i][0], word) == 0)
            return pairs[i][1];
    }
    return NULL;
}

static const char *suggestion(const char *word)
{
    const char *best = synonym(word);
    size_t best_distance = 2;
    for (size_t i = 0; best == NULL && i < COMMAND_COUNT; i++) {
        if (strncmp(commands[i].name, word, strlen(word)) == 0)
            return commands[i].name;
    }
    for (size_t i = 0; best == NULL && i < COMMAND_COUNT; i++) {
        if (edit_distance(word, commands[i].name) < best_distance)
            best = commands[i].name;
    }
    return best;
}

static void refuse_command(struct argp_state *state, const char *word)
{
    const char *meant = suggestion(word);
    if (meant != NULL)
        argp_error(state, "there is no command '%s'; did you mean 'eddy %s'?", word, meant);
    else
        argp_error(state, "there is no command '%s'", word);
}

/* `eddy help ls` is `eddy ls --help`. */
static void choose_help(struct argp_state *state, struct choice *choice)
{
    static char help[] = "--help";
    if (state->next >= state->argc)
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
    const char *word = state->argv[state->next];
    choice->command = find_command(word);
    if (choice->command == NULL)
        refuse_command(state, word);
    choice->argv = &state->argv[state->next - 1];
    choice->argv[1] = help;
    choice->argc = 2;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct choice *choice = state->input;
    if (key == ARGP_KEY_NO_ARGS)
        argp_state_help(state, stderr, ARGP_HELP_STD_USAGE);
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (strcmp(arg, "help") == 0) {
        choose_help(state, choice);
    } else {
        choice->command = find_command(arg);
        if (choice->command == NULL)
            refuse_command(state, arg);
        choice->argv = &state->argv[state->next - 1];
        choice->argc = state->argc - state->next + 1;
    }
    state->next = state->argc; /* the rest is the command's own */
    return 0;
}

/* The list of commands in --help comes from the table. */
static char *help_text(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    char *list = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&list, &size);
    if (out == NULL)
        return NULL;
    fputs("Commands:\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-7s %s\n", commands[i].name, commands[i].summary);
    fputs("  help    say more about a command: eddy help ls\n\n"
          "The domain is the folder EDDY_DIR, or /dev/shm/eddy-<uid>; see eddy(7).",
          out);
    fclose(out);
    return list;
}

static char title[32] = "eddy"; /* what messages begin with */

/* Whoever has written last, help among them: what could not be written is an error. */
static void check_output(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    fprintf(stderr, "%s: cannot write: %s\n", title, strerror(errno != 0 ? errno : EIO));
    _exit(EDDY_EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    static const struct argp argp = {.parser = parse,
                                     .args_doc = "COMMAND [ARG...]",
                                     .doc = "Zero-copy publish/subscribe between the processes "
                                            "of one Linux host.\v ",
                                     .help_filter = help_text};
    struct choice choice = {0};
    setlocale(LC_CTYPE, "");
    if (atexit(check_output) != 0)
        return EDDY_EXIT_FAILURE;
    argp_err_exit_status = EDDY_EXIT_USAGE;
    error_t error = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice);
    if (error != 0 || choice.command == NULL) {
        fprintf(stderr, "eddy: %s\n", strerror(error));
        return EDDY_EXIT_FAILURE;
    }
    snprintf(title, sizeof title, "eddy %s", choice.command->name);
    choice.argv[0] = title; /* what the command's own messages begin with */
    return choice.command->run(choice.argc, choice.argv);
}
