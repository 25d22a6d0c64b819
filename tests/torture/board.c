/* board.c - see board.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/board.h"

#include <sys/mman.h>

enum { LAP_SHIFT = 40, HASH_SHIFT = 2, HASH_BITS = LAP_SHIFT - HASH_SHIFT };
enum { TAKEN = 1, RELEASING, RELEASED, STATES = 3 };

struct board *board;
static struct line *my_line;

void board_create(void)
{
    void *at = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(at != MAP_FAILED);
    board = at;
}

void board_sign(uint32_t line)
{
    my_line = &board->lines[line];
    atomic_store(&my_line->since, 0);
}

struct line *board_line(void)
{
    return my_line;
}

void board_add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed); /* statistics */
}

uint64_t board_sum(size_t counter_offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < LINES; i++)
        sum += *(_Atomic uint64_t *)((char *)&board->lines[i] + counter_offset);
    return sum;
}

static uint64_t stops_before;

void board_begin(const char *what)
{
    stops_before = atomic_load(&my_line->stops);
    atomic_store(&my_line->what, what);
    atomic_store(&my_line->since, eddy_now());
}

int board_end(int result)
{
    uint64_t took = eddy_now() - atomic_load(&my_line->since);
    atomic_store(&my_line->since, 0);
    board_add(&my_line->calls, 1);
    if (took > atomic_load(&my_line->longest) && stops_before == atomic_load(&my_line->stops)) {
        atomic_store(&my_line->longest, took);
        atomic_store(&my_line->longest_what, atomic_load(&my_line->what));
    }
    return result;
}

void board_agree(uint32_t topic, uint64_t sn, const struct payload *payload)
{
    _Atomic uint64_t *entry = &board->order[topic][sn % BOARD_ORDER];
    uint64_t lap = sn / BOARD_ORDER + 1; /* 0: nobody has said anything yet */
    uint64_t mine = lap << LAP_SHIFT | payload->sum >> (64 - LAP_SHIFT);
    uint64_t theirs = atomic_load(entry);
    while (theirs >> LAP_SHIFT < lap)
        if (atomic_compare_exchange_weak(entry, &theirs, mine))
            return;
    if (theirs >> LAP_SHIFT == lap && theirs != mine)
        check_fail(
            CHECK_HERE("one order"),
            "sample %llu of %s is another one here than elsewhere (author %llx, number %llu)",
            (unsigned long long)sn, topics[topic].name, (unsigned long long)payload->author,
            (unsigned long long)payload->number);
}

/* --- the checker's ring: one consumer at a time takes notes ----------------------------------- */

static uint64_t note_of(uint64_t sn, const struct payload *payload, uint64_t state)
{
    uint64_t lap = sn / BOARD_ORDER + 1, hash = payload->sum >> (64 - HASH_BITS);
    return lap << LAP_SHIFT | hash << HASH_SHIFT | state;
}

static void wrong_chunk(uint64_t sn, const struct payload *payload, const char *how)
{
    check_fail(CHECK_HERE("rest"), "chunk %llu of the checker's ring (number %llu) %s",
               (unsigned long long)sn, (unsigned long long)payload->number, how);
}

void board_take(uint64_t sn, const struct payload *payload, bool redelivered)
{
    _Atomic uint64_t *entry = &board->chunks[sn % BOARD_ORDER];
    uint64_t now = note_of(sn, payload, TAKEN), old = atomic_load(entry);
    uint64_t before = atomic_load(&board->chunks[(sn - 1) % BOARD_ORDER]);
    bool known =
        old >> LAP_SHIFT == now >> LAP_SHIFT; /* else its consumer died before it noted it */
    if (known && !redelivered)
        wrong_chunk(sn, payload, "was taken before");
    if (known && (old & STATES) == RELEASED)
        wrong_chunk(sn, payload, "had been given back");
    if (known && (old ^ now) >> HASH_SHIFT)
        wrong_chunk(sn, payload, "is another one than before");
    if (sn > 1 && before >> LAP_SHIFT != (sn - 1) / BOARD_ORDER + 1)
        wrong_chunk(sn, payload, "comes though the one before it never came");
    atomic_store(entry, now);
}

void board_release(uint64_t sn, const struct payload *payload, bool done)
{
    uint64_t state = done ? RELEASED : RELEASING;
    atomic_store(&board->chunks[sn % BOARD_ORDER], note_of(sn, payload, state));
}
