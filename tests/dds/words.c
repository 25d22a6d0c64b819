/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node_command node_command_in(char *line)
{
    struct node_command command = {0};
    char *rest = NULL;
    for (char *word = strtok_r(line, " \n", &rest); word != NULL && command.count < NODE_WORDS;
         word = strtok_r(NULL, " \n", &rest))
        command.words[command.count++] = word;
    return command;
}

void node_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("fail ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

struct node_command node_about(const struct node_command *command, bool *is_writer)
{
    struct node_command rest = *command;
    *is_writer = strcmp(node_word(command, 1), "w") == 0;
    memmove(rest.words + 1, rest.words + 2, sizeof rest.words - 2 * sizeof rest.words[0]);
    rest.count--;
    return rest;
}

bool node_succeeded(dds_return_t result, const char *call)
{
    if (result < 0)
        node_fail("%s: %s", call, dds_strretcode(result));
    return result >= 0;
}

const char *node_text(const struct node_command *command, const char *name, const char *otherwise)
{
    size_t length = strlen(name);
    for (int i = 1; i < command->count; i++)
        if (strncmp(command->words[i], name, length) == 0 && command->words[i][length] == '=')
            return command->words[i] + length + 1;
    return otherwise;
}

static uint64_t number_of(const char *text)
{
    char *end = NULL;
    unsigned long long number = strtoull(text, &end, 10);
    if (end != text && *end == '\0')
        return number;
    fprintf(stderr, "'%s' is not a number\n", text);
    exit(2);
}

uint64_t node_number(const struct node_command *command, const char *name, uint64_t otherwise)
{
    const char *text = node_text(command, name, NULL);
    return text != NULL ? number_of(text) : otherwise;
}

const char *node_word(const struct node_command *command, int index)
{
    if (index < command->count)
        return command->words[index];
    fprintf(stderr, "%s: a word is missing\n", command->words[0]);
    exit(2);
}

uint64_t node_word_number(const struct node_command *command, int index)
{
    return number_of(node_word(command, index));
}

uint32_t node_matched_now(dds_entity_t entity, bool is_writer)
{
    dds_publication_matched_status_t publication = {0};
    dds_subscription_matched_status_t subscription = {0};
    if (is_writer) {
        dds_get_publication_matched_status(entity, &publication);
        return publication.current_count;
    }
    dds_get_subscription_matched_status(entity, &subscription);
    return subscription.current_count;
}
