/* topic.h - a topic of DDS, and the topics of Eddy that carry it.  (internal)
 *
 * Two Eddy topics, which are called lanes, for each DDS topic and partition:
 *
 *   ALL   what reliable writers with KEEP_ALL write: they wait for readers that are behind, and fail
 *         at max_blocking_time
 *   LAST  what all others write: nobody ever waits
 *
 * They are apart since on one topic of Eddy a reader that is behind holds up all writers or none.
 * Types are told apart by what goes with each sample, not by the topic: DDS matches types of
 * different names if their structure allows it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_TOPIC_H
#define EDDY_PSMX_TOPIC_H

#include "instance.h"
#include "wire.h"

enum psmx_lane { PSMX_LANE_ALL = 0, PSMX_LANE_LAST = 1, PSMX_LANES = 2 };

struct psmx_subject {
    struct psmx_topic psmx; /* first */
    struct psmx_home *home;
    char *name;
    struct psmx_shape shape;
    bool has_key;
};

static inline struct psmx_subject *psmx_subject_of(struct psmx_topic *topic)
{
    return (struct psmx_subject *)topic;
}

/* The scope of the Eddy topic of a lane and partition; to be freed.  NULL: no memory. */
char *psmx_lane_scope(const struct psmx_home *home, enum psmx_lane lane, const char *partition);

/* writer.c, tap.c */
struct psmx_endpoint *psmx_writer_create(struct psmx_subject *subject, const struct psmx_qos *qos);
int32_t psmx_writer_delete(struct psmx_endpoint *endpoint);
struct psmx_endpoint *psmx_tap_create(struct psmx_subject *subject, const struct psmx_qos *qos);
int32_t psmx_tap_delete(struct psmx_endpoint *endpoint);

#endif
