/* late_reader_test.c - the history that a late reader gets costs what its samples cost, however many
 * participants have published them, and in whatever order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <fcntl.h>
#include <stdio.h>

enum { FEW = 2, MANY = 100, OF_ALL = 2000 };

/* Files opened by the engine: one for each look whether somebody lives. */
static unsigned opened;
int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);

int __wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
    opened++;
    return __real_openat(dir, path, flags, mode);
}

static eddy_domain *domains[MANY];
static eddy_writer *writers[MANY];

/* In turn, so that no two samples of one participant lie side by side. */
static void publish_in_turn(unsigned participants)
{
    struct eddy_writer_options keeping = {.history = OF_ALL / participants};
    for (unsigned i = 0; i < participants; i++) {
        domains[i] = open_domain();
        writers[i] = open_writer(domains[i], "past", &keeping);
    }
    for (unsigned i = 0; i < OF_ALL; i++)
        payload_publish(writers[i % participants], 64, i % participants, i / participants);
}

static unsigned files_opened_for(unsigned participants)
{
    struct eddy_reader_options all = {.history = UINT32_MAX};
    struct eddy_sample sample;
    unsigned count = 0;
    publish_in_turn(participants);
    eddy_domain *domain = open_domain();
    opened = 0;
    eddy_reader *reader = open_reader(domain, "past", &all);
    unsigned result = opened;
    for (; eddy_reader_take(reader, &sample) == EDDY_OK; count++) {
        same(payload_of(&sample).number, count / participants);
        must(eddy_reader_release(reader, &sample));
    }
    same(count, OF_ALL);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
    for (unsigned i = 0; i < participants; i++) {
        must(eddy_writer_close(writers[i]));
        must(eddy_domain_close(domains[i]));
    }
    return result;
}

/* Each is asked about when the topic is opened, and twice when its history is gathered. */
static void each_participant_is_asked_about_a_few_times(void **state)
{
    (void)state;
    unsigned few = files_opened_for(FEW), many = files_opened_for(MANY);
    printf("files opened for %d participants: %u, for %d: %u\n", FEW, few, MANY, many);
    check(many <= few + 5 * (MANY - FEW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(each_participant_is_asked_about_a_few_times)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
