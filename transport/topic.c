/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic.h"

#include "allocator/error.h"
#include "discovery/reap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- seats ----------------------------------------------------------------------------------- */

static _Atomic uint64_t *owner_of(const struct eddy_segment *s, enum eddy_role role, uint32_t seat)
{
    return role == EDDY_ROLE_WRITER ? &s->writers[seat].owner : &s->readers[seat].owner;
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
    } else {
        struct eddy_reader_seat *r = &s->readers[seat];
        eddy_store_relaxed(&r->position, 0u);
        eddy_store_relaxed(&r->taken, 0u);
        eddy_store_relaxed(&r->lost, 0u);
        eddy_store_relaxed(&r->held, 0u);
        eddy_store_relaxed(&r->bell, 0u);
        eddy_store_relaxed(&r->waiting, 0u);
        eddy_store_relaxed(&r->given_up, 0u);
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
        uint64_t nobody = 0;
        if (eddy_load_relaxed(owner_of(s, role, i)) == 0 && /* a guess; the swap decides */
            eddy_cas_seq(owner_of(s, role, i), &nobody, d->id)) {
            EDDY_POINT("seat:taken");
            /* seq, both: before the seat means anything to others; the gate looks at next_sn, then
             * here. */
            eddy_raise32_seq(high_of(s, role), i + 1);
            EDDY_POINT("seat:counted");
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
    uint32_t seats = eddy_seats_bound(high_of(s, role)), count = 0;
    for (uint32_t i = 0; i < seats; i++)
        count +=
            eddy_load_relaxed(owner_of(s, role, i)) != 0; /* a count is old as soon as it is made */
    return count;
}

/* --- the list of the domain ------------------------------------------------------------------ */

static struct eddy_topic *find_open(const struct eddy_domain *d, const char *file)
{
    struct eddy_topic *t = d->topics;
    while (t && strcmp(t->key.file, file) != 0)
        t = t->next;
    return t;
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
    *t = (struct eddy_topic){
        .segment = segment, .domain = d, .key = *key, .flink = path, .next = d->topics};
    d->topics = t;
    *topic = t;
    return EDDY_OK;
}

static void drop_topic(struct eddy_topic *t)
{
    for (struct eddy_topic **at = (struct eddy_topic **)&t->domain->topics; *at; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            break;
        }
    eddy_segment_detach(t->segment);
    free(t->flink);
    free(t);
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

static int fill_wanted(const struct eddy_topic_name *name, const struct eddy_wanted *options,
                       struct eddy_wanted *w, struct eddy_flink_key *key)
{
    *w = *options;
    if (!name->name)
        return eddy_fail(EDDY_EINVAL, "a topic needs a name");
    w->name = name->name;
    w->type = name->type ? name->type : "";
    w->scope = name->scope ? name->scope : "";
    w->type_hash = name->type_hash;
    int error = check_text("name", w->name, 1);
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
    *topic = find_open(d, key->file);
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
    if (eddy_domain_forked(d))
        return eddy_fail_forked();
    int error =
        r.name ? fill_wanted(r.name, &request->wanted, &r.wanted, &key) : key_of_file(r.file, &key);
    if (error)
        return error;
    pthread_mutex_lock(&d->lock);
    error = eddy_directory_lock(d, key.lock);
    if (!error) {
        error = open_locked(d, &key, &r, topic, seat);
        eddy_directory_unlock(d, key.lock);
    }
    pthread_mutex_unlock(&d->lock);
    return error;
}

/* --- closing --------------------------------------------------------------------------------- */

void eddy_topic_close(struct eddy_topic *t, enum eddy_role role, uint32_t seat)
{
    struct eddy_domain *d = t->domain;
    if (eddy_domain_forked(d)) {
        if (--t->handles == 0)
            drop_topic(t);
        return;
    }
    if (role == EDDY_ROLE_WRITER)
        eddy_writer_seat_leave(t->segment, seat);
    else
        eddy_reader_seat_leave(t->segment, seat);
    EDDY_POINT("close:left");
    pthread_mutex_lock(&d->lock);
    d->handles--;
    if (--t->handles == 0) {
        /* If somebody blocks the lock, what remains is for the next participant or gc to remove. */
        if (eddy_directory_lock(d, t->key.lock) == EDDY_OK) {
            eddy_directory_close(d, t->key.file, t->segment);
            eddy_directory_unlock(d, t->key.lock);
        }
        drop_topic(t);
    }
    pthread_mutex_unlock(&d->lock);
}

/* The process ends with the domain open: other threads may still publish or read, so nothing is
 * unmapped and no seat is given up (the kernel does that by dropping our lock); but names that only
 * we use go. */
static void forget_names(struct eddy_domain *d)
{
    if (eddy_domain_forked(d) || pthread_mutex_trylock(&d->lock) != 0)
        return;
    for (struct eddy_topic *t = d->topics; t; t = t->next) {
        if (!eddy_lock_try(d->registry_fd, t->key.lock, EDDY_LOCK_EXCLUSIVE))
            continue;
        if (eddy_count_members(d, t->segment).others == 0) {
            eddy_flink_withdraw(d->dir_fd, t->key.file, t->segment->id);
            eddy_segment_remove(d->dir_fd, t->segment->id);
        }
        eddy_lock_drop(d->registry_fd, t->key.lock);
    }
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
    eddy_directory_stats(t->domain->dir_fd, t->segment, stats);
}

int eddy_notes_check(const struct eddy_notes *n)
{
    if (!n || n->reliability > EDDY_NOTED_BEST_EFFORT || n->reserved[0] || n->reserved[1])
        return eddy_fail(EDDY_EINVAL, "no notes, or notes that this version does not know");
    return EDDY_OK;
}
