/* words.h - a line of a test program's standard input, cut into words, and what it answers.
 *
 * Both programs that do what they are told use it: dds_node, and ros_node in ros/.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DDS_WORDS_H
#define DDS_WORDS_H

#include <dds/dds.h>

#define NODE_WORDS 32 /* in a command */

struct node_command {
    int count;
    char *words[NODE_WORDS]; /* the first is the name of the command */
};

/* Cuts the line, which it changes and the words point into. */
struct node_command node_command_in(char *line);

/* The value of name=value in a command, or `otherwise`. */
const char *node_text(const struct node_command *command, const char *name, const char *otherwise);
uint64_t node_number(const struct node_command *command, const char *name, uint64_t otherwise);

/* The word at `index`, as it is and as a number; exits if it is missing. */
const char *node_word(const struct node_command *command, int index);
uint64_t node_word_number(const struct node_command *command, int index);

/* The command without its word "w" or "r", which says whether it is about a writer. */
struct node_command node_about(const struct node_command *command, bool *is_writer);

/* Prints "fail ..." with what DDS says, and returns false; true if the result is no error. */
bool node_succeeded(dds_return_t result, const char *call);
void node_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many others a writer or a reader has now. */
uint32_t node_matched_now(dds_entity_t entity, bool is_writer);

#endif
