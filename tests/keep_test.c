/* keep_test.c - readers keep samples as long as they like; the topic grows, up to its limit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <stdlib.h>

enum { KEPT = 60, BIG = 64 << 10, LIMIT = 8 << 20, MOST = 1024 };

/* Publishes `rounds` samples; of those taken, KEPT are held at any time, released at random. */
static void keep_at_random(struct pair *pair, unsigned rounds, size_t size)
{
    struct eddy_sample kept[KEPT] = {0};
    struct payload was[KEPT];
    uint64_t seed = payload_seed();
    for (uint64_t i = 0; i < rounds; i++) {
        payload_publish(pair->writer, size, 1, i);
        size_t at = (size_t)(payload_random(&seed) % KEPT);
        if (kept[at].data) {
            same(payload_of(&kept[at]).number, was[at].number);
            must(eddy_reader_release(pair->reader, &kept[at]));
        }
        must(eddy_reader_take(pair->reader, &kept[at]));
        was[at] = payload_of(&kept[at]);
        same(was[at].number, i);
    }
    for (size_t at = 0; at < KEPT; at++) {
        if (!kept[at].data)
            continue;
        same(payload_of(&kept[at]).number, was[at].number);
        must(eddy_reader_release(pair->reader, &kept[at]));
    }
}

static void a_reliable_reader_keeps_samples_whole_in_any_order(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    keep_at_random(&pair, 20000, 200);
    pair_close(&pair);
}

static void a_best_effort_reader_keeps_samples_whole_in_any_order(void **state)
{
    (void)state;
    struct pair pair =
        pair_open(NULL, &(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT});
    keep_at_random(&pair, 20000, 200);
    pair_close(&pair);
}

static void samples_of_a_writer_that_closed_stay_whole(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_sample kept[10];
    for (uint64_t i = 0; i < 20; i++)
        payload_publish(pair.writer, 500, 1, i);
    for (uint64_t i = 0; i < 10; i++)
        must(eddy_reader_take(pair.reader, &kept[i]));
    must(eddy_writer_close(pair.writer));
    pair.writer = open_writer(pair.domain, "pair", NULL);
    for (uint64_t i = 10; i < 20; i++)
        same(payload_take(pair.reader).number, i);
    for (uint64_t i = 0; i < 1000; i++) {
        payload_publish(pair.writer, 500, 2, i);
        payload_take(pair.reader);
    }
    for (uint64_t i = 0; i < 10; i++) {
        same(payload_of(&kept[i]).number, i);
        same(payload_of(&kept[i]).author, 1);
        must(eddy_reader_release(pair.reader, &kept[i]));
    }
    pair_close(&pair);
}

static void kept_samples_do_not_use_up_the_depth(void **state)
{
    (void)state;
    static struct eddy_sample kept[500];
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 4});
    for (uint64_t i = 0; i < 500; i++) {
        payload_publish(pair.writer, 64, 1, i);
        must(eddy_reader_take(pair.reader, &kept[i]));
    }
    for (uint64_t i = 0; i < 500; i++) {
        same(payload_of(&kept[i]).number, i);
        must(eddy_reader_release(pair.reader, &kept[i]));
    }
    pair_close(&pair);
}

static struct eddy_sample hoard[MOST];

/* Publishes and keeps until there is no room; returns how many were kept. */
static size_t fill_up(struct pair *pair, uint64_t wait_ns, int error_wanted)
{
    struct eddy_loan loan;
    for (size_t kept = 0; kept < MOST; kept++) {
        uint64_t deadline = wait_ns ? eddy_deadline(wait_ns) : EDDY_POLL;
        int error = eddy_writer_loan(pair->writer, BIG, deadline, &loan);
        if (error != EDDY_OK) {
            same((uint64_t)-error, (uint64_t)-error_wanted);
            return kept;
        }
        payload_fill(loan.data, BIG, 1, kept);
        must(eddy_writer_publish(pair->writer, &loan, BIG, patience()));
        must(eddy_reader_take(pair->reader, &hoard[kept]));
    }
    check_fail(CHECK_HERE("fill_up"), "%d bytes never ran out", LIMIT);
}

static void limit_holds_and_release_recovers(struct pair *pair, uint64_t wait_ns, int error)
{
    struct eddy_topic_stats stats;
    size_t kept = fill_up(pair, wait_ns, error);
    must(eddy_writer_stats(pair->writer, &stats));
    same(stats.limit_bytes, LIMIT);
    check(stats.shared_bytes <= LIMIT);
    check(kept * BIG >= LIMIT / 2);
    for (size_t i = 0; i < 200; i++) {
        size_t at = i * 7 % kept;
        same(payload_of(&hoard[at]).size, BIG);
        must(eddy_reader_release(pair->reader, &hoard[at]));
        payload_publish(pair->writer, BIG, 2, i);
        must(eddy_reader_take(pair->reader, &hoard[at]));
        same(payload_of(&hoard[at]).number, i);
    }
    for (size_t at = 0; at < kept; at++) {
        payload_of(&hoard[at]);
        must(eddy_reader_release(pair->reader, &hoard[at]));
    }
    same(fill_up(pair, wait_ns, error), kept);
}

static void at_the_limit_a_loan_times_out_and_recovers(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.limit_bytes = LIMIT});
    limit_holds_and_release_recovers(&pair, 20 * MILLISECOND, EDDY_ETIMEDOUT);
    pair_close(&pair);
}

static void at_the_limit_a_poll_says_so_and_recovers(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.limit_bytes = LIMIT});
    limit_holds_and_release_recovers(&pair, 0, EDDY_EAGAIN);
    must_fail(eddy_writer_write(pair.writer, hoard, BIG, EDDY_POLL), EDDY_EAGAIN);
    pair_close(&pair);
}

/* Waiting would not help: nobody else is there. */
static void who_holds_all_alone_is_told_at_once(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer =
        open_writer(domain, "hog", &(struct eddy_writer_options){.limit_bytes = LIMIT});
    struct eddy_loan loan, last;
    int error;
    while ((error = eddy_writer_loan(writer, BIG, EDDY_FOREVER, &loan)) == EDDY_OK)
        last = loan;
    must_fail(error, EDDY_ELIMIT);
    says("hog");
    must_fail(eddy_writer_loan(writer, BIG, EDDY_POLL, &loan), EDDY_ELIMIT);
    eddy_reader *reader = open_reader(domain, "hog", NULL);
    must_fail(eddy_writer_loan(writer, BIG, EDDY_POLL, &loan), EDDY_EAGAIN);
    must(eddy_reader_close(reader));
    must(eddy_writer_discard(writer, &last));
    must(eddy_writer_loan(writer, BIG, EDDY_POLL, &loan));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void what_never_fits_the_limit_is_too_big(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.limit_bytes = LIMIT});
    struct eddy_loan loan;
    must_fail(eddy_writer_loan(pair.writer, LIMIT + 1, patience(), &loan), EDDY_ETOOBIG);
    says("pair");
    must(eddy_writer_loan(pair.writer, LIMIT / 4, patience(), &loan));
    must(eddy_writer_discard(pair.writer, &loan));
    pair_close(&pair);
}

/* Small samples must not eat the room of larger ones for ever: what is free serves again. */
static void unpublished_loans_count_and_come_back_on_close(void **state)
{
    (void)state;
    struct eddy_writer_options options = {.limit_bytes = LIMIT};
    eddy_domain *domain = open_domain();
    eddy_writer *hog = open_writer(domain, "hog", &options);
    eddy_writer *other = open_writer(domain, "hog", &options);
    struct eddy_loan loan;
    size_t out = 0;
    while (eddy_writer_loan(hog, BIG, eddy_deadline(MILLISECOND), &loan) == EDDY_OK)
        out++;
    check(out * BIG >= LIMIT / 2);
    must_fail(eddy_writer_loan(other, BIG, eddy_deadline(MILLISECOND), &loan), EDDY_ETIMEDOUT);
    must(eddy_writer_close(hog));
    for (size_t i = 0; i < out; i++)
        must(eddy_writer_loan(other, BIG, patience(), &loan));
    must(eddy_writer_close(other));
    must(eddy_domain_close(domain));
}

/* Three samples are held, one of them under the cursor if the reader is reliable. */
static void stop_while_holding(const struct eddy_reader_options *options)
{
    struct eddy_sample kept[3], more;
    struct pair pair = pair_open(NULL, options);
    for (uint64_t i = 0; i < 5; i++)
        payload_publish(pair.writer, 500, 1, i);
    for (uint64_t i = 0; i < 3; i++)
        must(eddy_reader_take(pair.reader, &kept[i]));
    must(eddy_reader_stop(pair.reader));
    must(eddy_reader_stop(pair.reader));
    must_fail(eddy_reader_take(pair.reader, &more), EDDY_EAGAIN);
    for (uint64_t i = 5; i < 5000; i++)
        payload_publish(pair.writer, 500, 1, i);
    must_fail(eddy_reader_take(pair.reader, &more), EDDY_EAGAIN);
    for (uint64_t i = 0; i < 3; i++) {
        same(payload_of(&kept[i]).number, i);
        must(eddy_reader_release(pair.reader, &kept[i]));
    }
    pair_close(&pair);
}

static void a_reader_that_stops_keeps_what_it_holds_and_holds_nobody_up(void **state)
{
    (void)state;
    stop_while_holding(&(struct eddy_reader_options){.depth = 8});
    stop_while_holding(&(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT});
    stop_while_holding(&(struct eddy_reader_options){.depth = 8, .history = UINT32_MAX});
}

static void the_environment_sets_the_limit(void **state)
{
    (void)state;
    struct eddy_topic_stats stats;
    setenv("EDDY_MAX_BYTES", "12582912", 1);
    struct pair pair = pair_open(NULL, NULL);
    unsetenv("EDDY_MAX_BYTES");
    must(eddy_reader_stats(pair.reader, &stats));
    same(stats.limit_bytes, 12582912);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_reliable_reader_keeps_samples_whole_in_any_order),
        WORLD_TEST(a_best_effort_reader_keeps_samples_whole_in_any_order),
        WORLD_TEST(samples_of_a_writer_that_closed_stay_whole),
        WORLD_TEST(kept_samples_do_not_use_up_the_depth),
        WORLD_TEST(at_the_limit_a_loan_times_out_and_recovers),
        WORLD_TEST(at_the_limit_a_poll_says_so_and_recovers),
        WORLD_TEST(who_holds_all_alone_is_told_at_once),
        WORLD_TEST(what_never_fits_the_limit_is_too_big),
        WORLD_TEST(unpublished_loans_count_and_come_back_on_close),
        WORLD_TEST(a_reader_that_stops_keeps_what_it_holds_and_holds_nobody_up),
        WORLD_TEST(the_environment_sets_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
