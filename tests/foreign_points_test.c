/* foreign_points_test.c - an exporter dies or stops at any point: who reads goes on, and what comes
 * next does, too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/foreign.h"
#include "support/points.h"

static const char *const kinds[] = {"export:", "reclaim:", NULL};
static const char *const none[] = {NULL};

static struct pair pair;
static eddy_importer *importer;
static unsigned taken;

/* Exports, publishes, takes back, and leaves. */
static void film(int wire, void *unused)
{
    (void)wire, (void)unused;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    eddy_exporter *exporter;
    points_arm();
    must(eddy_exporter_open(writer, NULL, &exporter));
    struct buffer buffer = buffer_make(MFD_ALLOW_SEALING);
    buffer_fill(&buffer, 5);
    buffer_export(&buffer, exporter);
    for (int i = 0; i < 3; i++) {
        buffer_publish(&buffer, exporter);
        must(eddy_exporter_collect(exporter, 0, patience()));
    }
    must(eddy_exporter_close(exporter));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void view(void)
{
    struct eddy_sample sample;
    struct eddy_import import;
    while (eddy_reader_take(pair.reader, &sample) == EDDY_OK) {
        if (sample.header_size > 0) {
            int error = eddy_importer_map(importer, &sample, patience(), &import);
            check(error == EDDY_OK || error == EDDY_EPEERGONE);
            check(error != EDDY_OK || holds(&import, 5));
            if (!error)
                must(eddy_importer_unmap(importer, &import));
            taken++;
        }
        must(eddy_reader_release(pair.reader, &sample));
    }
}

/* Others are served as if nothing had happened. */
static void go_on(void)
{
    for (int i = 0; i < 200; i++) {
        must(eddy_writer_write(pair.writer, "text", 4, patience()));
        view();
    }
}

static bool play(void *unused)
{
    (void)unused;
    bool struck = false;
    pair = pair_open(NULL, NULL);
    must(eddy_importer_open(pair.domain, NULL, &importer));
    taken = 0;
    struct child child = child_start(film, NULL);
    for (uint64_t hung = patience(); !points_is_over(&child, &struck); view())
        check(eddy_now() < hung);
    if (struck && plan.blow == STOP) {
        go_on();
        child_continue(&child);
        for (uint64_t hung = patience(); taken < 3; view())
            check(eddy_now() < hung);
    }
    bool killed = points_bury(&child);
    go_on();
    check(killed || taken == 3);
    struct eddy_gc_report report;
    must(eddy_gc(NULL, &report));
    same(world_files(), 4); /* registry, flink, segment, its extent: no socket */
    must(eddy_importer_close(importer));
    pair_close(&pair);
    return struck;
}

static void killed_at_any_point_the_others_go_on(void **state)
{
    (void)state;
    const struct points_scene scene = {"an exporter", play, NULL};
    points_strike_all(&scene, 1, KILL, kinds, none);
}

static void stopped_at_any_point_nothing_is_lost(void **state)
{
    (void)state;
    const struct points_scene scene = {"an exporter", play, NULL};
    points_strike_all(&scene, 1, STOP, kinds, none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(killed_at_any_point_the_others_go_on),
        WORLD_TEST(stopped_at_any_point_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
