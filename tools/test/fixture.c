/* fixture.c - topics to look at: `fixture NAME COUNT [IDLE...]` opens a writer and two readers of
 * NAME and a reader of each IDLE, publishes COUNT samples of 100 bytes, lets one reader take and keep
 * the first, notes for the other one what a DDS program would, says "ready", and stays until its
 * input ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>

enum { IDLE_MAX = 8 };

static void must(int error, const char *what)
{
    if (error == 0)
        return;
    fprintf(stderr, "fixture: %s: %s (%s)\n", what, eddy_last_error(), eddy_strerror(error));
    exit(1);
}

/* Until nobody looks any longer. */
static void stay(void)
{
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
}

int main(int argc, char **argv)
{
    static const char payload[100];
    const struct eddy_domain_options domain_options = {.name = "fixture"};
    const struct eddy_reader_options best_effort = {.reliability = EDDY_BEST_EFFORT};
    const struct eddy_notes notes = {
        .reliability = EDDY_NOTED_RELIABLE, .waiting = 3, .given_up = 2};
    const struct eddy_writer_options described = {.blob = "\001\377", .blob_size = 2};
    struct eddy_topic_identity topic = {.type = "fixture_type",
                                        .scope = "somewhere",
                                        .type_text = "long\n\033[31m;",
                                        .type_text_size = 11};
    struct eddy_sample kept;
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *keeper, *idle, *others[IDLE_MAX];
    if (argc < 3 || argc > 3 + IDLE_MAX)
        return 2;
    topic.name = argv[1];
    must(eddy_domain_open(&domain_options, &domain), "domain");
    must(eddy_writer_open(domain, &topic, &described, &writer), "writer");
    must(eddy_reader_open(domain, &topic, NULL, &keeper), "reader");
    must(eddy_reader_open(domain, &topic, &best_effort, &idle), "reader");
    for (int i = 3; i < argc; i++) {
        topic.name = argv[i];
        must(eddy_reader_open(domain, &topic, NULL, &others[i - 3]), "reader");
    }
    for (long i = strtol(argv[2], NULL, 10); i > 0; i--)
        must(eddy_writer_write(writer, payload, sizeof payload, EDDY_FOREVER), "write");
    must(eddy_reader_take(keeper, &kept), "take");
    must(eddy_reader_note(idle, &notes), "note");
    stay();
    must(eddy_reader_release(keeper, &kept), "release");
    for (int i = 3; i < argc; i++)
        must(eddy_reader_close(others[i - 3]), "close");
    must(eddy_reader_close(idle), "close");
    must(eddy_reader_close(keeper), "close");
    must(eddy_writer_close(writer), "close");
    must(eddy_domain_close(domain), "close");
    return 0;
}
