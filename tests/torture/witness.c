/* witness.c - see witness.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/witness.h"

#include "torture/board.h"

#include <string.h>

enum { NUMBER_BITS = 48 };

void witness_begin(struct witness *witness, uint32_t topic, const eddy_reader *reader,
                   const struct eddy_reader_options *options, uint64_t before)
{
    bool reliable = options->reliability == EDDY_RELIABLE;
    bool others = options->flags & EDDY_READER_NOT_OWN;
    struct eddy_topic_stats stats;
    must(eddy_reader_stats(reader, &stats));
    memset(witness, 0, sizeof *witness);
    witness->topic = topic;
    witness->complete = reliable;
    witness->gapless =
        reliable && !others && (options->history == 0 || topics[topic].kind == EDDY_HISTORY_TOPIC);
    witness->counts = options->history == 0 && !others;
    witness->history = options->history;
    witness->own = others ? eddy_reader_participant(reader) : 0;
    witness->before = before;
    witness->joined = stats.published;
}

static struct progress *progress_of(struct witness *witness, uint64_t author)
{
    uint64_t process = author >> 56, handle = author >> NUMBER_BITS & 0xff;
    return process < MOST_PROCESSES && handle < WRITERS + GUESTS
               ? &witness->progress[process][handle]
               : NULL;
}

static struct progress *expected(struct witness *witness, uint64_t author)
{
    struct progress *progress = progress_of(witness, author);
    progress->author = author;
    return progress;
}

void witness_expect(struct witness *witness, uint64_t author, uint64_t number, bool any)
{
    struct progress *progress = expected(witness, author);
    progress->next = number;
    progress->begins = any || witness->complete;
}

void witness_expect_of_key(struct witness *witness, uint64_t author, uint32_t key, uint64_t number,
                           bool any)
{
    struct progress *progress = expected(witness, author);
    progress->keys[key] = number + 1;
    if (any || witness->complete)
        progress->begins_key |= (uint8_t)(1u << key);
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

/* What was taken and what was lost is all that there was. */
static void check_count(struct witness *witness, const struct eddy_sample *sample,
                        const struct payload *payload, uint64_t least, uint64_t most)
{
    if (!witness->based && least == most) {
        witness->based = true;
        witness->base_sn = sample->sn;
        witness->base_lost = least;
        witness->seen = 0;
    }
    if (!witness->based || !witness->counts)
        return;
    uint64_t lost = sample->sn - witness->base_sn - witness->seen + witness->base_lost;
    if (lost < least || lost > most)
        wrong(witness, sample, payload, "does not add up with what was lost");
}

static void check_numbers(struct witness *witness, const struct eddy_sample *sample,
                          const struct payload *payload, uint64_t least, uint64_t most)
{
    bool first = witness->last_sn == 0 || witness->leaps;
    if (sample->sn <= witness->last_sn)
        wrong(witness, sample, payload, "is repeated or late");
    if (witness->complete && least != witness->lost)
        wrong(witness, sample, payload, "comes after a loss that was not told");
    if (witness->gapless && !first && sample->sn != witness->last_sn + 1 + witness->gap)
        wrong(witness, sample, payload, "comes after a gap");
    if (witness->from_start && first && sample->sn - least != 1)
        wrong(witness, sample, payload, "is not the topic's first");
    check_count(witness, sample, payload, least, most);
    witness->gap = 0;
}

/* Not more from before the reader's time than it asked for, and the writer keeps. */
static void check_past(struct witness *witness, const struct eddy_sample *sample,
                       const struct payload *payload, struct progress *progress, uint32_t of)
{
    const struct topic *topic = &topics[witness->topic];
    board_add(&board_line()->past, sample->sn <= witness->joined);
    if (sample->sn > witness->before || topic->kind == EDDY_HISTORY_TOPIC)
        return;
    uint32_t kept = topic->kind == EDDY_HISTORY_KEY ? TORTURE_KEPT(sample->word) : topic->history;
    if (++progress->past[of] > kept || progress->past[of] > witness->history)
        wrong(witness, sample, payload, "is one too many from before its reader's time");
}

static void check_key(struct witness *witness, const struct eddy_sample *sample,
                      const struct payload *payload, struct progress *progress)
{
    uint32_t key = TORTURE_KEY(sample->word), bit = 1u << key;
    uint64_t number = TORTURE_NUMBER(sample->word), next = progress->keys[key];
    if (sample->with != (EDDY_WITH_KEY | EDDY_WITH_WORD | EDDY_WITH_TIME) || key >= KEYS ||
        sample->key[0] != key || sample->key[15] != (key ^ 0xff) || sample->time > eddy_now())
        wrong(witness, sample, payload, "has lost what went with it");
    bool exact = witness->complete || (progress->begins_key & bit);
    if (next && (exact ? number != next - 1 : number < next - 1))
        wrong(witness, sample, payload, "is not the next of its key");
    progress->begins_key &= (uint8_t)~bit;
    progress->keys[key] = number + 2;
}

static void check_author(struct witness *witness, const struct eddy_sample *sample,
                         const struct payload *payload)
{
    uint64_t handle = payload->author >> NUMBER_BITS & 0xff;
    struct progress *progress = progress_of(witness, payload->author);
    bool of_key = topics[witness->topic].kind == EDDY_HISTORY_KEY;
    if (!progress)
        wrong(witness, sample, payload, "has an impossible author");
    if (witness->own && sample->source == witness->own)
        wrong(witness, sample, payload, "is its reader's own");
    if (progress->author == payload->author) {
        /* What was kept of each key has gaps in between. */
        bool exact = progress->begins ||
                     (witness->complete && (!of_key || progress->follows || !witness->history));
        if (exact ? payload->number != progress->next : payload->number < progress->next)
            wrong(witness, sample, payload, "is not the author's next");
    } else if (progress->author > payload->author && handle < WRITERS) {
        wrong(witness, sample, payload, "is of an author that had gone already");
    } else if (witness->from_start && witness->complete && payload->number != 0) {
        wrong(witness, sample, payload, "is not the author's first");
    } else {
        *progress = (struct progress){.author = payload->author};
    }
    check_past(witness, sample, payload, progress, of_key ? TORTURE_KEY(sample->word) % KEYS : 0);
    if (of_key)
        check_key(witness, sample, payload, progress);
    progress->next = payload->number + 1;
    progress->begins = false;
    progress->follows = sample->sn > witness->joined;
}

struct payload witness_see(struct witness *witness, const struct eddy_sample *sample,
                           uint64_t lost_least, uint64_t lost_most)
{
    struct payload payload = payload_of(sample);
    if (witness->leaps) { /* of every author something may have been passed over */
        memset(witness->progress, 0, sizeof witness->progress);
        witness->based = false;
    }
    check_numbers(witness, sample, &payload, lost_least, lost_most);
    check_author(witness, sample, &payload);
    if (witness->topic < STEADY)
        board_agree(witness->topic, sample->sn, &payload);
    witness->leaps = false;
    witness->seen++;
    witness->last_sn = sample->sn;
    board_add(&board_line()->taken, 1);
    return payload;
}

void witness_let_go(struct witness *witness, const eddy_reader *reader)
{
    uint64_t lost = eddy_reader_lost(reader), more = lost - witness->lost;
    check(witness->complete && lost >= witness->lost);
    witness->gap += more;
    witness->lost = lost;
    if (more > 0) { /* of every author something may be among them */
        memset(witness->progress, 0, sizeof witness->progress);
        witness->from_start = false;
    }
    board_add(&board_line()->told, 1);
}
