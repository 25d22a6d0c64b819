/* flink_test.c - whatever a flink file holds, or is: a clear error, no hang.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 4096 };

static eddy_domain *domain;
static eddy_writer *writer;
static char good[MOST], bad_path[128];
static size_t good_bytes;

static void put_file(const char *path, const void *bytes, size_t count)
{
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    check(file >= 0);
    check(write(file, bytes, count) == (ssize_t)count);
    close(file);
}

static size_t get_file(const char *path, char *bytes, size_t room)
{
    int file = open(path, O_RDONLY);
    check(file >= 0);
    ssize_t count = read(file, bytes, room);
    check(count > 0 && (size_t)count < room);
    close(file);
    bytes[count] = 0;
    return (size_t)count;
}

/* A topic whose flink is known; `bad_path` is where the tests put theirs.  A call that hangs ends
 * the whole test. */
static void start(void)
{
    alarm(30);
    domain = open_domain();
    writer = open_writer(domain, "good", NULL);
    good_bytes = get_file(eddy_writer_flink(writer), good, sizeof good);
    snprintf(bad_path, sizeof bad_path, "%s/bad.flink", world_dir());
}

static void finish(void)
{
    unlink(bad_path);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    alarm(0);
}

static int attach(void)
{
    eddy_reader *reader = NULL;
    int error = eddy_reader_attach(NULL, bad_path, NULL, &reader);
    if (error == EDDY_OK)
        must(eddy_reader_close(reader));
    else
        check(reader == NULL);
    return error;
}

static void attach_fails(int error)
{
    must_fail(attach(), error);
    says("bad.flink");
}

static void a_whole_flink_under_another_name_is_good(void **state)
{
    (void)state;
    start();
    put_file(bad_path, good, good_bytes);
    must(attach());
    finish();
}

static void a_flink_that_is_not_there_is_no_entry(void **state)
{
    (void)state;
    start();
    attach_fails(EDDY_ENOENT);
    snprintf(bad_path, sizeof bad_path, "%s/no/such/bad.flink", world_dir());
    must_fail(attach(), EDDY_ENOENT);
    finish();
}

static void an_empty_flink_is_refused(void **state)
{
    (void)state;
    start();
    put_file(bad_path, "", 0);
    attach_fails(EDDY_EFLINK);
    finish();
}

static void a_flink_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    start();
    for (size_t length = 0; length < good_bytes; length++) {
        put_file(bad_path, good, length);
        int error = attach();
        check(error == EDDY_EFLINK || error == EDDY_EVERSION);
        says("bad.flink");
    }
    finish();
}

/* One byte changed is a good flink still (a comment, say) or an error; it never crashes. */
static void a_flink_with_any_byte_changed_is_good_or_refused(void **state)
{
    (void)state;
    static const char bytes[] = {0, '\n', '%', 'Z', '/', '.', (char)0x80, (char)0xff};
    start();
    for (size_t at = 0; at < good_bytes; at++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            char changed[MOST];
            memcpy(changed, good, good_bytes);
            changed[at] = bytes[i];
            put_file(bad_path, changed, good_bytes);
            int error = attach();
            check(error <= 0 && error >= EDDY_ELETGO);
            if (error != EDDY_OK)
                check(strlen(eddy_last_error()) > 10);
        }
    }
    finish();
}

static void a_huge_flink_is_refused(void **state)
{
    (void)state;
    enum { HUGE_BYTES = 8 << 20 };
    start();
    char *huge = malloc(HUGE_BYTES);
    check(huge != NULL);
    memset(huge, 'a', HUGE_BYTES);
    put_file(bad_path, huge, HUGE_BYTES);
    attach_fails(EDDY_EFLINK);
    memset(huge, '\n', HUGE_BYTES);
    memcpy(huge, good, good_bytes);
    put_file(bad_path, huge, HUGE_BYTES);
    attach_fails(EDDY_EFLINK);
    free(huge);
    finish();
}

static void a_binary_flink_is_refused(void **state)
{
    (void)state;
    uint64_t noise[64], seed = payload_seed();
    start();
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < 64; i++)
            noise[i] = payload_random(&seed);
        put_file(bad_path, noise, 1 + payload_random(&seed) % sizeof noise);
        attach_fails(EDDY_EFLINK);
    }
    finish();
}

static void a_symbolic_link_is_refused(void **state)
{
    (void)state;
    start();
    check(symlink(eddy_writer_flink(writer), bad_path) == 0);
    attach_fails(EDDY_EACCES);
    check(unlink(bad_path) == 0);
    check(symlink("bad.flink", bad_path) == 0);
    attach_fails(EDDY_EACCES);
    check(unlink(bad_path) == 0);
    check(symlink("/dev/zero", bad_path) == 0);
    attach_fails(EDDY_EACCES);
    finish();
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    start();
    check(mkfifo(bad_path, 0600) == 0);
    attach_fails(EDDY_EACCES);
    check(unlink(bad_path) == 0);
    check(mkdir(bad_path, 0700) == 0);
    attach_fails(EDDY_EACCES);
    check(rmdir(bad_path) == 0);
    finish();
}

static void somebody_elses_flink_is_refused(void **state)
{
    (void)state;
    need_others();
    start();
    put_file(bad_path, good, good_bytes);
    check(chown(bad_path, 65534, 65534) == 0);
    attach_fails(EDDY_EACCES);
    finish();
}

static void a_flink_that_others_may_write_is_refused(void **state)
{
    (void)state;
    start();
    put_file(bad_path, good, good_bytes);
    check(chmod(bad_path, 0602) == 0);
    attach_fails(EDDY_EACCES);
    finish();
}

/* The name of the object that a flink leads to is its last word. */
static void put_with_object(const char *object)
{
    char text[2 * MOST];
    size_t head = good_bytes - 1;
    while (good[head - 1] != ' ')
        head--;
    int length = snprintf(text, sizeof text, "%.*s%s\n", (int)head, good, object);
    put_file(bad_path, text, (size_t)length);
}

static void a_flink_that_leads_nowhere_says_so(void **state)
{
    (void)state;
    start();
    put_with_object("00000000000000000000000000000000");
    attach_fails(EDDY_ENOENT);
    finish();
}

static void a_flink_cannot_lead_out_of_the_folder(void **state)
{
    (void)state;
    static const char *const objects[] = {"../../../../../../../etc/passwd0", "/etc/passwd", "",
                                          ".", "0000000000000000000000000000000/"};
    start();
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        put_with_object(objects[i]);
        attach_fails(EDDY_EFLINK);
    }
    finish();
}

static void a_flink_that_leads_to_another_topic_is_refused(void **state)
{
    (void)state;
    char other[MOST];
    start();
    eddy_writer *stranger = open_writer(domain, "other", NULL);
    size_t bytes = get_file(eddy_writer_flink(stranger), other, sizeof other);
    other[bytes - 1] = 0;
    put_with_object(strrchr(other, ' ') + 1);
    attach_fails(EDDY_EFLINK);
    must(eddy_writer_close(stranger));
    finish();
}

/* Under the name that Eddy itself would use: opening fails or makes it anew; others go on. */
static void a_spoilt_flink_spoils_its_own_topic_at_most(void **state)
{
    (void)state;
    char path[512];
    eddy_writer *second;
    start();
    must(eddy_writer_close(writer));
    writer = open_writer(domain, "spoilt", NULL);
    snprintf(path, sizeof path, "%s", eddy_writer_flink(writer));
    must(eddy_writer_close(writer));
    put_file(path, "rubbish", 7);
    struct eddy_topic_identity name = {.name = "spoilt"};
    int error = eddy_writer_open(domain, &name, NULL, &second);
    if (error == EDDY_OK) {
        must(eddy_writer_close(second));
    } else {
        must_fail(error, EDDY_EFLINK);
        says("spoilt");
        check(unlink(path) == 0);
    }
    must(eddy_writer_open(domain, &name, NULL, &second));
    must(eddy_writer_close(second));
    writer = open_writer(domain, "good", NULL);
    finish();
}

static void a_snapshot_shows_a_spoilt_flink_as_such(void **state)
{
    (void)state;
    eddy_snapshot *snapshot;
    size_t spoilt = 0, whole = 0;
    start();
    put_file(bad_path, "rubbish", 7);
    must(eddy_snapshot_take(NULL, &snapshot));
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *report = eddy_snapshot_topic(snapshot, i);
        check(strlen(report->flink) > 0);
        whole += report->error == EDDY_OK;
        spoilt += report->error == EDDY_EFLINK && strlen(report->message) > 0;
    }
    same(whole, 1);
    same(spoilt, 1);
    eddy_snapshot_free(snapshot);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_whole_flink_under_another_name_is_good),
        WORLD_TEST(a_flink_that_is_not_there_is_no_entry),
        WORLD_TEST(an_empty_flink_is_refused),
        WORLD_TEST(a_flink_cut_off_anywhere_is_refused),
        WORLD_TEST(a_flink_with_any_byte_changed_is_good_or_refused),
        WORLD_TEST(a_huge_flink_is_refused),
        WORLD_TEST(a_binary_flink_is_refused),
        WORLD_TEST(a_symbolic_link_is_refused),
        WORLD_TEST(what_is_no_file_is_refused),
        WORLD_TEST(somebody_elses_flink_is_refused),
        WORLD_TEST(a_flink_that_others_may_write_is_refused),
        WORLD_TEST(a_flink_that_leads_nowhere_says_so),
        WORLD_TEST(a_flink_cannot_lead_out_of_the_folder),
        WORLD_TEST(a_flink_that_leads_to_another_topic_is_refused),
        WORLD_TEST(a_spoilt_flink_spoils_its_own_topic_at_most),
        WORLD_TEST(a_snapshot_shows_a_spoilt_flink_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
