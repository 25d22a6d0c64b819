/* with_bounds_test.c - what a slot says to go with its sample lies within the slot, or is refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include "transport/topic/reader.h"
#include "transport/topic/with.h"
#include "transport/topic/writer.h"

enum { HEADER = 24 }; /* of a user */

static struct eddy_slot *slot_of(struct pair *pair, uint32_t id)
{
    struct eddy_place place = {0};
    same(eddy_slot_find(pair->writer->segment, id, &place), EDDY_OK);
    return place.slot;
}

static void say(struct eddy_slot *slot, uint32_t offset, uint32_t header, uint32_t with)
{
    eddy_store_relaxed(&slot->data_offset, offset);
    eddy_store_relaxed(&slot->header_size, header | with << EDDY_HEADER_WITH);
}

static void take_well(struct pair *pair, uint32_t offset, uint32_t with)
{
    struct eddy_sample sample;
    must(eddy_reader_take(pair->reader, &sample));
    same(sample.with, with);
    const uint8_t *first = (const uint8_t *)sample.data - offset; /* of the slot */
    check(!sample.key || sample.key >= first);
    must(eddy_reader_release(pair->reader, &sample));
}

/* One sample, of which somebody else says something, and then something true again. */
static void take_with(struct pair *pair, uint32_t offset, uint32_t header, uint32_t with)
{
    struct eddy_loan loan;
    struct eddy_sample sample;
    must(eddy_writer_loan(pair->writer, 64, EDDY_POLL, &loan));
    struct eddy_slot *slot = slot_of(pair, loan.slot);
    must(eddy_writer_publish(pair->writer, &loan, 8, EDDY_POLL));
    say(slot, offset, header, with);
    if (offset < header + eddy_with_room(with)) {
        must_fail(eddy_reader_take(pair->reader, &sample), EDDY_ESEGMENT);
        say(slot, 0, 0, 0);
        take_well(pair, 0, 0);
    } else {
        take_well(pair, offset, with);
    }
}

static void a_reader_refuses_what_reaches_out_of_its_slot(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    for (uint32_t with = 0; with <= EDDY_WITH_ALL; with++)
        for (uint32_t header = 0; header <= HEADER; header += HEADER) {
            uint32_t room = header + (uint32_t)eddy_with_room(with);
            for (uint32_t offset = 0; offset <= room; offset += 8)
                take_with(&pair, offset, header, with);
        }
    pair_close(&pair);
}

static void a_writer_refuses_it_of_a_loan(void **state)
{
    (void)state;
    const struct eddy_loan_options plan = {.size = 64, .with = EDDY_WITH_ALL};
    const struct eddy_publication what = {.word = 1};
    const uint32_t room = (uint32_t)eddy_with_room(EDDY_WITH_ALL);
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan;
    must(eddy_writer_loan_with(pair.writer, &plan, EDDY_POLL, &loan));
    struct eddy_slot *slot = slot_of(&pair, loan.slot);
    uint32_t before = eddy_load_relaxed(&slot->data_offset);
    for (uint32_t offset = 0; offset < room; offset += 8) {
        eddy_store_relaxed(&slot->data_offset, offset);
        must_fail(eddy_writer_publish_with(pair.writer, &loan, 8, &what, EDDY_POLL), EDDY_ESEGMENT);
    }
    eddy_store_relaxed(&slot->data_offset, before);
    must(eddy_writer_publish_with(pair.writer, &loan, 8, &what, EDDY_POLL));
    pair_close(&pair);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(a_reader_refuses_what_reaches_out_of_its_slot),
        WORLD_TEST(a_writer_refuses_it_of_a_loan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
