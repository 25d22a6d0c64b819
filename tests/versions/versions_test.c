/* versions_test.c - builds with different features in one domain, each a process of its own: what
 * both know they share; what one does not know it is refused, that thing alone, in words.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/layout.h"
#include "peer.h"
#include "support/child.h"
#include "support/look.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum topic { A, B };

/* --- a process of another build -------------------------------------------------------------- */

static void run_peer(int wire, void *build)
{
    char program[512], descriptor[16];
    snprintf(program, sizeof program, "%s%s", VERSIONS_PEER, (const char *)build);
    snprintf(descriptor, sizeof descriptor, "%d", wire);
    execl(program, program, descriptor, (char *)NULL);
    check_fail(CHECK_HERE("run_peer"), "cannot run %s", program);
}

static struct child start_peer(const char *build)
{
    struct child peer = child_start(run_peer, (void *)(uintptr_t)build);
    wire_expect(peer.wire, WIRE_READY);
    return peer;
}

static uint64_t ask(const struct child *peer, enum request what, unsigned topic, unsigned number)
{
    wire_say(peer->wire, request_make(what, topic, number));
    return wire_hear(peer->wire);
}

static void peer_must(const struct child *peer, enum request what, unsigned topic, unsigned number)
{
    same(ask(peer, what, topic, number), 0);
}

static void peer_leaves(struct child *peer)
{
    peer_must(peer, LEAVE, A, 0);
    child_join(peer);
}

/* --- this one -------------------------------------------------------------------------------- */

struct ends {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
};

static struct ends open_ends(eddy_domain *domain, unsigned topic)
{
    return (struct ends){domain, open_writer(domain, topic_names[topic], NULL),
                         open_reader(domain, topic_names[topic], NULL)};
}

static void close_ends(const struct ends *ends)
{
    must(eddy_writer_close(ends->writer));
    must(eddy_reader_close(ends->reader));
}

static void take(const struct ends *ends, unsigned number)
{
    struct eddy_sample sample;
    must(eddy_reader_wait(ends->reader, patience()));
    must(eddy_reader_take(ends->reader, &sample));
    same(sample.size, sizeof number);
    same(*(const unsigned *)sample.data, number);
    must(eddy_reader_release(ends->reader, &sample));
}

/* Each hears what it has said itself, too. */
static void exchange(const struct child *peer, const struct ends *ends, unsigned topic)
{
    for (unsigned i = 0; i < 10; i += 2) {
        unsigned number = i;
        must(eddy_writer_write(ends->writer, &number, sizeof number, patience()));
        peer_must(peer, PUBLISH, topic, i + 1);
        for (unsigned n = i; n < i + 2; n++) {
            same(ask(peer, TAKE, topic, 0), n);
            take(ends, n);
        }
    }
}

/* --- files ----------------------------------------------------------------------------------- */

/* The head of the only file whose name ends so. */
static int open_only(const char *ending)
{
    DIR *list = opendir(world_dir());
    int fd = -1;
    check(list != NULL);
    for (struct dirent *e; (e = readdir(list)) != NULL;) {
        size_t name = strlen(e->d_name), end = strlen(ending);
        if (name < end || strcmp(e->d_name + name - end, ending) != 0)
            continue;
        check(fd < 0);
        fd = openat(dirfd(list), e->d_name, O_RDWR | O_CLOEXEC);
        check(fd >= 0);
    }
    closedir(list);
    check(fd >= 0);
    return fd;
}

static struct eddy_head head_of(const char *ending)
{
    struct eddy_head head;
    int fd = open_only(ending);
    check(pread(fd, &head, sizeof head, 0) == sizeof head);
    close(fd);
    return head;
}

static void poke_head(const char *ending, size_t at, uint64_t value)
{
    int fd = open_only(ending);
    check(pwrite(fd, &value, sizeof value, (off_t)at) == sizeof value);
    close(fd);
}

/* --- claims ---------------------------------------------------------------------------------- */

#define COMPATIBLE_BIT (UINT64_C(1) << 63)

static void builds_that_differ_in_compatible_features_work_in_one_domain(void **state)
{
    (void)state;
    struct child peer = start_peer("compatible"); /* has created the registry */
    peer_must(&peer, OPEN, A, 0);
    eddy_domain *domain = open_domain();
    struct ends ends = open_ends(domain, A);
    same(head_of("registry").compatible, COMPATIBLE_BIT);
    same(head_of(".seg").compatible, COMPATIBLE_BIT);
    exchange(&peer, &ends, A);
    close_ends(&ends);
    ends = open_ends(domain, A);
    exchange(&peer, &ends, A);
    same(head_of("registry").compatible, COMPATIBLE_BIT); /* nobody has taken it away */
    same(head_of(".seg").compatible, COMPATIBLE_BIT);
    close_ends(&ends);
    must(eddy_domain_close(domain));
    peer_leaves(&peer);
}

static void a_topic_of_the_older_build_is_good_for_the_newer(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct ends ends = open_ends(domain, B);
    struct child peer = start_peer("compatible");
    peer_must(&peer, OPEN, B, 0);
    exchange(&peer, &ends, B);
    same(head_of("registry").compatible, 0);
    same(head_of(".seg").compatible, 0);
    peer_leaves(&peer);
    close_ends(&ends);
    must(eddy_domain_close(domain));
}

static void open_is_refused(eddy_domain *domain, unsigned topic)
{
    eddy_writer *writer = NULL;
    eddy_reader *reader = NULL;
    struct eddy_topic_identity name = {.name = topic_names[topic]};
    must_fail(eddy_writer_open(domain, &name, NULL, &writer), EDDY_EVERSION);
    must_fail(eddy_reader_open(domain, &name, NULL, &reader), EDDY_EVERSION);
}

static const struct eddy_topic_report *report_of(const eddy_snapshot *snapshot, const char *flink)
{
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *t = eddy_snapshot_topic(snapshot, i);
        const char *file = strrchr(t->flink, '/') + 1;
        if (strncmp(file, flink, strlen(flink)) == 0)
            return t;
    }
    check_fail(CHECK_HERE("report_of"), "there is no %s", flink);
}

static void one_topic_with_an_incompatible_feature_is_refused_alone(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct ends ends = open_ends(domain, A);
    struct child peer = start_peer("incompatible");
    peer_must(&peer, OPEN, A, 0);
    peer_must(&peer, OPEN, B, 0);
    open_is_refused(domain, B);
    says("incompatible feature 61");
    says("layout 7, line 64, page");
    exchange(&peer, &ends, A);
    peer_must(&peer, PUBLISH, B, 7); /* the peer is in nobody's way, and goes on there */
    same(ask(&peer, TAKE, B, 0), 7);

    eddy_snapshot *snapshot = snapshot_now();
    same(eddy_snapshot_topics(snapshot), 2);
    same(report_of(snapshot, "a.")->error, 0);
    same(report_of(snapshot, "b.")->error, EDDY_EVERSION);
    check(strstr(report_of(snapshot, "b.")->message, "incompatible feature 61") != NULL);
    eddy_snapshot_free(snapshot);
    (void)collect();
    peer_must(&peer, PUBLISH, B, 8);
    same(ask(&peer, TAKE, B, 0), 8);
    exchange(&peer, &ends, A);
    peer_leaves(&peer);
    close_ends(&ends);
    must(eddy_domain_close(domain));
}

static void what_may_only_be_looked_at_is_shown_and_refused(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct child peer = start_peer("look_only");
    peer_must(&peer, OPEN, B, 0);
    peer_must(&peer, PUBLISH, B, 1);
    peer_must(&peer, CREATE_RING, B, 0);
    peer_must(&peer, CREATE_SLOTS, B, 0);
    open_is_refused(domain, B);
    says("look-only feature 62");
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_topic_report *t = report_of(snapshot, "b.");
    same(t->error, 0);
    same(t->stats.published, 1);
    same(t->member_count, 2);
    for (size_t i = 0; i < eddy_snapshot_objects(snapshot); i++)
        same(eddy_snapshot_object(snapshot, i)->error, 0);
    same(eddy_snapshot_objects(snapshot), 2);
    eddy_snapshot_free(snapshot);
    /* What it does not understand it does not clear away, either. */
    child_kill(&peer);
    struct eddy_gc_report report = collect();
    same(report.topics_removed + report.objects_removed, 0);
    check(report.files_refused >= 3);
    open_is_refused(domain, B);
    must(eddy_domain_close(domain));
    domain = open_domain(); /* alone, it sweeps */
    must(eddy_domain_close(domain));
}

static void rings_and_slots_with_an_incompatible_feature_are_refused(void **state)
{
    (void)state;
    char path[256];
    eddy_ring *ring = NULL;
    eddy_slots *slots = NULL;
    eddy_domain *domain = open_domain();
    struct child peer = start_peer("incompatible");
    peer_must(&peer, CREATE_RING, A, 0);
    peer_must(&peer, CREATE_SLOTS, A, 0);
    must_fail(eddy_ring_attach(domain, "a", EDDY_RING_CONSUMER, NULL, &ring), EDDY_EVERSION);
    says("a ring, has incompatible feature 61");
    snprintf(path, sizeof path, "%s/a.flink", world_dir());
    must_fail(eddy_slots_attach(domain, path, NULL, &slots), EDDY_EVERSION);
    says("a slots segment, has incompatible feature 61");
    peer_leaves(&peer);
    must(eddy_domain_close(domain));
}

static void a_feature_that_has_a_name_is_told_by_it(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct ends ends = open_ends(domain, A);
    eddy_domain *other = open_domain();
    poke_head(".seg", offsetof(struct eddy_head, incompatible), 1 | UINT64_C(1) << 5);
    open_is_refused(other, A);
    says("incompatible features 0 (foreign memory), 5, which this Eddy does not know");
    poke_head(".seg", offsetof(struct eddy_head, incompatible), UINT64_MAX);
    open_is_refused(other, A); /* a sentence all the same */
    says("and 60 more");
    poke_head(".seg", offsetof(struct eddy_head, incompatible), 0);
    close_ends(&ends);
    must(eddy_domain_close(other));
    must(eddy_domain_close(domain));
}

static void both_versions_are_told_in_words(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct ends ends = open_ends(domain, A);
    eddy_domain *other = open_domain();
    uint64_t was = head_of(".seg").version;
    poke_head(".seg", offsetof(struct eddy_head, version),
              UINT64_C(9) | UINT64_C(128) << 16 | UINT64_C(65536) << 32);
    open_is_refused(other, A);
    says("has layout 9, line 128, page 65536");
    says("this Eddy has layout 7, line 64, page 4096");
    poke_head(".seg", offsetof(struct eddy_head, version), was);
    close_ends(&ends);
    must(eddy_domain_close(other));
    must(eddy_domain_close(domain));
}

static void a_registry_with_an_unknown_feature_is_replaced_when_nobody_uses_it(void **state)
{
    (void)state;
    eddy_domain *other = NULL, *domain = open_domain();
    poke_head("registry", offsetof(struct eddy_head, incompatible), 2);
    must_fail(eddy_domain_open(NULL, &other), EDDY_EVERSION);
    says("incompatible feature 1");
    char from[256], to[256]; /* as if its users had been killed */
    snprintf(from, sizeof from, "%s/registry", world_dir());
    snprintf(to, sizeof to, "%s/kept", world_dir());
    check(rename(from, to) == 0);
    must(eddy_domain_close(domain));
    check(rename(to, from) == 0);
    must(eddy_domain_open(NULL, &other));
    same(head_of("registry").incompatible, 0);
    must(eddy_domain_close(other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(builds_that_differ_in_compatible_features_work_in_one_domain),
        WORLD_TEST(a_topic_of_the_older_build_is_good_for_the_newer),
        WORLD_TEST(one_topic_with_an_incompatible_feature_is_refused_alone),
        WORLD_TEST(what_may_only_be_looked_at_is_shown_and_refused),
        WORLD_TEST(rings_and_slots_with_an_incompatible_feature_are_refused),
        WORLD_TEST(a_feature_that_has_a_name_is_told_by_it),
        WORLD_TEST(both_versions_are_told_in_words),
        WORLD_TEST(a_registry_with_an_unknown_feature_is_replaced_when_nobody_uses_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
