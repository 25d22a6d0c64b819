/* look_only_test.c - who looks at a topic from outside writes nothing into it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/registry.h"
#include "support/look.h"
#include "support/world.h"
#include "transport/slots/slots.h"
#include "transport/topic/writer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As a writer leaves it that is stopped between publishing and moving next_sn on. */
static void a_snapshot_does_not_help_a_stopped_writer(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_control *control = pair.writer->segment->control;
    static unsigned char before[sizeof *control];
    must(eddy_writer_write(pair.writer, "a", 1, patience()));
    must(eddy_writer_write(pair.writer, "b", 1, patience()));
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

static void a_snapshot_does_not_help_a_stopped_committer(void **state)
{
    (void)state;
    char path[256];
    eddy_slots *slots;
    struct eddy_slot_loan loan;
    eddy_domain *domain = open_domain();
    snprintf(path, sizeof path, "%s/slots.flink", world_dir());
    must(eddy_slots_create(domain, path, &(struct eddy_slots_options){.slot_count = 2}, &slots));
    must(eddy_slots_loan(slots, NULL, 0, EDDY_POLL, &loan));
    must(eddy_slots_publish_copy(slots, &loan, NULL, 0, NULL));
    eddy_store_relaxed(&slots->header->next_sn, slots->first_sn);
    eddy_snapshot *snapshot = snapshot_now();
    same(find_object(snapshot, "slots")->error, 0);
    same(find_object(snapshot, "slots")->published, 1);
    eddy_snapshot_free(snapshot);
    same(eddy_load_relaxed(&slots->header->next_sn), slots->first_sn);
    must(eddy_slots_close(slots));
    must(eddy_domain_close(domain));
}

/* Mappings of a file that may be written. */
static unsigned writable_mappings(const char *file)
{
    FILE *list = fopen("/proc/self/maps", "re");
    char line[512];
    unsigned count = 0;
    check(list != NULL);
    while (fgets(line, sizeof line, list))
        count += strstr(line, file) != NULL && strstr(line, " rw-s ") != NULL;
    fclose(list);
    return count;
}

/* So the hardware stops whoever forgets. */
static void what_is_looked_at_is_mapped_read_only(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_segment *s;
    struct eddy_domain *d = pair.domain;
    char id[EDDY_NONCE_TEXT];
    snprintf(id, sizeof id, "%s", pair.writer->segment->id);
    same(writable_mappings(".seg"), 1);
    must(eddy_segment_attach(eddy_domain_folder(d), id, EDDY_USE_LOOK, &s));
    same(writable_mappings(".seg"), 1);
    eddy_segment_detach(s);

    int fd;
    struct eddy_registry *registry;
    same(writable_mappings("/registry"), 1);
    must(eddy_registry_open(eddy_domain_folder(d), false, &fd, &registry));
    same(writable_mappings("/registry"), 1);
    eddy_registry_unmap(registry);
    close(fd);

    char path[256];
    eddy_slots *own, *seen;
    snprintf(path, sizeof path, "%s/slots.flink", world_dir());
    must(eddy_slots_create(d, path, &(struct eddy_slots_options){.slot_count = 2}, &own));
    unsigned before = writable_mappings(".slots");
    must(eddy_slots_object_attach(d, own->id, EDDY_USE_LOOK, &seen));
    same(writable_mappings(".slots"), before);
    eddy_slots_object_detach(seen);
    must(eddy_slots_close(own));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(a_snapshot_does_not_help_a_stopped_writer),
                                       WORLD_TEST(a_snapshot_does_not_help_a_stopped_committer),
                                       WORLD_TEST(what_is_looked_at_is_mapped_read_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
