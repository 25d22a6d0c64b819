/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/topic.h"

#include "allocator/error.h"
#include "allocator/segment/block.h"
#include "allocator/segment/endpoint.h"
#include "allocator/sized.h"
#include "discovery/reap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- seats ----------------------------------------------------------------------------------- */

static _Atomic uint64_t *owner_of(const struct eddy_segment *s, enum eddy_role role, uint32_t seat)
{
    return role == EDDY_ROLE_WRITER ? &s->writers[seat].owner : &s->readers[seat].owner;
}

static _Atomic uint64_t *bits_of(const struct eddy_segment *s, enum eddy_role role, uint32_t seat)
{
    struct eddy_control *c = s->control;
    return role == EDDY_ROLE_WRITER ? &c->writer_bits[seat / 64] : &c->reader_bits[seat / 64];
}

static _Atomic uint64_t *groups_of(const struct eddy_segment *s, enum eddy_role role)
{
    return role == EDDY_ROLE_WRITER ? &s->control->writer_groups : &s->control->reader_groups;
}

static _Atomic uint32_t *high_of(const struct eddy_segment *s, enum eddy_role role)
{
    return role == EDDY_ROLE_WRITER ? &s->control->writer_high : &s->control->reader_high;
}

static void clear_seat(struct eddy_segment *s, enum eddy_role role, uint32_t seat)
{
    /* Relaxed: nobody relies on them before the seat's cursor or samples are there. */
    if (role == EDDY_ROLE_WRITER) {
        struct eddy_writer_seat *w = &s->writers[seat];
        eddy_store_relaxed(&w->published, 0u);
        eddy_store_relaxed(&w->bytes, 0u);
        eddy_store_relaxed(&w->kept, 0u);
        eddy_store_relaxed(&w->waits, 0u);
        /* What an earlier holder of the seat has published lies below: from [seat]. */
        eddy_store_relaxed(&w->since, eddy_load_relaxed(&s->control->next_sn));
    } else {
        struct eddy_reader_seat *r = &s->readers[seat];
        struct eddy_reader_rest *rest = &s->reader_rests[seat];
        eddy_store_relaxed(&r->position, 0u);
        eddy_store_relaxed(&r->taken, 0u);
        eddy_store_relaxed(&r->lost, 0u);
        eddy_store_relaxed(&r->held, 0u);
        eddy_store_relaxed(&r->let_go, 0u);
        eddy_store_relaxed(&rest->let_go_count, 0u);
        eddy_store_relaxed(&rest->bell, 0u);
        eddy_store_relaxed(&rest->waiting, 0u);
        eddy_store_relaxed(&rest->given_up, 0u);
    }
}

/* A seat that is taken without a bit is nobody's that lives, unless its holder is just going: nobody
 * would look at it.  A bit too many costs a look, until somebody takes the seat. */
static void pass_seat(struct eddy_segment *s, enum eddy_role role, uint32_t seat)
{
    /* Relaxed, all: it makes a reaper look, at what it acquires. */
    if (eddy_load_relaxed(bits_of(s, role, seat)) & eddy_seat_bit(seat))
        return;
    eddy_or_relaxed(groups_of(s, role), 1ull << seat / 64);
    eddy_or_relaxed(bits_of(s, role, seat), eddy_seat_bit(seat));
}

/* False: it is taken. */
static bool enter_seat(const struct eddy_domain *d, struct eddy_segment *s, enum eddy_role role,
                       uint32_t seat)
{
    uint64_t nobody = 0;
    /* Relaxed: a guess; the swap decides.  acquire, from [seat]: our bit is set after the last
     * holder has cleared it.  seq: who still sees the seat void has looked before we came. */
    if (eddy_load_relaxed(owner_of(s, role, seat)) != 0 ||
        !eddy_cas_seq(owner_of(s, role, seat), &nobody, d->id)) {
        pass_seat(s, role, seat);
        return false;
    }
    EDDY_POINT("seat:taken");
    eddy_raise32_relaxed(high_of(s, role), seat + 1); /* under the topic's lock, which we have */
    EDDY_POINT("seat:counted");
    /* seq, both: before the seat means anything to others; the gate looks at next_sn, then here. */
    eddy_or_seq(groups_of(s, role), 1ull << seat / 64);
    EDDY_POINT("seat:group-marked");
    eddy_or_seq(bits_of(s, role, seat), eddy_seat_bit(seat));
    EDDY_POINT("seat:marked");
    return true;
}

/* Clears the bits of groups that are empty.  The topic's lock is held, so that nobody joins one. */
static void tidy_groups(struct eddy_segment *s, enum eddy_role role)
{
    /* Relaxed: who set it had the lock. */
    for (uint64_t left = eddy_load_relaxed(groups_of(s, role)); left; left &= left - 1) {
        uint32_t group = (uint32_t)__builtin_ctzll(left);
        /* acquire, from [vacant]: handed on by [empty]. */
        if (eddy_load_acquire(bits_of(s, role, group * 64)) == 0) {
            EDDY_POINT("tidy:empty");
            eddy_and_release(groups_of(s, role), ~(1ull << group)); /* [empty] */
        }
    }
}

static int take_seat(const struct eddy_domain *d, struct eddy_segment *s, enum eddy_role role,
                     uint32_t *seat)
{
    for (uint32_t i = 0; i < EDDY_SEATS_MAX; i++) {
        /* Relaxed: it rises under the topic's lock, which we have. */
        if (i % EDDY_SEAT_CHUNK == 0 && i >= eddy_load_relaxed(high_of(s, role))) {
            int error = eddy_segment_reserve_seat(s, role == EDDY_ROLE_WRITER, i);
            if (error)
                return error;
        }
        if (enter_seat(d, s, role, i)) {
            clear_seat(s, role, i);
            *seat = i;
            return EDDY_OK;
        }
    }
    return eddy_fail(EDDY_ELIMIT, "the topic has %u %s, which is all it can have", EDDY_SEATS_MAX,
                     role == EDDY_ROLE_WRITER ? "writers" : "readers");
}

uint32_t eddy_topic_count(const struct eddy_segment *s, enum eddy_role role)
{
    struct eddy_seats seats =
        role == EDDY_ROLE_WRITER ? eddy_seats_of_writers(s) : eddy_seats_of_readers(s);
    uint32_t count = 0;
    for (uint32_t i; eddy_seats_next(&seats, &i);)
        count +=
            /* from [seat]: what one who is not counted any more had is free. */
            eddy_load_acquire(owner_of(s, role, i)) != 0;
    return count;
}

/* --- the list of the domain ------------------------------------------------------------------ */

/* A tree: below a topic are those whose names hash alike so far, to the left or the right by the next
 * bit.  It is as deep as the logarithm of their number; any leaf may take the place of one above. */
static uint64_t hash_of(const struct eddy_flink_key *key)
{
    return (uint64_t)key->lock; /* a hash of the name */
}

/* Where a topic is linked, or would be. */
static struct eddy_topic **link_of(void **topics, const struct eddy_flink_key *key)
{
    struct eddy_topic **at = (struct eddy_topic **)topics;
    for (uint64_t hash = hash_of(key); *at && strcmp((*at)->key.file, key->file) != 0; hash >>= 1)
        at = &(*at)->below[hash & 1];
    return at;
}

static void unlink_topic(struct eddy_topic **at)
{
    struct eddy_topic *gone = *at, **leaf = at;
    if (!gone)
        return;
    for (struct eddy_topic *t = gone; t->below[0] || t->below[1]; t = *leaf)
        leaf = &t->below[t->below[0] ? 0 : 1];
    struct eddy_topic *last = *leaf;
    *leaf = NULL;
    if (last == gone)
        return;
    memcpy(last->below, gone->below, sizeof last->below);
    *at = last;
}

static int add_topic(struct eddy_domain *d, const struct eddy_flink_key *key,
                     struct eddy_segment *segment, struct eddy_topic **topic)
{
    struct eddy_topic *t = calloc(1, sizeof *t);
    size_t bytes = strlen(d->dir) + strlen(key->file) + 2;
    char *path = malloc(bytes);
    if (!t || !path) {
        free(t);
        free(path);
        return eddy_fail(EDDY_ENOMEM, "no memory to open a topic");
    }
    snprintf(path, bytes, "%s/%s", d->dir, key->file);
    *t = (struct eddy_topic){.segment = segment, .domain = d, .key = *key, .flink = path};
    *link_of(&d->topics, key) = t;
    *topic = t;
    return EDDY_OK;
}

static void free_topic(struct eddy_topic *t)
{
    eddy_segment_detach(t->segment);
    free(t->flink);
    free(t);
}

static void drop_topic(struct eddy_topic *t)
{
    unlink_topic(link_of(&t->domain->topics, &t->key));
    free_topic(t);
}

/* --- opening --------------------------------------------------------------------------------- */

static int check_text(const char *what, const char *text, size_t least)
{
    size_t length = strnlen(text, EDDY_NAME_MAX + 1);
    if (length < least || length > EDDY_NAME_MAX)
        return eddy_fail(EDDY_EINVAL, "the %s of a topic must have %zu to %u bytes", what, least,
                         EDDY_NAME_MAX);
    return EDDY_OK;
}

_Static_assert(EDDY_TYPE_TEXT_MAX == EDDY_TEXT_BYTES && EDDY_BLOB_MAX == EDDY_BLOB_BYTES,
               "there is room for as much as may be said");

static int check_bytes(const char *what, const void *at, size_t size, size_t most)
{
    if (size <= most && (at || size == 0))
        return EDDY_OK;
    return eddy_fail(EDDY_EINVAL, "%s has %zu bytes%s, and %zu are the most", what, size,
                     at ? "" : " at NULL", most);
}

static int fill_wanted(const struct eddy_topic_identity *name, const struct eddy_wanted *options,
                       struct eddy_wanted *w, struct eddy_flink_key *key)
{
    *w = *options;
    if (!name->name)
        return eddy_fail(EDDY_EINVAL, "a topic needs a name");
    if ((name->flags & ~EDDY_TOPIC_TYPE_APART) || name->reserved)
        return eddy_fail(EDDY_EINVAL, "unknown flags %#x of a topic, or `reserved` is set",
                         name->flags);
    w->name = name->name;
    w->type = name->type ? name->type : "";
    w->scope = name->scope ? name->scope : "";
    w->type_hash = name->type_hash;
    int error = check_bytes("the text of a type", name->type_text, name->type_text_size,
                            EDDY_TYPE_TEXT_MAX);
    if (!error)
        error = check_text("name", w->name, 1);
    if (!error)
        error = check_text("type", w->type, 0);
    if (!error)
        error = check_text("scope", w->scope, 0);
    if (!error)
        eddy_flink_key_make(w->name, w->type, w->scope, name->flags & EDDY_TOPIC_TYPE_APART, key);
    return error;
}

static int map_topic(struct eddy_domain *d, const struct eddy_flink_key *key,
                     const struct eddy_wanted *w, struct eddy_topic **topic)
{
    struct eddy_segment *segment;
    *topic = *link_of(&d->topics, key);
    if (*topic)
        return w->name ? eddy_directory_check_type((*topic)->segment, w) : EDDY_OK;
    int error = w->name ? eddy_directory_open(d, key, w, &segment)
                        : eddy_directory_attach(d, key->file, &segment);
    if (error)
        return error;
    error = add_topic(d, key, segment, topic);
    if (error) {
        eddy_directory_close(d, key->file, segment);
        eddy_segment_detach(segment);
    }
    return error;
}

static int open_locked(struct eddy_domain *d, const struct eddy_flink_key *key,
                       const struct eddy_topic_request *r, struct eddy_topic **topic,
                       uint32_t *seat)
{
    struct eddy_topic *t;
    int error = map_topic(d, key, &r->wanted, &t);
    if (error)
        return error;
    EDDY_POINT("open:found");
    if (r->role == EDDY_ROLE_WRITER)
        eddy_store_relaxed(&t->segment->writes, true); /* a hint */
    /* Relaxed: a number, which only rises.  Who asks for more gives it to all. */
    eddy_raise64_relaxed(&t->segment->control->limit_bytes, r->wanted.limit_bytes);
    if (r->name)
        error = eddy_type_text_give(
            t->segment, (struct eddy_bytes){r->name->type_text, r->name->type_text_size});
    tidy_groups(t->segment, r->role);
    if (!error)
        error = take_seat(d, t->segment, r->role, seat);
    if (error == EDDY_ELIMIT && eddy_reap_topic(d, t->segment).reaped)
        error = take_seat(d, t->segment, r->role, seat);
    if (!error) {
        t->handles++;
        d->handles++;
        *topic = t;
    } else if (t->handles == 0) {
        eddy_directory_close(d, key->file, t->segment);
        drop_topic(t);
    }
    return error;
}

static int key_of_file(const char *file, struct eddy_flink_key *key)
{
    if (snprintf(key->file, sizeof key->file, "%s", file) >= (int)sizeof key->file)
        return eddy_fail(EDDY_ENOENT, "%s is no name of a flink", file);
    key->lock = eddy_flink_lock(file);
    return EDDY_OK;
}

int eddy_topic_open(struct eddy_domain *d, const struct eddy_topic_request *request,
                    struct eddy_topic **topic, uint32_t *seat)
{
    struct eddy_topic_request r = *request;
    struct eddy_flink_key key;
    if (eddy_domain_forked(d) || eddy_is_guest())
        return eddy_fail_forked();
    int error =
        r.name ? fill_wanted(r.name, &request->wanted, &r.wanted, &key) : key_of_file(r.file, &key);
    if (error)
        return error;
    struct eddy_name held;
    error = eddy_directory_enter(d, key.lock, &held);
    if (error)
        return error;
    error = open_locked(d, &key, &r, topic, seat);
    bool first = !error && (*topic)->handles == 1;
    eddy_directory_leave(d, &held);
    if (first && /* not with the name: others need not wait for it */
        eddy_reap_topic(d, (*topic)->segment).reaped && r.role == EDDY_ROLE_WRITER)
        eddy_blocks_tidy((*topic)->segment, *seat + 1);
    return error;
}

int eddy_topic_check_blob(const void *blob, size_t size)
{
    return check_bytes("the blob of a reader or writer", blob, size, EDDY_BLOB_MAX);
}

int eddy_topic_arrive(struct eddy_topic *t, enum eddy_role role, uint32_t seat, const void *blob,
                      size_t blob_size)
{
    return eddy_endpoint_arrive(t->segment, role == EDDY_ROLE_WRITER, seat,
                                (struct eddy_bytes){blob, blob_size});
}

/* --- closing --------------------------------------------------------------------------------- */

static void try_to_tidy(struct eddy_topic *t, enum eddy_role role, uint32_t seat)
{
    struct eddy_name held;
    if (eddy_load_relaxed(bits_of(t->segment, role, seat)) != 0 || /* a guess */
        !eddy_directory_try(t->domain, t->key.lock, &held))
        return; /* the next who opens it does */
    tidy_groups(t->segment, role);
    eddy_directory_drop(t->domain, &held);
}

/* Nobody in this process finds it any more. */
static void close_last(struct eddy_topic *t)
{
    struct eddy_domain *d = t->domain;
    struct eddy_name held;
    uint32_t removed = 0;
    /* If somebody blocks the name, what remains is for the next participant or gc to remove. */
    if (eddy_directory_enter(d, t->key.lock, &held) == EDDY_OK) {
        removed = eddy_directory_close(d, t->key.file, t->segment);
        eddy_directory_leave(d, &held);
    }
    if (!removed) /* not with the name: others need not wait for it */
        (void)eddy_reap_topic(d, t->segment);
    free_topic(t);
    pthread_mutex_lock(&d->lock);
    d->handles--;
    pthread_mutex_unlock(&d->lock);
}

void eddy_topic_close(struct eddy_topic *t, enum eddy_role role, uint32_t seat)
{
    struct eddy_domain *d = t->domain;
    if (eddy_domain_forked(d)) {
        if (--t->handles == 0)
            drop_topic(t);
        return;
    }
    if (role == EDDY_ROLE_WRITER) {
        eddy_slots_discard_own(t->segment, seat); /* while they are ours */
        eddy_writer_seat_leave(t->segment, seat);
    } else {
        eddy_reader_seat_leave(t->segment, seat);
    }
    EDDY_POINT("close:left");
    pthread_mutex_lock(&d->lock);
    bool last = --t->handles == 0;
    if (last)
        unlink_topic(link_of(&d->topics, &t->key));
    else
        try_to_tidy(t, role, seat);
    d->handles -= !last;
    pthread_mutex_unlock(&d->lock);
    if (last)
        close_last(t);
}

static void forget_name(struct eddy_domain *d, struct eddy_topic *t)
{
    struct eddy_name held;
    if (!eddy_directory_try(d, t->key.lock, &held))
        return;
    if (eddy_count_members(d, t->segment).others == 0) {
        eddy_flink_withdraw(eddy_domain_folder(d), t->key.file, t->segment->id);
        eddy_segment_remove(eddy_domain_folder(d), t->segment->id,
                            eddy_seats_bound(&t->segment->control->reader_high));
    }
    eddy_directory_drop(d, &held);
}

static void forget_below(struct eddy_domain *d, struct eddy_topic *t)
{
    if (!t)
        return;
    forget_name(d, t);
    forget_below(d, t->below[0]);
    forget_below(d, t->below[1]);
}

/* The process ends with the domain open: other threads may still publish or read, so nothing is
 * unmapped and no seat is given up (the kernel does that by dropping our lock); but names that only
 * we use go. */
static void forget_names(struct eddy_domain *d)
{
    if (eddy_domain_forked(d) || pthread_mutex_trylock(&d->lock) != 0)
        return;
    forget_below(d, d->topics);
    pthread_mutex_unlock(&d->lock);
}

__attribute__((constructor)) static void forget_names_at_exit(void)
{
    eddy_domain_at_exit = forget_names;
}

uint32_t eddy_handle_mark(void)
{
    static _Atomic uint32_t opened;
    /* Relaxed: only that no two get the same.  The factor (odd, so that all differ) keeps marks
     * apart in their high bits: tickets are counts from 1, and differ in the low ones. */
    return (eddy_add_relaxed(&opened, 1u) + 1) * 0x9e3779b1u;
}

void eddy_topic_stats(const struct eddy_topic *t, struct eddy_topic_stats *stats)
{
    eddy_directory_stats(eddy_domain_folder(t->domain), t->segment, stats);
}

int eddy_topic_type_text(const struct eddy_topic *t, void *bytes, size_t room, size_t *size)
{
    struct eddy_endpoint_file file = {t->segment, -1};
    uint32_t has = eddy_type_text_size(t->segment);
    size_t copied = has < room ? has : room;
    int error = copied ? eddy_type_text_read(&file, bytes, (uint32_t)copied) : EDDY_OK;
    eddy_endpoint_file_close(&file);
    if (!error)
        *size = has;
    return error;
}

int eddy_notes_take(const struct eddy_notes *notes, size_t size, struct eddy_notes *n)
{
    int error = EDDY_SIZED(eddy_notes, *n, notes, size);
    if (error)
        return error;
    if (!notes || n->reliability > EDDY_NOTED_BEST_EFFORT || n->reserved)
        return eddy_fail(EDDY_EINVAL, "no notes, or notes that this version does not know");
    return EDDY_OK;
}
