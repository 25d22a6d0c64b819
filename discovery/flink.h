/* flink.h - the small file that leads a process to a topic's segment.  (internal)
 *
 *   announce (under the topic's lock) -> read by anybody -> withdraw (under the topic's lock)
 *
 * Text, so that a person can read it; each value is escaped (%XX) and on a line of its own:
 *
 *   eddy flink 1
 *   topic: rt/image
 *   type: sensor_msgs::msg::dds_::Image_
 *   scope: EDDY.0
 *   segment: 5f3c9a2b...   (32 hexadecimal digits: files <segment>.seg and <segment>.x* in the same
 * folder)
 *
 * One with a line `kind: ...` leads to something else than a topic, and needs no topic, type or
 * scope.
 *
 * Threads: any; a flink appears complete or not at all.
 * Crash:   a flink whose participants are all dead is replaced by the next who opens its topic.
 * spec/flink.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FLINK_H
#define EDDY_FLINK_H

#include "allocator/segment/segment.h"

#include <eddy/topic.h>

#define EDDY_FLINK_SUFFIX   ".flink"
#define EDDY_FLINK_NAME_MAX 224

/* Zero-filled before it is read into. */
struct eddy_flink {
    char topic[EDDY_NAME_MAX + 1], type[EDDY_NAME_MAX + 1], scope[EDDY_NAME_MAX + 1];
    char segment[EDDY_NONCE_TEXT];
    char kind[16]; /* "": a topic */
};

/* What makes a topic itself: the file name of its flink, and a number for its lock. */
struct eddy_flink_key {
    char file[EDDY_FLINK_NAME_MAX];
    int64_t lock;
};
void eddy_flink_key_make(const char *name, const char *type, const char *scope, bool type_apart,
                         struct eddy_flink_key *key);
/* The lock that goes with a flink's file name. */
int64_t eddy_flink_lock(const char *file);

/* Reads the flink of a topic.  EDDY_ENOENT, EDDY_EACCES, EDDY_EVERSION, EDDY_EFLINK (also if it is
 * of another kind). */
int eddy_flink_read(int dir, const char *file, struct eddy_flink *flink);
/* As eddy_flink_read, for a flink of another kind; NULL: of any. */
int eddy_flink_read_kind(int dir, const char *file, const char *kind, struct eddy_flink *flink);
/* EDDY_EEXIST if there is one. */
int eddy_flink_announce(int dir, const char *file, const struct eddy_flink *flink);
/* Any flink of the folder leads to this segment.  `segment` may go on behind its 32 digits. */
bool eddy_flink_leads_to(int dir, const char *segment);
/* Takes a flink away if it (still) leads to `segment`. */
void eddy_flink_withdraw(int dir, const char *file, const char *segment);

#endif
