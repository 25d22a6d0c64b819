/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/endpoint.h"

#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- the word -------------------------------------------------------------------------------- */

#define HOLDER_SHIFT 32u
#define DEATHS_SHIFT 16u
#define STATE_SHIFT  13u
#define SIZE_MASK    ((1u << STATE_SHIFT) - 1)
_Static_assert(EDDY_BLOB_BYTES <= SIZE_MASK, "the size of a blob has 13 bits");

struct eddy_presence_seen eddy_presence_read(uint64_t word)
{
    uint32_t size = (uint32_t)word & SIZE_MASK;
    return (struct eddy_presence_seen){
        .state = (enum eddy_presence)(word >> STATE_SHIFT & 3u),
        .holder = (uint32_t)(word >> HOLDER_SHIFT),
        .deaths = (uint16_t)(word >> DEATHS_SHIFT),
        .blob_size = size <= EDDY_BLOB_BYTES ? size : 0,
    };
}

static uint64_t word_of(struct eddy_presence_seen p)
{
    return (uint64_t)p.holder << HOLDER_SHIFT | (uint64_t)p.deaths << DEATHS_SHIFT |
           (uint64_t)p.state << STATE_SHIFT | p.blob_size;
}

/* --- the file -------------------------------------------------------------------------------- */

static int open_control(const struct eddy_segment *s, bool writable, int *fd)
{
    char name[48];
    struct stat status;
    eddy_segment_control_file(s->id, name);
    return eddy_file_open(eddy_segment_dir(s), name, writable, fd, &status);
}

void eddy_segment_touch(const struct eddy_segment *s)
{
    char name[48];
    int saved = errno;
    eddy_segment_control_file(s->id, name);
    (void)utimensat(eddy_segment_dir(s), name, NULL, AT_SYMLINK_NOFOLLOW);
    errno = saved;
}

/* Else the kernel would end the program (SIGXFSZ). */
static int check_file_limit(uint64_t end)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_FSIZE, &most) != 0 || most.rlim_cur == RLIM_INFINITY ||
        end <= most.rlim_cur)
        return EDDY_OK;
    return eddy_fail(EDDY_ELIMIT,
                     "what describes a topic lies up to byte %llu of a file, and files of this "
                     "process may have %llu; see ulimit -f",
                     (unsigned long long)end, (unsigned long long)most.rlim_cur);
}

static int write_all(int fd, uint64_t offset, struct eddy_bytes bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t more =
            pwrite(fd, (const char *)bytes.at + done, bytes.size - done, (off_t)(offset + done));
        if (more < 0 && errno != EINTR)
            return eddy_fail_errno("cannot write what describes a topic");
        done += more > 0 ? (size_t)more : 0;
    }
    return EDDY_OK;
}

static int write_at(const struct eddy_segment *s, uint64_t offset, struct eddy_bytes bytes)
{
    int fd;
    int error = check_file_limit(offset + bytes.size);
    if (!error)
        error = open_control(s, true, &fd);
    if (error)
        return error;
    error = eddy_file_reserve(fd, offset, bytes.size, "what describes a topic");
    if (!error)
        error = write_all(fd, offset, bytes);
    close(fd);
    return error;
}

static int fail_short(const struct eddy_segment *s)
{
    return eddy_fail(EDDY_ESEGMENT, "the file of topic \"%.*s\" was made shorter by somebody",
                     EDDY_SEGMENT_LABEL(s));
}

static int read_at(struct eddy_endpoint_file *f, uint64_t offset, void *bytes, size_t size)
{
    int error = f->fd < 0 ? open_control(f->segment, false, &f->fd) : EDDY_OK;
    if (error)
        return error;
    ssize_t had;
    do
        had = pread(f->fd, bytes, size, (off_t)offset);
    while (had < 0 && errno == EINTR);
    if (had < 0)
        return eddy_fail_errno("cannot read what describes a topic");
    return (size_t)had == size ? EDDY_OK : fail_short(f->segment);
}

void eddy_endpoint_file_close(struct eddy_endpoint_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

/* --- endpoints ------------------------------------------------------------------------------- */

int eddy_endpoint_arrive(struct eddy_segment *s, bool writer, uint32_t seat, struct eddy_bytes blob)
{
    _Atomic uint64_t *word = eddy_presence_of(s, writer, seat);
    int error = EDDY_OK;
    /* Relaxed: from the last holder, by [seat]. */
    struct eddy_presence_seen p = eddy_presence_read(eddy_load_relaxed(word));
    p = (struct eddy_presence_seen){EDDY_COMING, p.holder + 1, p.deaths, (uint32_t)blob.size};
    if (blob.size) {
        eddy_store_relaxed(word, word_of(p)); /* for who reaps us: there may be a blob */
        EDDY_POINT("arrive:coming");
        error = write_at(s, eddy_blob_offset(s->control_bytes, writer, seat), blob);
        EDDY_POINT("arrive:said");
    }
    if (error)
        return error;
    p.state = EDDY_THERE;
    eddy_store_release(word, word_of(p)); /* [there] */
    EDDY_POINT("arrive:there");
    eddy_segment_touch(s);
    return EDDY_OK;
}

/* The memory of a blob goes back.  Who reads it just now finds another word afterwards. */
static void drop_blob(const struct eddy_segment *s, bool writer, uint32_t seat)
{
    int fd;
    if (open_control(s, true, &fd) != EDDY_OK)
        return; /* the topic's files were removed */
    (void)eddy_file_punch(fd, eddy_blob_offset(s->control_bytes, writer, seat), EDDY_BLOB_BYTES);
    close(fd);
}

void eddy_endpoint_leave(struct eddy_segment *s, bool writer, uint32_t seat, bool died)
{
    _Atomic uint64_t *word = eddy_presence_of(s, writer, seat);
    /* Relaxed, all: only the holder writes it; [seat] has it before the next one's. */
    struct eddy_presence_seen p = eddy_presence_read(eddy_load_relaxed(word));
    if (p.state != EDDY_ABSENT && p.blob_size) {
        p.state = EDDY_LEAVING;
        eddy_store_relaxed(word, word_of(p));
        EDDY_POINT("leave:unsaid");
        drop_blob(s, writer, seat);
    }
    if (p.state != EDDY_ABSENT)
        p.deaths = (uint16_t)(p.deaths + died);
    p.state = EDDY_ABSENT;
    p.blob_size = 0;
    eddy_store_relaxed(word, word_of(p));
}

int eddy_endpoint_blob(struct eddy_endpoint_file *f, bool writer, uint32_t seat, uint64_t word,
                       void *bytes)
{
    const struct eddy_segment *s = f->segment;
    uint32_t size = eddy_presence_read(word).blob_size;
    int error =
        size ? read_at(f, eddy_blob_offset(s->control_bytes, writer, seat), bytes, size) : EDDY_OK;
    /* Relaxed: the kernel has read it before; what is written over it later comes after another word. */
    if (!error && eddy_load_relaxed(eddy_presence_of(s, writer, seat)) != word)
        error = EDDY_ESTALE;
    return error;
}

/* --- the text of the type -------------------------------------------------------------------- */

int eddy_type_text_give(struct eddy_segment *s, struct eddy_bytes text)
{
    /* Relaxed: whoever wrote it had the name. */
    if (text.size == 0 || eddy_load_relaxed(&s->control->type_text) != 0)
        return EDDY_OK;
    int error = write_at(s, eddy_type_text_offset(s->control_bytes), text);
    EDDY_POINT("type-text:written");
    if (!error) /* Relaxed: system calls have written it, and will read it */
        eddy_store_relaxed(&s->control->type_text, (uint32_t)text.size);
    return error;
}

uint32_t eddy_type_text_size(const struct eddy_segment *s)
{
    uint32_t size = eddy_load_relaxed(&s->control->type_text); /* as above */
    return size <= EDDY_TEXT_BYTES ? size : 0;
}

int eddy_type_text_read(struct eddy_endpoint_file *f, void *bytes, uint32_t size)
{
    return read_at(f, eddy_type_text_offset(f->segment->control_bytes), bytes, size);
}
