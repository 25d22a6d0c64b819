/* record.h - all that a reader was given, as one line of text that two runs can be compared by.
 *
 * A line of a record is one writer's samples of one key, in the order in which they came:
 *
 *   w1.k3=1-40:unA0.0 41:unA1.0 *:unD1.0
 *
 * Samples in a row that look alike are one entry: their numbers ("*" is one without data), then the
 * sample state (u unread, r read), the view state (n new, o old), the instance state (A alive,
 * D disposed, W without writers) and how often the instance had been disposed and without writers.
 * What is wrong with a sample follows: !content, !time (the source time is not the writer's),
 * !writer (the same writer has another handle), !instance (the same key has another handle, or one
 * handle has two keys), !key (a sample without data has another key than its instance).
 * What came between lines, i.e. of other writers and keys, does not show: DDS leaves it open.
 *
 * Threads: one at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_RECORD_H
#define NODE_RECORD_H

#include "type.h"

#include <stdio.h>

struct node_record;

struct node_record *node_record_create(const struct node_type *type);
void node_record_destroy(struct node_record *record);

/* `plain`: without the states and counts, which depend on when a sample is taken. */
void node_record_add(struct node_record *record, const void *sample, const dds_sample_info_t *info,
                     bool plain);

/* Prints the lines, the lowest writer and key first, a space before each; keys in a row of which the
 * same is to be said are one line: w1.k0-9=... */
void node_record_print(struct node_record *record, FILE *out);

/* The source time of the sample with this number, close to `time`: its last digits are the
 * number's, so that a reader can tell. */
dds_time_t node_record_stamp(dds_time_t time, uint32_t number);

#endif
