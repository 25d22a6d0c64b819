/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/directory.h"

#include "allocator/error.h"
#include "allocator/point.h"
#include "allocator/segment/extent.h"
#include "allocator/segment/logs.h"
#include "discovery/reap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOCK_PATIENCE 5000000000u /* ns for another's opening or closing of the same topic */

/* --- names ----------------------------------------------------------------------------------- */

static bool is_taken(const struct eddy_domain *d, int64_t lock)
{
    const struct eddy_name *n = d->names;
    while (n && n->lock != lock)
        n = n->next;
    return n;
}

static void list_name(struct eddy_domain *d, int64_t lock, struct eddy_name *name)
{
    eddy_fork_hold();
    *name = (struct eddy_name){.lock = lock, .fd = -1, .next = d->names};
    d->names = name;
    eddy_fork_let();
}

/* By name: a child that was made without fork() may have the descriptor, too. */
static void close_lock(struct eddy_name *name)
{
    if (name->fd < 0)
        return;
    eddy_lock_drop(name->fd, name->lock);
    close(name->fd);
    name->fd = -1;
}

static void unlist_name(struct eddy_domain *d, struct eddy_name *name)
{
    eddy_fork_hold();
    struct eddy_name **at = &d->names;
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    close_lock(name);
    eddy_fork_let();
    pthread_cond_broadcast(&d->name_free);
}

/* In the list already: a child that is forked closes its copy. */
static int open_lock(struct eddy_domain *d, struct eddy_name *name)
{
    int fd, dir = eddy_domain_folder(d);
    eddy_fork_hold();
    int error = eddy_domain_registry(d, dir, &fd);
    if (!error)
        name->fd = fd;
    eddy_fork_let();
    return error;
}

void eddy_directory_forget_names(struct eddy_domain *d)
{
    for (struct eddy_name *n = d->names; n; n = n->next)
        if (n->fd >= 0)
            close(n->fd);
    d->names = NULL;
}

/* The thread that has it waits for another process no longer than this, and nobody else. */
static void wait_for_own_threads(struct eddy_domain *d, int64_t lock)
{
    while (is_taken(d, lock))
        pthread_cond_wait(&d->name_free, &d->lock);
}

static int wait_for_others(struct eddy_domain *d, const struct eddy_name *name)
{
    if (eddy_lock_try(name->fd, name->lock, EDDY_LOCK_EXCLUSIVE))
        return EDDY_OK;
    pthread_mutex_unlock(&d->lock);
    int error = eddy_lock_wait(name->fd, name->lock, EDDY_LOCK_EXCLUSIVE,
                               eddy_deadline(LOCK_PATIENCE), "opening or closing this topic");
    pthread_mutex_lock(&d->lock);
    return error;
}

int eddy_directory_enter(struct eddy_domain *d, int64_t lock, struct eddy_name *name)
{
    pthread_mutex_lock(&d->lock);
    wait_for_own_threads(d, lock);
    list_name(d, lock, name);
    int error = open_lock(d, name);
    if (!error)
        error = wait_for_others(d, name);
    if (error) {
        unlist_name(d, name);
        pthread_mutex_unlock(&d->lock);
    }
    return error;
}

bool eddy_directory_try(struct eddy_domain *d, int64_t lock, struct eddy_name *name)
{
    if (is_taken(d, lock))
        return false;
    list_name(d, lock, name);
    if (open_lock(d, name) == EDDY_OK && eddy_lock_try(name->fd, lock, EDDY_LOCK_EXCLUSIVE))
        return true;
    unlist_name(d, name);
    return false;
}

void eddy_directory_drop(struct eddy_domain *d, struct eddy_name *name)
{
    unlist_name(d, name);
}

void eddy_directory_leave(struct eddy_domain *d, struct eddy_name *name)
{
    eddy_directory_drop(d, name);
    pthread_mutex_unlock(&d->lock);
}

/* --- limits ---------------------------------------------------------------------------------- */

/* With less than the smallest sample takes nothing could ever be written. */
static int fail_max_bytes(const char *text)
{
    return eddy_fail(EDDY_ECONFIG,
                     "EDDY_MAX_BYTES is \"%.64s\"; set it to a number of bytes, such as 500M or "
                     "2G, of %llu at least",
                     text, (unsigned long long)eddy_extent_least(1));
}

static int limit_from_environment(uint64_t *limit)
{
    const char *text = getenv("EDDY_MAX_BYTES");
    char *end;
    if (!text || !*text)
        return EDDY_OK;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr("KMGT", *end) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - "KMGT" + 1) : 0;
    if (*text < '0' || *text > '9' || errno || value == 0 || (*end && (!unit || end[1])) ||
        value > UINT64_MAX >> shift || value << shift < eddy_extent_least(1))
        return fail_max_bytes(text);
    *limit = value << shift;
    return EDDY_OK;
}

int eddy_directory_check_limit(void)
{
    uint64_t limit;
    return limit_from_environment(&limit);
}

/* Half of the file system: a topic that runs wild must not starve all others. */
static int default_limit(const struct eddy_domain *d, uint64_t *limit)
{
    struct statvfs status;
    *limit = 1ull << 30;
    if (fstatvfs(eddy_domain_folder(d), &status) == 0 && status.f_blocks > 0)
        *limit = (uint64_t)status.f_blocks * status.f_frsize / 2;
    return limit_from_environment(limit);
}

static uint32_t log_length_for(uint32_t depth, uint64_t limit_bytes)
{
    uint32_t length = EDDY_LOG_MIN, most = eddy_logs_most(limit_bytes);
    while (length < depth && length < most)
        length *= 2;
    return length;
}

/* --- creating -------------------------------------------------------------------------------- */

static int announce(struct eddy_domain *d, const char *file, const struct eddy_wanted *w,
                    const char *id)
{
    struct eddy_flink *f = calloc(1, sizeof *f);
    if (!f)
        return eddy_fail(EDDY_ENOMEM, "no memory to announce a topic");
    snprintf(f->topic, sizeof f->topic, "%s", w->name);
    snprintf(f->type, sizeof f->type, "%s", w->type);
    snprintf(f->scope, sizeof f->scope, "%s", w->scope);
    snprintf(f->segment, sizeof f->segment, "%s", id);
    int error = eddy_flink_announce(eddy_domain_folder(d), file, f);
    free(f);
    return error;
}

static int create(struct eddy_domain *d, const struct eddy_flink_key *key,
                  const struct eddy_wanted *w, struct eddy_segment **segment)
{
    struct eddy_segment_options o = {.name = w->name,
                                     .type = w->type,
                                     .scope = w->scope,
                                     .type_hash = w->type_hash,
                                     .limit_bytes = w->limit_bytes,
                                     .creator = d->id};
    int error = EDDY_OK;
    if (!o.limit_bytes)
        error = default_limit(d, &o.limit_bytes);
    if (!error) {
        o.log_length = log_length_for(w->depth, o.limit_bytes);
        error = eddy_segment_create(eddy_domain_folder(d), &o, segment);
        if (error == EDDY_ENOMEM && o.log_length > EDDY_LOG_MIN) {
            o.log_length = EDDY_LOG_MIN; /* who asked for more is told */
            error = eddy_segment_create(eddy_domain_folder(d), &o, segment);
        }
    }
    if (error)
        return error;
    (*segment)->folder = &d->folder;
    EDDY_POINT("create:before-announce");
    error = announce(d, key->file, w, (*segment)->id);
    EDDY_POINT("create:announced");
    if (error) {
        eddy_segment_remove(eddy_domain_folder(d), (*segment)->id, 0);
        eddy_segment_detach(*segment);
    }
    return error;
}

/* --- finding --------------------------------------------------------------------------------- */

static bool text_is(const char *text, uint32_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(text, wanted, length) == 0;
}

int eddy_directory_check_type(const struct eddy_segment *s, const struct eddy_wanted *w)
{
    static const uint8_t any[16];
    if (*w->type && s->type_length && !text_is(eddy_segment_type(s), s->type_length, w->type))
        return eddy_fail(
            EDDY_ETYPE,
            "topic \"%.80s\" has type \"%.*s\", not \"%.80s\"; use one type, or another topic",
            w->name, (int)(s->type_length < 80 ? s->type_length : 80), eddy_segment_type(s),
            w->type);
    if (memcmp(w->type_hash, any, 16) && memcmp(s->type_hash, any, 16) &&
        memcmp(w->type_hash, s->type_hash, 16))
        return eddy_fail(
            EDDY_ETYPE,
            "topic \"%.80s\" has another version of type \"%.80s\"; rebuild the programs with "
            "one definition",
            w->name, w->type);
    return EDDY_OK;
}

/* A flink may have been changed by hand, or two names may hash alike. */
static int check_names(const struct eddy_segment *s, const char *file, const char *name,
                       const char *scope)
{
    if (text_is(eddy_segment_name(s), s->name_length, name) &&
        text_is(eddy_segment_scope(s), s->scope_length, scope))
        return EDDY_OK;
    return eddy_fail(EDDY_EFLINK, "%s leads to the segment of another topic (\"%.*s\"); remove it",
                     file, (int)(s->name_length < 80 ? s->name_length : 80), eddy_segment_name(s));
}

static int attach_named(struct eddy_domain *d, const char *file, struct eddy_segment **segment,
                        char id[EDDY_NONCE_TEXT])
{
    struct eddy_flink *f = calloc(1, sizeof *f);
    if (!f)
        return eddy_fail(EDDY_ENOMEM, "no memory to read a flink");
    int error = eddy_flink_read(eddy_domain_folder(d), file, f);
    if (!error) {
        memcpy(id, f->segment, EDDY_NONCE_TEXT);
        error = eddy_segment_attach(eddy_domain_folder(d), f->segment, EDDY_USE_SHARE, segment);
        if (!error) {
            (*segment)->folder = &d->folder;
            error = check_names(*segment, file, f->topic, f->scope);
            if (error)
                eddy_segment_detach(*segment);
        }
        if (error == EDDY_ENOENT)
            error = EDDY_ESTALE;
    }
    free(f);
    return error;
}

int eddy_directory_attach(struct eddy_domain *d, const char *file, struct eddy_segment **segment)
{
    char id[EDDY_NONCE_TEXT];
    int error = attach_named(d, file, segment, id);
    if (error == EDDY_ESTALE)
        return eddy_fail(EDDY_ENOENT, "%s leads to segment %s, which is gone; run `eddy gc`", file,
                         id);
    if (error)
        return error;
    if (eddy_count_members(d, *segment).alive)
        return EDDY_OK;
    eddy_segment_detach(*segment);
    return eddy_fail(EDDY_ENOENT, "everybody on the topic of %s is dead; run `eddy gc`", file);
}

/* The segment behind the flink, if somebody lives there.  ENOENT: there is none, now; what was left
 * is removed. */
static int find(struct eddy_domain *d, const char *file, struct eddy_segment **segment)
{
    char id[EDDY_NONCE_TEXT];
    int error = attach_named(d, file, segment, id);
    if (!error && eddy_count_members(d, *segment).alive)
        return EDDY_OK;
    if (error && error != EDDY_ESTALE)
        return error;
    eddy_flink_withdraw(eddy_domain_folder(d), file, id);
    EDDY_POINT("open:withdrawn");
    eddy_segment_remove(eddy_domain_folder(d), id, EDDY_SEATS_MAX);
    if (!error)
        eddy_segment_detach(*segment);
    return EDDY_ENOENT;
}

int eddy_directory_open(struct eddy_domain *d, const struct eddy_flink_key *key,
                        const struct eddy_wanted *w, struct eddy_segment **segment)
{
    int error = find(d, key->file, segment);
    if (error == EDDY_ENOENT)
        return create(d, key, w, segment);
    if (error)
        return error;
    error = check_names(*segment, key->file, w->name, w->scope);
    if (!error)
        error = eddy_directory_check_type(*segment, w);
    if (error)
        eddy_segment_detach(*segment);
    return error;
}

uint32_t eddy_directory_close(struct eddy_domain *d, const char *file, struct eddy_segment *s)
{
    if (eddy_count_members(d, s).alive)
        return 0;
    eddy_flink_withdraw(eddy_domain_folder(d), file, s->id);
    EDDY_POINT("close:withdrawn");
    return 1 + eddy_segment_remove(eddy_domain_folder(d), s->id,
                                   eddy_seats_bound(&s->control->reader_high));
}

/* All loads are relaxed: a picture of what moves. */
void eddy_directory_stats(int dir, struct eddy_segment *s, struct eddy_topic_stats *stats)
{
    struct eddy_seats writers = eddy_seats_of_writers(s), readers = eddy_seats_of_readers(s);
    uint32_t seat, high = eddy_seats_bound(&s->control->reader_high);
    struct eddy_topic_stats sum = {.published = eddy_logs_seen(s) - s->first_sn,
                                   .published_bytes =
                                       eddy_load_relaxed(&s->control->gone_bytes), /* statistics */
                                   .shared_bytes = eddy_segment_bytes(dir, s->id, high),
                                   .limit_bytes = eddy_segment_limit(s),
                                   .slots = eddy_extent_slots(s),
                                   .extents = eddy_extent_count(s)};
    while (eddy_seats_next(&writers, &seat)) {
        sum.writers += eddy_load_relaxed(&s->writers[seat].owner) != 0;
        sum.published_bytes += eddy_load_relaxed(&s->writers[seat].bytes);
    }
    while (eddy_seats_next(&readers, &seat))
        sum.readers += eddy_load_relaxed(&s->readers[seat].owner) != 0;
    *stats = sum;
}
