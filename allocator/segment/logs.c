/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/logs.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRIES_MARK (1u << 20) /* each is lost to a sample or to another's mark */
#define TRIES_FIND 32u        /* more than there are lengths */

static int fail_scribbled(const struct eddy_segment *s)
{
    return eddy_fail(EDDY_ESEGMENT, "the log of topic \"%.*s\" was scribbled on",
                     EDDY_SEGMENT_LABEL(s));
}

static _Atomic uint64_t only_mark = EDDY_LAP_MARK << EDDY_SLOT_BITS;
/* In so long a log any number is of lap 0, hence older than the mark. */
const struct eddy_log eddy_log_elsewhere = {.entries = &only_mark, .shift = 63};

/* --- mapping --------------------------------------------------------------------------------- */

static struct eddy_log *log_of(struct eddy_segment *s, uint32_t shift)
{
    return &s->logs[shift - EDDY_LOG_MIN_SHIFT];
}

static void set_log(struct eddy_segment *s, uint32_t shift, _Atomic uint64_t *entries)
{
    *log_of(s, shift) = (struct eddy_log){.entries = entries,
                                          .next_sn = &s->control->next_sn,
                                          .mask = (1u << shift) - 1,
                                          .shift = shift};
}

void eddy_logs_begin(struct eddy_segment *s, _Atomic uint64_t *entries)
{
    uint32_t shift = (uint32_t)__builtin_ctz(s->log_length);
    set_log(s, shift, entries);
    eddy_store_relaxed(&s->log, log_of(s, shift)); /* nobody else has the segment yet */
}

void eddy_logs_unmap(struct eddy_segment *s)
{
    for (uint32_t shift = EDDY_LOG_MIN_SHIFT; shift <= EDDY_LOG_MAX_SHIFT; shift++)
        if (1u << shift != s->log_length && log_of(s, shift)->entries)
            munmap((void *)log_of(s, shift)->entries, 8ull << shift);
}

static int open_control(const struct eddy_segment *s, int *fd, uint64_t *bytes)
{
    char file[48];
    struct stat status;
    eddy_segment_control_file(s->id, file);
    int error = eddy_file_open(eddy_segment_dir(s), file, true, fd, &status);
    *bytes = error ? 0 : (uint64_t)status.st_size;
    return error;
}

static int map_locked(struct eddy_segment *s, uint32_t shift)
{
    int fd;
    uint64_t file_bytes, at = eddy_longer_log_offset(s->control_bytes, shift),
                         bytes = 8ull << shift;
    void *entries = NULL;
    if (log_of(s, shift)->entries)
        return EDDY_OK;
    int error = open_control(s, &fd, &file_bytes);
    if (error)
        return error;
    if (file_bytes < at + bytes)
        error = fail_scribbled(s);
    else
        error = eddy_file_map(fd, at, bytes, true, &entries);
    if (!error)
        set_log(s, shift, entries);
    close(fd);
    return error;
}

static int map_log(struct eddy_segment *s, uint32_t shift)
{
    EDDY_UNCANCELLED;
    pthread_mutex_lock(&s->lock);
    int error = map_locked(s, shift);
    pthread_mutex_unlock(&s->lock);
    return error;
}

const struct eddy_log *eddy_logs_follow(struct eddy_segment *s)
{
    /* acquire, from [moved]: all that the shorter log held is in this one. */
    uint32_t shift = eddy_load_acquire(&s->control->log_shift);
    const struct eddy_log *log = eddy_logs_mapped(s);
    if (shift <= log->shift || shift > EDDY_LOG_MAX_SHIFT)
        return log; /* it never gets shorter: somebody scribbles, or another thread was faster */
    if (map_log(s, shift))
        return NULL;
    const struct eddy_log *longer = log_of(s, shift);
    /* Relaxed: goes with the log. */
    eddy_raise64_relaxed(&s->known_from, eddy_logs_next(s));
    while (log->shift < shift && !eddy_cas_release(&s->log, &log, longer)) /* [log mapped] */
        log = eddy_logs_mapped(s);
    return log->shift < shift ? longer : log;
}

/* --- growing --------------------------------------------------------------------------------- */

/* Memory for a longer log.  Two may do so at once, or one again what another had begun. */
static int reserve_log(struct eddy_segment *s, uint32_t shift)
{
    int fd;
    uint64_t unused, at = eddy_longer_log_offset(s->control_bytes, shift), bytes = 8ull << shift;
    int error = open_control(s, &fd, &unused);
    if (error)
        return error;
    error = eddy_file_reserve(fd, at, bytes, "a longer log");
    /* Makes the file long enough, and never shorter. */
    if (!error && (errno = posix_fallocate(fd, (off_t)(at + bytes - 1), 1)) != 0)
        error = eddy_fail_errno("cannot make the log of a topic longer");
    close(fd);
    EDDY_POINT("logs:reserved");
    return error;
}

/* Everything that is in `log`, up to S, which is where the mark is.  From 0 alone: others may have
 * copied before us, and published in the longer log since. */
static void copy(const struct eddy_segment *s, const struct eddy_log *log,
                 const struct eddy_log *longer, uint64_t end)
{
    uint64_t length = log->mask + 1ull;
    uint64_t sn = end - length > s->first_sn ? end - length : s->first_sn;
    for (; sn < end; sn++) {
        uint64_t entry = eddy_log_entry(log, sn), none = 0;
        EDDY_POINT("logs:copying");
        /* The mark stands on what was one lap before it, and has kept the slot. */
        if (eddy_entry_age(log, entry, sn) == EDDY_ENTRY_PRESENT ||
            (sn == end - length && eddy_entry_is_mark(entry)))
            /* Relaxed: who looks there has come by [moved]. */
            eddy_cas_relaxed(&longer->entries[sn & longer->mask], &none,
                             eddy_entry_make(longer, sn, eddy_entry_slot(entry)));
    }
}

int eddy_logs_finish(struct eddy_segment *s, const struct eddy_log *log)
{
    /* The mark, which we have seen, from [ended], went in where next_sn was; and nobody moves that
     * on before the longer log is in use. */
    uint64_t end = eddy_logs_next(s);
    EDDY_POINT("logs:mark-met");
    if (!eddy_logs_is_used(s, log))
        return EDDY_OK; /* another was faster */
    uint64_t mark = eddy_log_entry(log, end);
    uint32_t shift = eddy_mark_shift(mark), now = log->shift;
    if (!eddy_entry_is_mark(mark) || shift <= now || shift > EDDY_LOG_MAX_SHIFT ||
        end < s->first_sn)
        return fail_scribbled(s);
    int error = map_log(s, shift);
    if (error)
        return error;
    copy(s, log, log_of(s, shift), end);
    EDDY_POINT("logs:copied");
    eddy_cas_release(&s->control->log_shift, &now, shift); /* [moved] */
    EDDY_POINT("logs:moved");
    return EDDY_OK;
}

int eddy_logs_mend(struct eddy_segment *s, const struct eddy_log *log, uint64_t sn, uint64_t entry)
{
    if (eddy_entry_is_mark(entry))
        return eddy_logs_finish(s, log);
    eddy_log_mend(log, sn, entry);
    return EDDY_OK;
}

/* One try to end `log` in favour of one of 2^shift entries. */
static int try_mark(struct eddy_segment *s, const struct eddy_log *log, uint64_t sn, uint32_t shift)
{
    uint64_t entry = eddy_log_entry(log, sn);
    enum eddy_entry_age age = eddy_entry_age(log, entry, sn);
    if (age == EDDY_ENTRY_NEWER)
        return eddy_logs_mend(s, log, sn, entry);
    if (age == EDDY_ENTRY_PRESENT) {
        eddy_log_help(log, sn);
        return EDDY_OK;
    }
    /* [ended]: who meets the mark finds next_sn where it stands, and all entries before it.  seq: who
     * looks for S in a log that has ended must not miss what was published elsewhere, as in log.h. */
    if (!eddy_cas_seq(&log->entries[sn & log->mask], &entry, eddy_entry_mark(entry, shift)))
        return EDDY_OK;
    EDDY_POINT("logs:marked");
    return eddy_logs_finish(s, log);
}

static uint32_t shift_for(uint64_t length)
{
    uint32_t shift = (uint32_t)__builtin_ctz(EDDY_LOG_GROWN);
    while (shift < EDDY_LOG_MAX_SHIFT && 1ull << shift < length)
        shift++;
    return shift;
}

int eddy_logs_grow(struct eddy_segment *s, uint64_t length)
{
    uint64_t most = length < EDDY_LOG_MAX ? length : EDDY_LOG_MAX;
    uint32_t shift = shift_for(most);
    if (eddy_logs_length(s) >= most)
        return EDDY_OK;
    EDDY_UNCANCELLED;
    int error = reserve_log(s, shift);
    if (!error)
        error = map_log(s, shift);
    for (uint32_t tries = 0; !error && tries < TRIES_MARK; tries++) {
        uint64_t sn = eddy_logs_next(s);
        const struct eddy_log *log = eddy_logs_follow(s);
        if (!log)
            return EDDY_ENOMEM;
        if (log->mask >= most - 1)
            return EDDY_OK;
        error = try_mark(s, log, sn, shift);
    }
    return error ? error : fail_scribbled(s);
}

uint32_t eddy_logs_most(uint64_t limit_bytes)
{
    uint64_t most = limit_bytes / (sizeof(struct eddy_slot) + EDDY_LINE);
    return most < EDDY_LOG_MIN ? EDDY_LOG_MIN : most < EDDY_LOG_MAX ? (uint32_t)most : EDDY_LOG_MAX;
}

uint32_t eddy_logs_reach(struct eddy_segment *s, uint32_t depth)
{
    uint32_t most = eddy_logs_most(eddy_segment_limit(s)), length = depth < most ? depth : most;
    if (eddy_logs_grow(s, length))
        eddy_log(EDDY_LOG_INFO, "the log of topic \"%.*s\" is not made longer: %s",
                 EDDY_SEGMENT_LABEL(s), eddy_last_error());
    uint64_t has = eddy_logs_length(s);
    return depth < has ? depth : (uint32_t)has;
}

/* --- looking --------------------------------------------------------------------------------- */

int eddy_logs_find(struct eddy_segment *s, uint64_t sn, uint64_t *entry, enum eddy_entry_age *age)
{
    for (uint32_t tries = 0; tries < TRIES_FIND; tries++) {
        const struct eddy_log *log = eddy_logs_follow(s);
        if (!log)
            return EDDY_ENOMEM;
        *entry = eddy_log_entry(log, sn);
        *age = eddy_entry_age(log, *entry, sn);
        if (*age != EDDY_ENTRY_NEWER || !eddy_entry_is_mark(*entry))
            return EDDY_OK;
        int error = eddy_logs_finish(s, log);
        if (error)
            return error;
    }
    return fail_scribbled(s);
}

bool eddy_logs_passed(struct eddy_segment *s, uint64_t sn, uint64_t entry)
{
    enum eddy_entry_age age = EDDY_ENTRY_NEWER;
    return !eddy_entry_is_mark(entry) || eddy_logs_find(s, sn, &entry, &age) ||
           age != EDDY_ENTRY_OLDER || sn < eddy_logs_next(s);
}

struct eddy_entry_seen eddy_logs_look(struct eddy_segment *s, uint64_t sn)
{
    struct eddy_entry_seen seen = {NULL, 0};
    for (uint32_t tries = 0; tries < TRIES_FIND; tries++) {
        const struct eddy_log *log = eddy_logs_mapped(s);
        seen = (struct eddy_entry_seen){&log->entries[sn & log->mask], eddy_log_entry(log, sn)};
        /* A mark stays as it is; who goes on from it has the longer log mapped. */
        if (!eddy_entry_is_mark(seen.was) || eddy_logs_passed(s, sn, seen.was))
            break;
    }
    return seen;
}

int eddy_logs_end(struct eddy_segment *s, uint64_t *end)
{
    for (uint64_t tries = eddy_logs_length(s); tries; tries--) {
        uint64_t entry;
        enum eddy_entry_age age;
        *end = eddy_logs_next(s);
        int error = eddy_logs_find(s, *end, &entry, &age);
        if (error || age == EDDY_ENTRY_OLDER)
            return error;
        eddy_log_help(eddy_logs_mapped(s), *end);
    }
    return EDDY_OK;
}

uint64_t eddy_logs_seen(const struct eddy_segment *s)
{
    /* One that was published and not yet helped over is all that there can be. */
    uint64_t n = eddy_logs_next(s);
    const struct eddy_log *log = eddy_logs_mapped(s);
    uint64_t entry = eddy_log_entry(log, n);
    return n + (eddy_logs_is_used(s, log) && eddy_entry_age(log, entry, n) == EDDY_ENTRY_PRESENT);
}
