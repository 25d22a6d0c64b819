/* look_only_test.c - who looks at a topic from outside writes nothing into it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/look.h"
#include "support/world.h"
#include "transport/writer.h"

#include <string.h>

/* As a writer leaves it that is stopped between publishing and moving next_sn on. */
static void a_snapshot_does_not_help_a_stopped_writer(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_control *control = pair.writer->segment->control;
    static unsigned char before[sizeof *control];
    must(eddy_writer_write(pair.writer, "a", 1));
    must(eddy_writer_write(pair.writer, "b", 1));
    eddy_store_relaxed(&control->next_sn, eddy_load_relaxed(&control->next_sn) - 1);
    memcpy(before, control, sizeof before);
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_topic_report *report = eddy_snapshot_topic(snapshot, 0);
    same(report->stats.published, 2);
    for (size_t i = 0; i < report->member_count; i++)
        if (!report->members[i].is_writer)
            same(report->members[i].behind, 2);
    eddy_snapshot_free(snapshot);
    same(memcmp(before, control, sizeof before), 0);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(a_snapshot_does_not_help_a_stopped_writer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
