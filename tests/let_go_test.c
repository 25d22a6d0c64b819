/* let_go_test.c - a reliable reader that holds writers up is let go of: it loses samples, knows how
 * many, and goes on; nobody else notices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/look.h"
#include "support/payload.h"
#include "support/world.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { BYTES = 64, DEPTH = 4, LAPS = 5000 /* samples: more than the log holds */ };

static const struct eddy_reader_options shallow = {.depth = DEPTH};

static int publish_by(eddy_writer *writer, uint64_t number, uint64_t deadline)
{
    struct eddy_loan loan;
    int error = eddy_writer_loan(writer, BYTES, deadline, &loan);
    if (error)
        return error;
    payload_fill(loan.data, BYTES, 1, number);
    error = eddy_writer_publish(writer, &loan, BYTES, deadline);
    if (error)
        must(eddy_writer_discard(writer, &loan));
    return error;
}

static int publish(eddy_writer *writer, uint64_t number)
{
    return publish_by(writer, number, eddy_deadline(MILLISECOND));
}

static void publish_from(eddy_writer *writer, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        must(publish(writer, first + i));
}

static struct eddy_sample take(eddy_reader *reader)
{
    struct eddy_sample sample;
    must(eddy_reader_take(reader, &sample));
    return sample;
}

static void let_go(eddy_writer *writer, uint32_t seat)
{
    must(eddy_writer_let_go(writer, seat, 0));
}

static void come_back(eddy_reader *reader)
{
    struct eddy_sample sample;
    must_fail(eddy_reader_take(reader, &sample), EDDY_ELETGO);
    says("let go of this reader");
}

static void it_loses_samples_and_goes_on(void **state)
{
    (void)state;
    struct eddy_sample sample;
    struct pair pair = pair_open(NULL, &shallow);
    publish_from(pair.writer, 0, DEPTH);
    must_fail(publish(pair.writer, DEPTH), EDDY_ETIMEDOUT);
    let_go(pair.writer, 0);
    publish_from(pair.writer, DEPTH, LAPS);
    same(eddy_reader_lost(pair.reader), 0);
    check(eddy_reader_ready(pair.reader));
    come_back(pair.reader);
    same(eddy_reader_lost(pair.reader), DEPTH + LAPS);
    must_fail(eddy_reader_take(pair.reader, &sample), EDDY_EAGAIN);
    publish_from(pair.writer, 7, DEPTH);
    must_fail(publish(pair.writer, DEPTH), EDDY_ETIMEDOUT); /* it gates again */
    for (uint64_t i = 0; i < DEPTH; i++)
        same(payload_take(pair.reader).number, 7 + i);
    same(eddy_reader_lost(pair.reader), DEPTH + LAPS);
    pair_close(&pair);
}

/* One under its cursor, others beyond it. */
static void what_it_holds_stays_whole(void **state)
{
    (void)state;
    struct eddy_sample held[DEPTH], copy;
    struct pair pair = pair_open(&(struct eddy_writer_options){.limit_bytes = 1 << 20}, &shallow);
    publish_from(pair.writer, 0, DEPTH);
    for (int i = 0; i < DEPTH; i++)
        held[i] = take(pair.reader);
    let_go(pair.writer, 0);
    publish_from(pair.writer, DEPTH, LAPS);
    for (uint64_t i = 0; i < DEPTH; i++)
        same(payload_of(&held[i]).number, i);
    must(eddy_reader_release(pair.reader, &held[1]));
    come_back(pair.reader);
    publish_from(pair.writer, 0, 1);
    struct eddy_sample next = take(pair.reader);
    let_go(pair.writer, 0);
    publish_from(pair.writer, 1, LAPS);
    for (uint64_t i = 0; i < DEPTH; i++)
        same(i == 1 || payload_of(&held[i]).number == i, 1);
    same(payload_of(&next).number, 0);
    copy = held[0];
    must(eddy_reader_release(pair.reader, &held[0]));
    must_fail(eddy_reader_release(pair.reader, &copy), EDDY_ESTALE);
    must(eddy_reader_release(pair.reader, &held[3]));
    must(eddy_reader_release(pair.reader, &next));
    come_back(pair.reader);
    must(eddy_reader_release(pair.reader, &held[2]));
    pair_close(&pair);
}

/* Slots alone are short: all but one come free. */
static void a_full_topic_has_room_again(void **state)
{
    (void)state;
    struct eddy_writer_options few = {.limit_bytes = 200 << 10};
    struct pair pair = pair_open(
        &few, &(struct eddy_reader_options){.depth = 1000, .limit_bytes = few.limit_bytes});
    struct eddy_loan loan;
    int error, slots = 0;
    while ((error = eddy_writer_loan(pair.writer, 20 << 10, eddy_deadline(MILLISECOND), &loan)) ==
           EDDY_OK) {
        must(eddy_writer_publish(pair.writer, &loan, 20 << 10, patience()));
        slots++;
    }
    must_fail(error, EDDY_ETIMEDOUT);
    check(slots > 2);
    let_go(pair.writer, 0);
    for (int i = 0; i < slots - 1; i++)
        must(eddy_writer_loan(pair.writer, 20 << 10, patience(), &loan));
    must_fail(eddy_writer_loan(pair.writer, 20 << 10, eddy_deadline(MILLISECOND), &loan),
              EDDY_ETIMEDOUT);
    come_back(pair.reader); /* it was not at the last one after all */
    must(eddy_writer_loan(pair.writer, 20 << 10, patience(), &loan));
    pair_close(&pair);
}

static void pass_on(eddy_writer *writer, eddy_reader *reader, uint64_t from, uint64_t count)
{
    for (uint64_t i = from; i < from + count; i++) {
        must(publish(writer, i));
        same(payload_take(reader).number, i);
    }
}

static void others_lose_nothing(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &shallow);
    eddy_reader *other = open_reader(pair.domain, "pair", &shallow);
    for (uint64_t round = 0; round < 10; round++) {
        pass_on(pair.writer, other, round * LAPS, 2);
        struct eddy_sample held = take(pair.reader);
        let_go(pair.writer, 0);
        pass_on(pair.writer, other, round * LAPS + 2, LAPS - 2);
        same(payload_of(&held).number, round * LAPS);
        must(eddy_reader_release(pair.reader, &held));
        come_back(pair.reader);
        same(eddy_reader_lost(pair.reader), (round + 1) * (LAPS - 1));
    }
    same(eddy_reader_lost(other), 0);
    must(eddy_reader_close(other));
    pair_close(&pair);
}

/* Each holds its sample, and all are at different ones: more than a writer's list has room for. */
static void many_may_be_let_go_of(void **state)
{
    (void)state;
    enum { MANY = 40 };
    eddy_reader *readers[MANY];
    struct eddy_sample held[MANY];
    struct pair pair = pair_open(NULL, NULL);
    for (uint64_t i = 0; i < MANY; i++) {
        readers[i] = open_reader(pair.domain, "pair", &shallow);
        must(publish(pair.writer, i));
        same(payload_take(pair.reader).number, i);
        held[i] = take(readers[i]);
        let_go(pair.writer, (uint32_t)i + 1);
    }
    pass_on(pair.writer, pair.reader, MANY, LAPS);
    for (uint64_t i = 0; i < MANY; i++) {
        same(payload_of(&held[i]).number, i);
        if (i % 2)
            must(eddy_reader_release(readers[i], &held[i]));
        must(eddy_reader_close(readers[i]));
    }
    pair_close(&pair);
}

static void one_that_leaves_or_is_let_go_of_again_leaves_nothing(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &shallow);
    for (int round = 0; round < 5; round++) {
        publish_from(pair.writer, 0, DEPTH);
        let_go(pair.writer, 0);
        let_go(pair.writer, 0);
        publish_from(pair.writer, 0, DEPTH + 1);
        must(eddy_reader_close(pair.reader));
        pair.reader = open_reader(pair.domain, "pair", &shallow);
        for (uint64_t i = 0; i < DEPTH; i++) {
            must(publish(pair.writer, i));
            same(payload_take(pair.reader).number, i);
        }
        same(eddy_reader_lost(pair.reader), 0);
    }
    pair_close(&pair);
}

static void take_latest_tells_it_once(void **state)
{
    (void)state;
    struct eddy_sample sample;
    struct pair pair = pair_open(NULL, &shallow);
    publish_from(pair.writer, 0, 2);
    let_go(pair.writer, 0);
    must_fail(eddy_reader_take_latest(pair.reader, &sample), EDDY_ELETGO);
    must_fail(eddy_reader_take_latest(pair.reader, &sample), EDDY_EAGAIN);
    publish_from(pair.writer, 2, 3);
    must(eddy_reader_take_latest(pair.reader, &sample));
    same(payload_of(&sample).number, 4);
    must(eddy_reader_release(pair.reader, &sample));
    same(eddy_reader_lost(pair.reader), 2);
    pair_close(&pair);
}

static void who_holds_nobody_up_is_not_let_go_of(void **state)
{
    (void)state;
    struct pair pair =
        pair_open(NULL, &(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT});
    must_fail(eddy_writer_let_go(pair.writer, 0, 0), EDDY_EINVAL);
    says("best-effort");
    must_fail(eddy_writer_let_go(pair.writer, 1, 0), EDDY_ENOENT);
    must_fail(eddy_writer_let_go(pair.writer, UINT32_MAX, 0), EDDY_ENOENT);
    eddy_reader *reader = open_reader(pair.domain, "pair", NULL);
    uint64_t participant = eddy_reader_participant(reader);
    must_fail(eddy_writer_let_go(pair.writer, 1, participant + 1), EDDY_ENOENT);
    must(eddy_writer_let_go(pair.writer, 1, participant));
    must(eddy_reader_close(reader));
    must_fail(eddy_writer_let_go(pair.writer, 1, participant), EDDY_ENOENT);
    must_fail(eddy_topic_let_go(NULL, 0, 0), EDDY_EINVAL);
    must_fail(eddy_topic_let_go("nowhere/x.flink", 0, 0), EDDY_ENOENT);
    pair_close(&pair);
}

static const struct eddy_member_info *find_reader(const eddy_snapshot *snapshot)
{
    const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, 0);
    for (size_t i = 0; i < topic->member_count; i++)
        if (!topic->members[i].is_writer)
            return &topic->members[i];
    check_fail(CHECK_HERE("find_reader"), "there is no reader");
}

static void an_operator_sees_whom_to_let_go_of(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &shallow);
    publish_from(pair.writer, 0, DEPTH);
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_member_info *reader = find_reader(snapshot);
    check(!reader->let_go && reader->let_go_count == 0);
    same(reader->participant, eddy_reader_participant(pair.reader));
    must(eddy_topic_let_go(eddy_snapshot_topic(snapshot, 0)->flink, reader->seat,
                           reader->participant));
    eddy_snapshot_free(snapshot);
    publish_from(pair.writer, DEPTH, LAPS);
    snapshot = snapshot_now();
    check(find_reader(snapshot)->let_go);
    eddy_snapshot_free(snapshot);
    come_back(pair.reader);
    snapshot = snapshot_now();
    reader = find_reader(snapshot);
    check(!reader->let_go);
    same(reader->let_go_count, 1);
    same(reader->lost, DEPTH + LAPS);
    eddy_snapshot_free(snapshot);
    pair_close(&pair);
}

/* --- by the clock, if the reader says so -------------------------------------------------------- */

enum { MAY_MS = 60 };

static void one_that_may_hold_up_for_a_while_is_let_go_of_then(void **state)
{
    (void)state;
    struct eddy_reader_options brief = {.depth = DEPTH, .hold_up_ns = MAY_MS * MILLISECOND};
    struct pair pair = pair_open(NULL, &brief);
    eddy_reader *other = open_reader(pair.domain, "pair", &brief);
    publish_from(pair.writer, 0, DEPTH);
    uint64_t before = eddy_now();
    must(publish_by(pair.writer, DEPTH, patience()));
    check(eddy_now() - before >= MAY_MS * MILLISECOND);
    check(eddy_now() - before < 10 * SECOND);
    come_back(other);
    come_back(pair.reader);
    same(eddy_reader_lost(pair.reader), DEPTH + 1);
    must(eddy_reader_close(other));
    pair_close(&pair);
}

/* Also if nobody waits so long at once, or at all. */
static void short_waits_count_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct eddy_reader_options brief = {.depth = DEPTH, .hold_up_ns = MAY_MS * MILLISECOND};
        struct pair pair = pair_open(NULL, &brief);
        publish_from(pair.writer, 0, DEPTH);
        uint64_t before = eddy_now(), tries = 1;
        for (;
             publish_by(pair.writer, DEPTH, i ? EDDY_POLL : eddy_deadline(MILLISECOND)) != EDDY_OK;
             tries++)
            check(eddy_now() - before < 20 * SECOND);
        check(eddy_now() - before >= MAY_MS * MILLISECOND);
        check(tries > 1);
        come_back(pair.reader);
        pair_close(&pair);
    }
}

/* It holds the writer up again and again, but not as long as it may at once. */
static void one_that_moves_on_is_not_let_go_of(void **state)
{
    (void)state;
    struct eddy_reader_options slow = {.depth = 1, .hold_up_ns = SECOND};
    struct pair pair = pair_open(NULL, &slow);
    uint64_t begin = eddy_now();
    for (uint64_t i = 0; eddy_now() - begin < 3 * SECOND / 2; i++) {
        must(publish(pair.writer, i));
        for (int j = 0; j < 100; j++)
            must_fail(publish(pair.writer, i + 1), EDDY_ETIMEDOUT);
        same(payload_take(pair.reader).number, i);
    }
    same(eddy_reader_lost(pair.reader), 0);
    pair_close(&pair);
}

static void one_that_has_not_said_so_is_never_let_go_of(void **state)
{
    (void)state;
    struct eddy_reader_options brief = {.depth = DEPTH, .hold_up_ns = MILLISECOND};
    struct pair pair = pair_open(NULL, &shallow);
    eddy_reader *other = open_reader(pair.domain, "pair", &brief);
    publish_from(pair.writer, 0, DEPTH);
    for (int i = 0; i < 50; i++)
        must_fail(publish(pair.writer, DEPTH), EDDY_ETIMEDOUT);
    for (uint64_t i = 0; i < DEPTH; i++)
        same(payload_take(pair.reader).number, i);
    come_back(other);
    must(eddy_reader_close(other));
    pair_close(&pair);
}

/* Slots are short: who is furthest behind keeps them. */
static void one_that_keeps_all_slots_is_let_go_of(void **state)
{
    (void)state;
    struct eddy_writer_options few = {.limit_bytes = 200 << 10};
    struct eddy_reader_options brief = {
        .depth = 1000, .limit_bytes = 200 << 10, .hold_up_ns = MAY_MS * MILLISECOND};
    struct pair pair = pair_open(&few, &brief);
    struct eddy_loan loan;
    for (int i = 0; i < 100; i++) {
        must(eddy_writer_loan(pair.writer, 20 << 10, patience(), &loan));
        must(eddy_writer_publish(pair.writer, &loan, 20 << 10, patience()));
    }
    come_back(pair.reader);
    same(eddy_reader_lost(pair.reader), 100);
    pair_close(&pair);
}

/* --- another process, stopped or dead --------------------------------------------------------- */

static void hold_one(int wire, void *unused)
{
    (void)unused;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", &shallow);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    struct eddy_sample sample = take(reader);
    wire_say(wire, WIRE_DONE);
    wire_expect(wire, WIRE_GO);
    same(payload_of(&sample).number, 0);
    must(eddy_reader_release(reader, &sample));
    come_back(reader);
    wire_say(wire, eddy_reader_lost(reader));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static uint64_t stop_and_let_go(struct pair *pair, struct child *child)
{
    *child = child_start(hold_one, NULL);
    wire_expect(child->wire, WIRE_READY);
    pass_on(pair->writer, pair->reader, 0, DEPTH);
    wire_say(child->wire, WIRE_GO);
    wire_expect(child->wire, WIRE_DONE);
    child_stop(child);
    uint64_t number = DEPTH; /* a gate is not exact right after a reader has joined */
    for (; publish(pair->writer, number) == EDDY_OK; number++)
        same(payload_take(pair->reader).number, number);
    let_go(pair->writer, 1);
    pass_on(pair->writer, pair->reader, number, LAPS);
    return number + LAPS;
}

static void a_stopped_process_finds_its_sample_whole(void **state)
{
    (void)state;
    struct child child;
    struct pair pair = pair_open(NULL, NULL);
    uint64_t published = stop_and_let_go(&pair, &child);
    child_continue(&child);
    wire_say(child.wire, WIRE_GO);
    same(wire_hear(child.wire), published - 1);
    child_join(&child);
    (void)stop_and_let_go(&pair, &child);
    child_kill(&child);
    pair_close(&pair);
}

/* --- where the kernel has no fence for all ----------------------------------------------------- */

static bool refuse_fences(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1 /* EPERM */),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void let_go_without_fences(int wire, void *unused)
{
    (void)unused;
    (void)wire;
    void *none = NULL;
    check(refuse_fences());
    it_loses_samples_and_goes_on(&none);
    what_it_holds_stays_whole(&none);
    many_may_be_let_go_of(&none);
    one_that_leaves_or_is_let_go_of_again_leaves_nothing(&none);
}

static void it_works_without_a_fence_for_all(void **state)
{
    (void)state;
    struct child child = child_start(let_go_without_fences, NULL);
    child_join(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(it_loses_samples_and_goes_on),
        WORLD_TEST(what_it_holds_stays_whole),
        WORLD_TEST(a_full_topic_has_room_again),
        WORLD_TEST(others_lose_nothing),
        WORLD_TEST(many_may_be_let_go_of),
        WORLD_TEST(one_that_leaves_or_is_let_go_of_again_leaves_nothing),
        WORLD_TEST(take_latest_tells_it_once),
        WORLD_TEST(who_holds_nobody_up_is_not_let_go_of),
        WORLD_TEST(an_operator_sees_whom_to_let_go_of),
        WORLD_TEST(one_that_may_hold_up_for_a_while_is_let_go_of_then),
        WORLD_TEST(short_waits_count_together),
        WORLD_TEST(one_that_moves_on_is_not_let_go_of),
        WORLD_TEST(one_that_has_not_said_so_is_never_let_go_of),
        WORLD_TEST(one_that_keeps_all_slots_is_let_go_of),
        WORLD_TEST(a_stopped_process_finds_its_sample_whole),
        WORLD_TEST(it_works_without_a_fence_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
