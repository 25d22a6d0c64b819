/* weak.c - see weak.h: words and what may be seen of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "weak_inside.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = 8, READS = 4, FULL = WEAK_WORDS / 4 * 3 };

/* A value of a word: who stored it at what time of its own, and what an acquire gets with it. */
struct value {
    uint64_t bits;
    uint32_t thread, when;
    bool released, follows; /* follows: a read-modify-write of the value before it */
    struct weak_clock clock;
};

/* That a thread has read a word: from `when` of its own on it has seen value `index`. */
struct reading {
    uint64_t index[READS];
    uint32_t when[READS], count;
};

struct place {
    uint64_t newest; /* index of the last value; that of index i is in values[i % VALUES] */
    uint64_t oldest;
    uint64_t seq; /* floor of weak_order.c: no seq_cst load may return an older one */
    bool forgotten;
    uint64_t read_by; /* bits of the threads that have readings */
    struct value values[VALUES];
    struct reading readings[WEAK_THREADS];
};

/* Side by side, for a quick search; 0: none. */
static uintptr_t names[WEAK_WORDS];
static struct place *places[WEAK_WORDS];

/* The same in the order of their coming, for what concerns many; and which lines have any. */
static uint32_t all[WEAK_WORDS], count;
static bool lines[1 << 16];

/* --- places ---------------------------------------------------------------------------------- */

static struct value *value_at(struct place *p, uint64_t index)
{
    return &p->values[index % VALUES];
}

/* What is there now was always there. */
static void start_anew(struct place *p, uint64_t bits)
{
    weak_order_forget(&p->seq);
    memset(p, 0, sizeof *p);
    p->values[0].bits = bits;
}

static struct place *bucket(uintptr_t name, uint32_t *at)
{
    *at = (uint32_t)((name >> 1) * 0x9e3779b97f4a7c15u >> 40) % WEAK_WORDS;
    while (names[*at] && names[*at] != name)
        *at = (*at + 1) % WEAK_WORDS;
    return places[*at];
}

static uint32_t line_of(uintptr_t name)
{
    return (uint32_t)((name >> 6) * 0x9e3779b97f4a7c15u >> 48);
}

static void enter(uintptr_t name, uint32_t at)
{
    names[at] = name;
    all[count++] = at;
    lines[line_of(name)] = true;
}

/* Out with the forgotten, when there are too many words. */
static void make_room(void)
{
    static struct {
        uintptr_t name;
        struct place *place;
    } kept[FULL];
    uint32_t left = 0, at;
    if (count < FULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct place *p = places[all[i]];
        if (p->forgotten)
            weak_order_forget(&p->seq), __real_free(p);
        else
            kept[left].name = names[all[i]], kept[left++].place = p;
    }
    if (left > FULL / 2) {
        fprintf(stderr, "weak: more than %d words\n", FULL / 2);
        abort();
    }
    memset(names, 0, sizeof names);
    memset(places, 0, sizeof places);
    memset(lines, 0, sizeof lines);
    count = 0;
    for (uint32_t i = 0; i < left; i++) {
        bucket(kept[i].name, &at);
        places[at] = kept[i].place;
        enter(kept[i].name, at);
    }
}

static struct place *place_of(const volatile void *word, size_t size)
{
    uint32_t at;
    uint64_t bits = weak_memory(word, size);
    uintptr_t name = weak_name(word);
    struct place *p = bucket(name, &at);
    if (!p) {
        make_room();
        bucket(name, &at);
        p = places[at] = __real_calloc(1, sizeof *p);
        if (!p)
            abort();
        enter(name, at);
        start_anew(p, bits);
    } else if (p->forgotten || value_at(p, p->newest)->bits != bits) {
        start_anew(p, bits);
    }
    return p;
}

void weak_forget(uintptr_t from, size_t bytes)
{
    uint32_t at;
    if (bytes <= 1 << 16) {
        for (uintptr_t name = from; name < from + bytes;
             name = lines[line_of(name)] ? name + 2 : (name | 63) + 1)
            if (lines[line_of(name)] && bucket(name, &at))
                places[at]->forgotten = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        if (names[all[i]] - from < bytes)
            places[all[i]]->forgotten = true;
}

/* --- what may be seen ------------------------------------------------------------------------ */

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What a thread has read, as far as `clock` knows of it. */
static uint64_t known_reading(const struct reading *r, uint32_t when)
{
    uint32_t kept = r->count < READS ? r->count : READS;
    uint64_t index = 0;
    for (uint32_t i = 1; i <= kept; i++) {
        index = r->index[(r->count - i) % READS];
        if (r->when[(r->count - i) % READS] <= when)
            return index;
    }
    return r->count > READS ? index : 0; /* forgotten ones: rather too much than too little */
}

static uint64_t oldest_visible(struct place *p, const struct weak_clock *clock)
{
    uint64_t least = p->oldest;
    for (uint64_t i = p->newest; i > least; i--) {
        const struct value *v = value_at(p, i);
        if (v->when <= clock->at[v->thread])
            least = i;
    }
    for (uint64_t left = least < p->newest ? p->read_by : 0; left; left &= left - 1) {
        int t = __builtin_ctzll(left);
        least = later(least, known_reading(&p->readings[t], clock->at[t]));
    }
    return least;
}

static void note_reading(struct place *p, uint64_t index, const struct weak_clock *clock)
{
    struct reading *r = &p->readings[weak_seat - 1];
    if (r->count && r->index[(r->count - 1) % READS] == index)
        return;
    r->index[r->count % READS] = index;
    r->when[r->count % READS] = clock->at[weak_seat - 1];
    r->count++;
    p->read_by |= 1ull << (weak_seat - 1);
}

static bool acquires(int order)
{
    return order == memory_order_acquire || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

static bool releases(int order)
{
    return order == memory_order_release || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

/* Reads value `index`. */
static uint64_t see(struct place *p, uint64_t index, int order)
{
    struct weak_clock *clock = weak_mine();
    const struct value *v = value_at(p, index);
    weak_tick();
    note_reading(p, index, clock);
    if (acquires(order) && v->released)
        weak_join(clock, &v->clock);
    return v->bits;
}

static struct value make_value(uint64_t bits, int order, const struct value *before)
{
    struct weak_clock *clock = weak_mine();
    struct value new = {.bits = bits, .thread = weak_seat - 1, .when = weak_tick()};
    if (before && before->released) {
        new.released = true;
        new.clock = before->clock;
    }
    new.follows = before != NULL;
    if (releases(order)) {
        new.released = true;
        weak_join(&new.clock, clock);
    }
    return new;
}

/* Adds the last value.  A read-modify-write (of `before`) hands on what that had been given. */
static void add(struct place *p, uint64_t bits, int order, const struct value *before)
{
    p->newest++;
    if (p->newest - p->oldest >= VALUES)
        p->oldest = p->newest - VALUES + 1;
    *value_at(p, p->newest) = make_value(bits, order, before);
}

/* Adds a value before `index`: the store is late, and what stands behind it has overwritten it. */
static void insert(struct place *p, uint64_t index, uint64_t bits, int order)
{
    p->newest++;
    if (p->newest - p->oldest >= VALUES)
        p->oldest = p->newest - VALUES + 1;
    for (uint64_t i = p->newest; i > index; i--)
        *value_at(p, i) = *value_at(p, i - 1);
    *value_at(p, index) = make_value(bits, order, NULL);
    for (int t = 0; t < WEAK_THREADS; t++)
        for (int i = 0; i < READS; i++)
            p->readings[t].index[i] += p->readings[t].index[i] >= index;
    weak_order_shift(&p->seq, index);
}

/* What a seq_cst access finds of the one order when it begins. */
struct access {
    bool seq;
    uint64_t past;
};

static struct access begin(const struct place *p, int order)
{
    bool seq = order == memory_order_seq_cst;
    return (struct access){seq, seq ? weak_order_past(&p->seq) : 0};
}

static void end(const struct access *a, struct place *p, uint64_t index, bool stores)
{
    if (a->seq)
        weak_order_note(a->past, &p->seq, index, stores);
}

static uint64_t least_of(struct place *p, const struct access *a)
{
    uint64_t least = oldest_visible(p, weak_mine());
    return a->seq ? later(least, weak_order_least(a->past, &p->seq)) : least;
}

/* Where a store may come in: behind all that this thread knows of, and never between a
 * read-modify-write and what it read.  newest + 1: last. */
static uint64_t insertion(struct place *p, const struct access *a)
{
    uint64_t least = least_of(p, a), last = p->newest + 1;
    if (least >= p->newest || weak_lot(4) != 0)
        return last;
    uint64_t index = least + 1 + weak_lot((uint32_t)(p->newest - least));
    return value_at(p, index)->follows ? last : index;
}

/* --- the accesses ---------------------------------------------------------------------------- */

uint64_t weak_load(const volatile void *word, size_t size, int order)
{
    weak_pause();
    weak_enter();
    weak_mine();
    struct place *p = place_of(word, size);
    struct access a = begin(p, order);
    uint64_t index = p->newest, least = least_of(p, &a);
    if (least < index && weak_lot(3) == 0)
        index = least + weak_lot((uint32_t)(index - least) + 1);
    uint64_t bits = see(p, index, order);
    end(&a, p, index, false);
    weak_leave();
    return bits;
}

void weak_store(volatile void *word, size_t size, uint64_t value, int order)
{
    weak_pause();
    weak_enter();
    weak_mine();
    struct place *p = place_of(word, size);
    struct access a = begin(p, order);
    uint64_t index = insertion(p, &a);
    if (index <= p->newest) {
        insert(p, index, value, order);
    } else {
        while (!weak_change_memory(word, size, value_at(p, p->newest)->bits, value))
            p = place_of(word, size);
        add(p, value, order, NULL);
        index = p->newest;
    }
    end(&a, p, index, true);
    weak_leave();
}

static uint64_t changed(enum weak_change how, uint64_t old, uint64_t by)
{
    switch (how) {
    case WEAK_OR:
        return old | by;
    case WEAK_AND:
        return old & by;
    case WEAK_ADD:
        return old + by;
    case WEAK_SWAP:
    default:
        return by;
    }
}

static uint64_t cut(uint64_t bits, size_t size)
{
    return size == 8 ? bits : bits & ((1ull << size * 8) - 1);
}

uint64_t weak_change(volatile void *word, size_t size, enum weak_change how, uint64_t value,
                     int order)
{
    weak_pause();
    weak_enter();
    weak_mine();
    struct place *p = place_of(word, size);
    uint64_t old = value_at(p, p->newest)->bits, new = cut(changed(how, old, value), size);
    while (!weak_change_memory(word, size, old, new)) {
        p = place_of(word, size);
        old = value_at(p, p->newest)->bits;
        new = cut(changed(how, old, value), size);
    }
    struct access a = begin(p, order);
    struct value before = *value_at(p, p->newest);
    see(p, p->newest, order);
    add(p, new, order, &before);
    end(&a, p, p->newest, true);
    weak_leave();
    return old;
}

bool weak_cas(volatile void *word, size_t size, void *expected, uint64_t value, int order,
              int failure)
{
    uint64_t wanted = weak_memory(expected, size);
    weak_pause();
    weak_enter();
    weak_mine();
    struct place *p = place_of(word, size);
    bool done =
        value_at(p, p->newest)->bits == wanted && weak_change_memory(word, size, wanted, value);
    if (!done)
        p = place_of(word, size);
    struct access a = begin(p, done ? order : failure);
    struct value before = *value_at(p, p->newest);
    see(p, p->newest, done ? order : failure);
    if (done)
        add(p, value, order, &before);
    else
        memcpy(expected, &before.bits, size); /* little-endian */
    end(&a, p, p->newest, done);
    weak_leave();
    return done;
}
