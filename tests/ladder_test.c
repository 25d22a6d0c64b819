/* ladder_test.c - each rung of attaching has its own error, which names the object.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/vandal.h"
#include "support/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { MAGIC_AT = 0, VERSION_AT = 8, NONCE_AT = 0x60 };

static void host_process(int wire, void *argument)
{
    (void)argument;
    struct pair pair = pair_open(&(struct eddy_writer_options){.history = 4}, NULL);
    payload_publish(pair.writer, 200, 1, 0);
    payload_take(pair.reader);
    wire_say(wire, WIRE_READY);
    for (;;) {
        wire_expect(wire, WIRE_GO);
        payload_publish(pair.writer, 200, 1, 1);
        payload_take(pair.reader);
        wire_say(wire, WIRE_DONE);
    }
}

/* Joining, attaching and taking what is published then: the first error on the way. */
static int try_to_read(void)
{
    eddy_domain *domain = NULL;
    eddy_reader *reader = NULL;
    struct eddy_sample sample;
    struct eddy_topic_identity name = {.name = "pair"};
    int error = eddy_domain_open(NULL, &domain);
    if (error != EDDY_OK)
        return error;
    error = eddy_reader_open(domain, &name, NULL, &reader);
    if (error == EDDY_OK) {
        wire_say(vandal_wire(), WIRE_GO);
        wire_expect(vandal_wire(), WIRE_DONE);
        error = eddy_reader_take(reader, &sample);
        must(eddy_reader_close(reader));
    }
    must(eddy_domain_close(domain));
    return error;
}

static void is_refused(int error)
{
    must_fail(try_to_read(), error);
}

static void start(const char *suffix)
{
    const struct vandal_object topic = {
        .host = host_process, .suffix = suffix, .is_refused = is_refused};
    vandal_start(&topic);
}

static void a_file_that_is_whole_is_read(void **state)
{
    (void)state;
    start(".seg");
    must(try_to_read());
    vandal_finish();
}

static void a_poked_word_gives(const char *suffix, size_t offset, uint64_t value, int error)
{
    start(suffix);
    vandal_word_gives(offset, value, error);
    vandal_finish();
}

static void without_its_magic_a_control_file_is_no_segment(void **state)
{
    (void)state;
    a_poked_word_gives(".seg", MAGIC_AT, 0, EDDY_ESEGMENT);
    a_poked_word_gives(".seg", MAGIC_AT, UINT64_C(0x4141414141414141), EDDY_ESEGMENT);
}

static void a_control_file_of_another_layout_says_so(void **state)
{
    (void)state;
    a_poked_word_gives(".seg", VERSION_AT, UINT64_C(0x7fff), EDDY_EVERSION);
    a_poked_word_gives(".seg", VERSION_AT, 0, EDDY_EVERSION);
}

static void a_control_file_under_another_files_name_is_refused(void **state)
{
    (void)state;
    a_poked_word_gives(".seg", NONCE_AT, 1, EDDY_ESEGMENT);
    a_poked_word_gives(".seg", NONCE_AT + 8, 1, EDDY_ESEGMENT);
}

static void without_its_magic_a_registry_is_none(void **state)
{
    (void)state;
    a_poked_word_gives("registry", MAGIC_AT, UINT64_C(0x4141414141414141), EDDY_ESEGMENT);
}

static void a_registry_of_another_layout_says_so(void **state)
{
    (void)state;
    a_poked_word_gives("registry", VERSION_AT, UINT64_C(0x7fff), EDDY_EVERSION);
}

/* Under its name stands a copy of the file's first bytes; who has the file mapped keeps it. */
static void put_short_copy(const struct image_file *file, size_t bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", world_dir(), file->name);
    check(unlink(path) == 0);
    int copy = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    check(copy >= 0);
    check(write(copy, file->saved, bytes) == (ssize_t)bytes);
    close(copy);
}

static void a_copy_is_refused(const char *suffix, size_t bytes)
{
    start(suffix);
    const struct image_file *file = vandal_file();
    put_short_copy(file, bytes < file->bytes ? bytes : file->bytes - 1);
    int error = try_to_read();
    check(error == EDDY_ESEGMENT || error == EDDY_EVERSION);
    says(file->name);
    vandal_finish();
}

static void a_file_cut_short_is_refused(const char *suffix)
{
    static const size_t sizes[] = {0, 1, 7, 8, 63, 64, 4095, 4096, 4097, 8192, 65536, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        a_copy_is_refused(suffix, sizes[i]);
}

static void a_control_file_cut_short_is_refused(void **state)
{
    (void)state;
    a_file_cut_short_is_refused(".seg");
}

static void an_extent_cut_short_is_refused(void **state)
{
    (void)state;
    a_file_cut_short_is_refused(".x0");
}

static void a_registry_cut_short_is_refused(void **state)
{
    (void)state;
    a_file_cut_short_is_refused("registry");
}

static void a_stranger_in_place_of(const char *suffix)
{
    start(suffix);
    vandal_file_is_none();
    must(try_to_read());
    vandal_finish();
}

static void links_fifos_and_strangers_files_are_refused(void **state)
{
    (void)state;
    a_stranger_in_place_of(".seg");
    a_stranger_in_place_of(".x0");
    a_stranger_in_place_of("registry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_file_that_is_whole_is_read),
        WORLD_TEST(without_its_magic_a_control_file_is_no_segment),
        WORLD_TEST(a_control_file_of_another_layout_says_so),
        WORLD_TEST(a_control_file_under_another_files_name_is_refused),
        WORLD_TEST(without_its_magic_a_registry_is_none),
        WORLD_TEST(a_registry_of_another_layout_says_so),
        WORLD_TEST(a_control_file_cut_short_is_refused),
        WORLD_TEST(an_extent_cut_short_is_refused),
        WORLD_TEST(a_registry_cut_short_is_refused),
        WORLD_TEST(links_fifos_and_strangers_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
