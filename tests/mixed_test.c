/* mixed_test.c - samples of all sizes on one topic: it gets as large as what lives at one time asks
 * for, not larger and larger.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

enum { WRITERS = 4, DEPTH = 1000, MOST_KEPT = 4000 };

struct mix {
    size_t largest;
    uint32_t kept, behind; /* samples held, and published before any is taken */
    uint64_t samples, most_bytes;
};

/* Mostly small: 1 of 16 up to the largest.  Now and then aligned, which takes larger slots. */
static void publish_one(eddy_writer *writer, size_t largest, uint64_t *seed, uint64_t number)
{
    struct eddy_loan loan;
    struct eddy_loan_options options = {0};
    uint64_t kind = payload_random(seed) % 16;
    size_t bound = kind == 0 ? largest : kind < 4 ? largest / 16 : 500;
    options.size = sizeof(struct payload) + (size_t)(payload_random(seed) % bound);
    if (payload_random(seed) % 16 == 0)
        options.alignment = (size_t)1 << payload_random(seed) % 13;
    must(eddy_writer_loan_with(writer, &options, patience(), &loan));
    payload_fill(loan.data, loan.size, 1, number);
    must(eddy_writer_publish(writer, &loan, loan.size, patience()));
}

static void take_all(eddy_reader *reader, struct eddy_sample *kept, uint32_t count, uint64_t *seed)
{
    struct eddy_sample sample;
    while (eddy_reader_take(reader, &sample) == EDDY_OK) {
        struct eddy_sample *place = &kept[payload_random(seed) % count];
        bool keep = payload_random(seed) % 4 == 0;
        if (keep && place->data)
            must(eddy_reader_release(reader, place));
        if (keep)
            *place = sample;
        else
            must(eddy_reader_release(reader, &sample));
    }
}

static void publish_a_mix(const struct mix *mix)
{
    static struct eddy_sample kept[MOST_KEPT];
    struct eddy_writer_options options = {.limit_bytes = 256u << 20};
    struct eddy_topic_stats stats;
    eddy_writer *writers[WRITERS];
    uint64_t seed = 88172645463325252;
    eddy_domain *domain = open_domain();
    for (int i = 0; i < WRITERS; i++)
        writers[i] = open_writer(domain, "mix", &options);
    struct eddy_reader_options reading = {.depth = DEPTH};
    eddy_reader *reader = open_reader(domain, "mix", &reading);
    for (int i = 0; i < MOST_KEPT; i++)
        kept[i].data = NULL;
    for (uint64_t i = 1; i <= mix->samples; i++) {
        eddy_writer *writer = writers[payload_random(&seed) % WRITERS];
        publish_one(writer, mix->largest, &seed, i);
        if (i % mix->behind == 0)
            take_all(reader, kept, mix->kept, &seed);
    }
    must(eddy_reader_stats(reader, &stats));
    if (stats.shared_bytes > mix->most_bytes)
        check_fail(CHECK_HERE("shared_bytes"), "%.1f MiB, not at most %.1f",
                   (double)stats.shared_bytes / 1048576., (double)mix->most_bytes / 1048576.);
    must(eddy_reader_close(reader));
    for (int i = 0; i < WRITERS; i++)
        must(eddy_writer_close(writers[i]));
    must(eddy_domain_close(domain));
}

/* Extents of slots that do not suit must not hide those that do. */
static void mixed_sizes_do_not_make_the_topic_grow(void **state)
{
    (void)state;
    publish_a_mix(&(struct mix){.largest = 65536,
                                .kept = 500,
                                .behind = 900,
                                .samples = SANITIZED ? 30000 : 60000,
                                .most_bytes = 24u << 20});
}

/* Samples that are kept for long must not hide the slots that are free. */
static void kept_samples_do_not_make_the_topic_grow(void **state)
{
    (void)state;
    publish_a_mix(&(struct mix){.largest = 4000,
                                .kept = MOST_KEPT,
                                .behind = 900,
                                .samples = SANITIZED ? 100000 : 400000,
                                .most_bytes = 32u << 20});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(mixed_sizes_do_not_make_the_topic_grow),
        WORLD_TEST(kept_samples_do_not_make_the_topic_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
