/* report.c - see report.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/report.h"

#include "tools/why/words.h"

#include <stdlib.h>
#include <string.h>

static bool is_asked(const char *topic, const char *asked)
{
    if (asked == NULL || strcmp(topic, asked) == 0)
        return true;
    char *ros = eddy_why_ros_name(topic);
    bool same = ros != NULL && strcmp(ros, asked) == 0;
    free(ros);
    return same;
}

/* --- endpoints by topic ---------------------------------------------------------------------- */

/* Those who were discovered before others, so that a verdict begins with what can be told. */
static int compare_endpoints(const void *a, const void *b)
{
    const struct eddy_why_endpoint *x = *(const struct eddy_why_endpoint *const *)a;
    const struct eddy_why_endpoint *y = *(const struct eddy_why_endpoint *const *)b;
    int order = strcmp(x->topic, y->topic);
    if (order == 0)
        order = y->is_writer - x->is_writer;
    if (order == 0)
        order = strcmp(x->process->name, y->process->name);
    if (order == 0)
        order = (x->process->pid > y->process->pid) - (x->process->pid < y->process->pid);
    return order != 0 ? order : memcmp(x->guid, y->guid, sizeof x->guid);
}

/* One that is dead is of interest to who asks for its topic. */
static bool is_shown(const struct eddy_why_endpoint *endpoint, const char *asked)
{
    bool is_dead = !endpoint->is_discovered && endpoint->member != NULL &&
                   endpoint->member->info.state == EDDY_MEMBER_DEAD;
    return is_asked(endpoint->topic, asked) && (asked != NULL || !is_dead);
}

static const struct eddy_why_endpoint **sort_endpoints(struct eddy_arena *arena,
                                                       const struct eddy_why_world *world,
                                                       const char *asked, size_t *count)
{
    const struct eddy_why_endpoint **sorted =
        eddy_arena_take(arena, world->endpoint_count + 1, sizeof sorted[0]);
    *count = 0;
    for (size_t i = 0; i < world->endpoint_count; i++)
        if (is_shown(&world->endpoints[i], asked))
            sorted[(*count)++] = &world->endpoints[i];
    qsort(sorted, *count, sizeof sorted[0], compare_endpoints);
    return sorted;
}

/* --- pairs ----------------------------------------------------------------------------------- */

/* The endpoints of one topic: writers, then readers. */
struct group {
    const struct eddy_why_endpoint **endpoints;
    size_t writers, count;
};

static struct group take_group(const struct eddy_why_endpoint **sorted, size_t left)
{
    struct group group = {.endpoints = sorted};
    while (group.count < left && strcmp(sorted[group.count]->topic, sorted[0]->topic) == 0)
        group.writers += sorted[group.count++]->is_writer;
    return group;
}

static void judge_group(struct eddy_arena *arena, const struct eddy_why_world *world,
                        const struct group *group, struct eddy_why_topic *topic)
{
    static const struct eddy_why_endpoint *nobody[] = {NULL};
    const struct eddy_why_endpoint **writers = group->endpoints;
    const struct eddy_why_endpoint **readers = group->endpoints + group->writers;
    size_t writer_count = group->writers, reader_count = group->count - group->writers;
    if (writer_count == 0) {
        writers = nobody;
        writer_count = 1;
    } else if (reader_count == 0) {
        readers = nobody;
        reader_count = 1;
    }
    topic->name = group->endpoints[0]->topic;
    topic->verdict_count = writer_count * reader_count;
    topic->verdicts = eddy_arena_take(arena, topic->verdict_count, sizeof topic->verdicts[0]);
    for (size_t i = 0; i < topic->verdict_count; i++) {
        struct eddy_why_verdict *verdict = &topic->verdicts[i];
        eddy_why_judge(world, writers[i / reader_count], readers[i % reader_count], verdict);
        if (verdict->grade > topic->grade)
            topic->grade = verdict->grade;
    }
}

static int compare_topics(const void *a, const void *b)
{
    const struct eddy_why_topic *x = a, *y = b;
    int order = (int)y->grade - (int)x->grade;
    return order != 0 ? order : strcmp(x->name, y->name);
}

/* A topic that only one side uses is nothing to worry about unless it was asked for: many of ROS 2
 * have no reader most of the time. */
void eddy_why_report(struct eddy_arena *arena, const struct eddy_why_world *world,
                     const char *asked, struct eddy_why_report *report)
{
    size_t left = 0;
    const struct eddy_why_endpoint **at = sort_endpoints(arena, world, asked, &left);
    *report = (struct eddy_why_report){.world = world, .asked = asked};
    report->topics = eddy_arena_take(arena, left + 1, sizeof report->topics[0]);
    while (left > 0) {
        struct group group = take_group(at, left);
        bool has_pairs = group.writers > 0 && group.writers < group.count;
        if (asked != NULL || has_pairs) {
            struct eddy_why_topic *topic = &report->topics[report->topic_count++];
            judge_group(arena, world, &group, topic);
            if (topic->grade > report->grade)
                report->grade = topic->grade;
        }
        at += group.count;
        left -= group.count;
    }
    qsort(report->topics, report->topic_count, sizeof report->topics[0], compare_topics);
    if (world->stray_count > 0 || world->endpoint_count == 0 ||
        (asked != NULL && report->topic_count == 0))
        report->grade = EDDY_GRADE_LOST;
}
