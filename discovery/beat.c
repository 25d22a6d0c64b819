/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/beat.h"

#include "discovery/participant.h"
#include "discovery/reap.h"

#include <stdlib.h>

/* --- who is there ----------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct eddy_beat_life *)a)->id;
    uint64_t y = ((const struct eddy_beat_life *)b)->id;
    return x < y ? -1 : x > y;
}

struct eddy_beat_life *eddy_beat_find(const struct eddy_beat *w, uint64_t id)
{
    struct eddy_beat_life key = {.id = id};
    return w->count ? bsearch(&key, w->lives, w->count, sizeof key, by_id) : NULL;
}

/* Whoever has a seat of the walk, and is not `self`. */
static size_t list_seats(const struct eddy_segment *s, bool writers, struct eddy_seats *seats,
                         uint64_t self, struct eddy_beat_life *list)
{
    size_t count = 0;
    for (uint32_t i; eddy_seats_next(seats, &i);) {
        uint64_t id = eddy_seat_owner(s, writers, i) & ~EDDY_OWNER_REAPING;
        if (id && id != self && (count == 0 || list[count - 1].id != id))
            list[count++].id = id;
    }
    return count;
}

static size_t room_for(const struct eddy_seats *writers, const struct eddy_seats *readers)
{
    return 64u * (size_t)(__builtin_popcountll(writers->groups) +
                          __builtin_popcountll(readers->groups)) +
           1u;
}

static size_t make_unique(struct eddy_beat_life *list, size_t count)
{
    size_t kept = 0;
    qsort(list, count, sizeof *list, by_id);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || list[kept - 1].id != list[i].id)
            list[kept++] = list[i];
    return kept;
}

void eddy_beat_know(struct eddy_beat *w, uint64_t self, eddy_beat_meet *meet, void *context)
{
    struct eddy_seats writers = eddy_seats_of_writers(w->segment);
    struct eddy_seats readers = eddy_seats_of_readers(w->segment);
    struct eddy_beat_life *list = calloc(room_for(&writers, &readers), sizeof *list);
    if (!list)
        return; /* who has come is met the next time */
    size_t count = list_seats(w->segment, true, &writers, self, list);
    count += list_seats(w->segment, false, &readers, self, list + count);
    count = make_unique(list, count);
    for (size_t i = 0; i < count; i++) {
        const struct eddy_beat_life *before = eddy_beat_find(w, list[i].id);
        if (before)
            list[i] = *before;
        else
            meet(context, &list[i]);
    }
    struct eddy_beat_life *old = w->lives;
    w->lives = list; /* first: a child may be forked at any time, and frees what it finds */
    w->count = count;
    free(old);
}

/* --- who lives, and who is stopped --------------------------------------------------------------- */

bool eddy_beat_ask_lives(struct eddy_beat *w, int folder, const uint64_t *asked)
{
    bool any = false;
    for (size_t i = 0; i < w->count; i++) {
        struct eddy_beat_life *life = &w->lives[i];
        uint32_t file = eddy_life_file_of(life->id);
        if (life->dead || !(asked[file / 64] >> file % 64 & 1))
            continue;
        life->dead = !eddy_participant_alive(folder, life->id);
        any = any || life->dead;
    }
    return any;
}

bool eddy_beat_ask_stops(struct eddy_beat *w, const struct eddy_registry *registry)
{
    bool any = false;
    for (size_t i = 0; w->stops_ns && i < w->count; i++) {
        struct eddy_beat_life *life = &w->lives[i];
        bool stopped = !life->dead && eddy_participant_stopped(registry, life->id);
        any = any || stopped != life->stopped;
        life->stopped = stopped;
    }
    return any;
}
