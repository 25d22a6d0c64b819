/* locator_test.c - the locator that tells other middleware where the slots are, and its refusals.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"

#include <stdlib.h>
#include <unistd.h>

static const uint8_t wire[] = {0xab, 0x2c, 0x9f, 0x4f, 0xe8, 0x03, 0, 0, 4, 0,
                               0,    0,    128,  0,    0,    0,    6, 0, 0, 0,
                               '/',  'a',  '/',  'b',  'c',  0,    0, 0};

static struct eddy_locator example(void)
{
    return (struct eddy_locator){
        .host_hash = 0x4f9f2cab, .uid = 1000, .slot_count = 4, .slot_size = 128, .path = "/a/bc"};
}

/* Not their padding. */
static void same_locator(const struct eddy_locator *got, const struct eddy_locator *wanted)
{
    same(got->host_hash, wanted->host_hash);
    same(got->uid, wanted->uid);
    same(got->slot_count, wanted->slot_count);
    same(got->slot_size, wanted->slot_size);
    check(strcmp(got->path, wanted->path) == 0);
}

static uint32_t fnv_1a(const char *text)
{
    uint32_t hash = 0x811c9dc5u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x01000193u;
    return hash;
}

/* As the page says: other middleware computes it by itself. */
static void the_host_hash_is_fnv_1a_of_boot_and_device(void **state)
{
    (void)state;
    char text[80];
    struct eddy_host host;
    same(fnv_1a("hello"), 0x4f9f2cab);
    must(eddy_host_identity(NULL, &host));
    snprintf(text, sizeof text, "%s:%llx", host.boot, (unsigned long long)host.device);
    same(host.hash, fnv_1a(text));
}

static void the_bytes_are_as_agreed(void **state)
{
    (void)state;
    uint8_t buffer[EDDY_LOCATOR_BYTES_MAX];
    struct eddy_locator in = example(), out;
    size_t used;
    same(EDDY_PID_SHM_LOCATOR, 0x8001);
    must(eddy_locator_encode(&in, buffer, sizeof buffer, &used));
    same(used, sizeof wire);
    check(memcmp(buffer, wire, sizeof wire) == 0);
    must(eddy_locator_decode(wire, sizeof wire, &out));
    same_locator(&out, &in);
    must(eddy_locator_decode(wire, 26, &out)); /* the padding may be missing */
    check(strcmp(out.path, "/a/bc") == 0);
}

static void every_length_comes_back(void **state)
{
    (void)state;
    for (size_t length = 0; length <= EDDY_LOCATOR_PATH_MAX; length++) {
        uint8_t buffer[EDDY_LOCATOR_BYTES_MAX];
        struct eddy_locator in = example(), out;
        size_t used;
        memset(in.path, 0, sizeof in.path);
        memset(in.path, 'x', length);
        must(eddy_locator_encode(&in, buffer, sizeof buffer, &used));
        same(used % 4, 0);
        must_fail(eddy_locator_encode(&in, buffer, used - 1, &used), EDDY_ETOOBIG);
        must(eddy_locator_decode(buffer, used, &out));
        same_locator(&out, &in);
    }
}

static void truncated_ones_are_refused(void **state)
{
    (void)state;
    struct eddy_locator out;
    for (size_t bytes = 0; bytes < 26; bytes++) {
        uint8_t *exact = malloc(bytes ? bytes : 1); /* so that reading on would be noticed */
        memcpy(exact, wire, bytes);
        must_fail(eddy_locator_decode(exact, bytes, &out), EDDY_EBOUNDS);
        says(bytes < 20 ? "header" : "path");
        free(exact);
    }
}

static void paths_that_are_none_are_refused(void **state)
{
    (void)state;
    struct eddy_locator out, in = example();
    uint8_t bad[600] = {0};
    size_t used;
    memcpy(bad, wire, sizeof wire);
    bad[16] = 0;
    must_fail(eddy_locator_decode(bad, sizeof wire, &out), EDDY_EINVAL); /* no NUL at all */
    bad[16] = 5;
    must_fail(eddy_locator_decode(bad, sizeof wire, &out), EDDY_EINVAL); /* no NUL at its end */
    bad[16] = 7;
    must_fail(eddy_locator_decode(bad, sizeof wire, &out), EDDY_EINVAL); /* two */
    bad[16] = 2, bad[17] = 1;                                            /* 258 with the NUL */
    must_fail(eddy_locator_decode(bad, sizeof bad, &out), EDDY_ETOOBIG);
    memset(bad + 16, 0xff, 4);
    must_fail(eddy_locator_decode(bad, sizeof bad, &out), EDDY_ETOOBIG);
    memset(in.path, 'x', sizeof in.path);
    must_fail(eddy_locator_encode(&in, bad, sizeof bad, &used), EDDY_ETOOBIG);
}

static void only_utf_8_is_let_through(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\xff",
                                        "\xc3",
                                        "\xc3(",
                                        "\xc0\xaf",
                                        "\xe0\x80\xaf",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xf8\x88\x80\x80\x80",
                                        "\x80"};
    static const char *const right[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a"};
    uint8_t buffer[64];
    struct eddy_locator in = example(), out;
    size_t used;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(in.path, sizeof in.path, "/%s", wrong[i]);
        must_fail(eddy_locator_encode(&in, buffer, sizeof buffer, &used), EDDY_EINVAL);
        memcpy(buffer, wire, 20);
        buffer[16] = (uint8_t)(strlen(in.path) + 1);
        memcpy(buffer + 20, in.path, strlen(in.path) + 1);
        must_fail(eddy_locator_decode(buffer, sizeof buffer, &out), EDDY_EINVAL);
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        snprintf(in.path, sizeof in.path, "/%s", right[i]);
        must(eddy_locator_encode(&in, buffer, sizeof buffer, &used));
        must(eddy_locator_decode(buffer, used, &out));
        check(strcmp(in.path, out.path) == 0);
    }
}

static void one_leads_to_the_slots(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    uint8_t buffer[EDDY_LOCATOR_BYTES_MAX];
    struct eddy_locator made, found;
    size_t used;
    eddy_slots *slots;
    must(eddy_slots_locator(p.writer, &made));
    must(eddy_locator_encode(&made, buffer, sizeof buffer, &used));
    must(eddy_locator_decode(buffer, used, &found));
    same(found.slot_count, 4);
    same(found.slot_size, 64);
    same(found.uid, geteuid());
    check(eddy_locator_is_local(&found));
    must(eddy_slots_attach(NULL, found.path, NULL, &slots));
    must(eddy_slots_close(slots));
    slots_pair_close(&p);
}

static void another_host_user_or_file_system_is_not_here(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct eddy_locator made, other;
    struct eddy_host host, proc;
    must(eddy_slots_locator(p.writer, &made));
    must(eddy_host_identity(world_dir(), &host));
    check(eddy_locator_is_same_host(&made, host.hash, host.uid));
    check(!eddy_locator_is_same_host(&made, host.hash + 1, host.uid));
    check(!eddy_locator_is_same_host(&made, host.hash, host.uid + 1));
    same(strlen(host.boot), 36);
    must(eddy_host_identity("/proc", &proc));
    check(proc.device != host.device && proc.hash != host.hash);
    other = made;
    other.uid++;
    check(!eddy_locator_is_local(&other));
    other = made;
    other.host_hash++;
    check(!eddy_locator_is_local(&other));
    other = made;
    snprintf(other.path, sizeof other.path, "/proc/x.flink"); /* another file system */
    check(!eddy_locator_is_local(&other));
    snprintf(other.path, sizeof other.path, "/dev/shm/there is none/x.flink");
    check(!eddy_locator_is_local(&other));
    snprintf(other.path, sizeof other.path, "x.flink");
    check(!eddy_locator_is_local(&other));
    must_fail(eddy_host_identity("/dev/shm/there is none", &host), EDDY_ENOENT);
    slots_pair_close(&p);
}

static void the_slot_header_has_sixteen_bytes(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 0, 0, 0, 4, 3, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x80};
    struct eddy_slot_header out, in = {1, 0x304, 0xffffffff, 0x80000000};
    uint8_t buffer[16];
    must(eddy_slot_header_encode(&in, buffer, sizeof buffer));
    check(memcmp(buffer, bytes, sizeof bytes) == 0);
    must(eddy_slot_header_decode(bytes, sizeof bytes, &out));
    check(memcmp(&in, &out, sizeof in) == 0);
    must_fail(eddy_slot_header_decode(bytes, 15, &out), EDDY_EBOUNDS);
    must_fail(eddy_slot_header_encode(&in, buffer, 15), EDDY_EBOUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_host_hash_is_fnv_1a_of_boot_and_device),
        WORLD_TEST(the_bytes_are_as_agreed),
        WORLD_TEST(every_length_comes_back),
        WORLD_TEST(truncated_ones_are_refused),
        WORLD_TEST(paths_that_are_none_are_refused),
        WORLD_TEST(only_utf_8_is_let_through),
        WORLD_TEST(one_leads_to_the_slots),
        WORLD_TEST(another_host_user_or_file_system_is_not_here),
        WORLD_TEST(the_slot_header_has_sixteen_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
