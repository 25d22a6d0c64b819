/* witness.c - see witness.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/witness.h"

#include "torture/board.h"

#include <string.h>

enum { NUMBER_BITS = 48 };

void witness_begin(struct witness *witness, uint32_t topic,
                   const struct eddy_reader_options *options)
{
    bool reliable = options->reliability == EDDY_RELIABLE;
    memset(witness, 0, sizeof *witness);
    witness->topic = topic;
    witness->complete = reliable;
    witness->gapless =
        reliable && (options->history == 0 || topics[topic].kind == EDDY_HISTORY_TOPIC);
    witness->counts = options->history == 0;
}

static void wrong(const struct witness *witness, const struct eddy_sample *sample,
                  const struct payload *payload, const char *how)
{
    check_fail(CHECK_HERE("order"),
               "sample %llu of %s, number %llu of author %llx, %s; sample %llu came before",
               (unsigned long long)sample->sn, topics[witness->topic].name,
               (unsigned long long)payload->number, (unsigned long long)payload->author, how,
               (unsigned long long)witness->last_sn);
}

static void check_numbers(struct witness *witness, const eddy_reader *reader,
                          const struct eddy_sample *sample, const struct payload *payload)
{
    bool first = witness->seen == 0 || witness->leaps;
    uint64_t lost = eddy_reader_lost(reader);
    if (sample->sn <= witness->last_sn)
        wrong(witness, sample, payload, "is repeated or late");
    if (witness->gapless && !first && sample->sn != witness->last_sn + 1)
        wrong(witness, sample, payload, "comes after a gap");
    if (witness->from_start && first && sample->sn - lost != 1)
        wrong(witness, sample, payload, "is not the topic's first");
    if (first) {
        witness->base_sn = sample->sn;
        witness->base_lost = lost;
        witness->seen = 0;
    }
    if (witness->counts &&
        sample->sn - witness->base_sn != witness->seen + lost - witness->base_lost)
        wrong(witness, sample, payload, "does not add up with what was lost");
}

static void check_author(struct witness *witness, const struct eddy_sample *sample,
                         const struct payload *payload)
{
    uint64_t process = payload->author >> 56, handle = payload->author >> NUMBER_BITS & 0xff;
    if (process >= MOST_PROCESSES || handle >= WRITERS + GUESTS)
        wrong(witness, sample, payload, "has an impossible author");
    struct progress *progress = &witness->progress[process][handle];
    if (progress->author == payload->author) {
        bool next = witness->complete ? payload->number == progress->next
                                      : payload->number >= progress->next;
        if (!next)
            wrong(witness, sample, payload, "is not the author's next");
    } else if (progress->author > payload->author && handle < WRITERS) {
        wrong(witness, sample, payload, "is of an author that had gone already");
    } else if (witness->from_start && witness->complete && payload->number != 0) {
        wrong(witness, sample, payload, "is not the author's first");
    }
    *progress = (struct progress){.author = payload->author, .next = payload->number + 1};
}

struct payload witness_see(struct witness *witness, const eddy_reader *reader,
                           const struct eddy_sample *sample)
{
    struct payload payload = payload_of(sample);
    if (witness->leaps) /* of every author something may have been passed over */
        memset(witness->progress, 0, sizeof witness->progress);
    check_numbers(witness, reader, sample, &payload);
    check_author(witness, sample, &payload);
    if (witness->topic < STEADY)
        board_agree(witness->topic, sample->sn, &payload);
    witness->leaps = false;
    witness->seen++;
    witness->last_sn = sample->sn;
    board_add(&board_line()->taken, 1);
    return payload;
}
