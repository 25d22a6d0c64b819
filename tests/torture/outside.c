/* outside.c - what a process does to topics as any onlooker might.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/handles.h"

#include <string.h>

static void collect_garbage(void)
{
    struct eddy_gc_report report;
    must(timed("eddy_gc", eddy_gc(NULL, &report)));
    same(report.files_refused, 0);
}

/* A picture of what changes meanwhile: of topics that are whole only their numbers vary. */
static void look_in(void)
{
    eddy_snapshot *snapshot;
    must(timed("eddy_snapshot_take", eddy_snapshot_take(NULL, &snapshot)));
    check(eddy_snapshot_topics(snapshot) >= STEADY);
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++)
        check(eddy_snapshot_topic(snapshot, i)->stats.writers <= MOST_PROCESSES * (WRITERS + 8));
    eddy_snapshot_free(snapshot);
}

/* Of what it has open. */
static const char *draw_flink(const struct process *p, uint64_t seed)
{
    const char *flinks[READERS + WRITERS];
    size_t count = 0;
    for (int i = 0; i < READERS; i++)
        if (p->readers[i].handle)
            flinks[count++] = eddy_reader_flink(p->readers[i].handle);
    for (int i = 0; i < WRITERS; i++)
        if (p->writers[i].handle)
            flinks[count++] = eddy_writer_flink(p->writers[i].handle);
    return count ? flinks[seed % count] : NULL;
}

static void trim(const struct process *p, uint64_t seed)
{
    uint64_t bytes = 0;
    const char *flink = draw_flink(p, seed);
    if (flink && let(timed("eddy_topic_trim", eddy_topic_trim(p->domain, flink, &bytes))))
        board_add(&board_line()->trimmed, bytes);
}

/* --- letting go of readers ------------------------------------------------------------------- */

/* Of all but those that the checker means to be complete. */
static const struct eddy_member_info *draw_reader(const struct eddy_topic_report *topic,
                                                  uint64_t seed)
{
    const struct eddy_member_info *chosen = NULL;
    uint64_t count = 0;
    for (size_t i = 0; i < topic->member_count; i++) {
        const struct eddy_member_info *m = &topic->members[i];
        if (!m->is_writer && m->reliable && strcmp(m->name, CHECKER_NAME) != 0 &&
            payload_random(&seed) % ++count == 0)
            chosen = m;
    }
    return chosen;
}

/* By a writer of the topic, or from outside. */
static void let_go_in(const struct process *p, const struct eddy_topic_report *topic,
                      const struct event *event)
{
    const struct eddy_member_info *m = draw_reader(topic, event->seed);
    eddy_writer *writer = NULL;
    int result = EDDY_ENOENT;
    for (int i = 0; i < WRITERS; i++)
        if (p->writers[i].handle &&
            strcmp(eddy_writer_flink(p->writers[i].handle), topic->flink) == 0)
            writer = p->writers[i].handle;
    if (m && event->verb == KICK)
        result =
            timed("eddy_topic_let_go", eddy_topic_let_go(topic->flink, m->seat, m->participant));
    else if (m && writer)
        result = timed("eddy_writer_let_go", eddy_writer_let_go(writer, m->seat, m->participant));
    /* It may have left, and its seat may be another's, or its topic's file; or it only says that it is
     * reliable. */
    if (result != EDDY_ENOENT && result != EDDY_EINVAL)
        let(result);
}

static void let_go(const struct process *p, const struct event *event)
{
    eddy_snapshot *snapshot;
    must(timed("eddy_snapshot_take", eddy_snapshot_take(NULL, &snapshot)));
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        if (!topic->error && strcmp(topic->name, topics[event->topic].name) == 0)
            let_go_in(p, topic, event);
    }
    eddy_snapshot_free(snapshot);
}

void outside_act(const struct process *p, const struct event *event)
{
    if (event->verb == GC)
        collect_garbage();
    else if (event->verb == LOOK)
        look_in();
    else if (event->verb == TRIM)
        trim(p, event->seed);
    else
        let_go(p, event);
}
