/* vandal.c - see vandal.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "vandal.h"

#include "world.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long one visit may take; the exit code of a visitor that could not leave. */
enum { VISIT_SECONDS = 10, STUCK = 97 };

/* What the visitor is at, for the one who finds it dead. */
struct progress {
    size_t offset;
    uint64_t value, done;
};

static struct vandal_object object;
static struct child host;
static struct image image;
static size_t file;
static struct progress *progress;
/* In a visitor: visits that others have made, and whether nothing is wrong yet. */
static uint64_t made;
static bool is_whole;

void vandal_start(const struct vandal_object *started)
{
    object = *started;
    host = child_start(object.host, NULL);
    wire_expect(host.wire, WIRE_READY);
    image_save(&image);
    file = image_file_with(&image, object.suffix);
}

void vandal_finish(void)
{
    image_restore(&image);
    image_drop(&image);
    child_kill(&host);
    must(eddy_domain_close(open_domain()));
}

int vandal_wire(void)
{
    return host.wire;
}

const struct image_file *vandal_file(void)
{
    return &image.files[file];
}

const char *vandal_name(void)
{
    return vandal_file()->name;
}

void vandal_poke(size_t offset, uint64_t value)
{
    image_poke(&image, file, offset, value);
}

uint64_t vandal_peek(size_t offset)
{
    return image_peek(&image, file, offset);
}

void vandal_mend(void)
{
    image_restore(&image);
}

void vandal_answer(int error, struct check_place place)
{
    if (error > 0 || error < EDDY_ENOTREADY || (is_whole && error))
        check_fail(place, "%d is no answer: %s", error, eddy_last_error());
}

/* --- visits ---------------------------------------------------------------------------------- */

/* One changed word, met on the way in or in the middle of work. */
static void visit_with(enum vandal_moment moment, size_t offset, uint64_t value)
{
    if (made > 0) {
        made--;
        return;
    }
    *progress = (struct progress){offset, value, progress->done + 1};
    alarm(VISIT_SECONDS);
    vandal_mend();
    if (moment == BEFORE_ATTACH)
        vandal_poke(offset, value);
    is_whole = moment == WHILE_ATTACHED;
    object.enter();
    is_whole = false;
    if (moment == WHILE_ATTACHED)
        vandal_poke(offset, value);
    if (!object.act(offset, value))
        _exit(STUCK);
}

static void visit_word(enum vandal_moment moment, size_t offset)
{
    uint64_t was = vandal_peek(offset), own[VANDAL_OWN_VALUES];
    visit_with(moment, offset, UINT64_MAX);
    visit_with(moment, offset, was + 1);
    if (was == 0 && !object.zeros_too)
        return;
    const uint64_t values[] = {0,
                               was - 1,
                               was ^ (UINT64_C(1) << 31),
                               was ^ (UINT64_C(1) << 63),
                               UINT64_C(0x4141414141414141),
                               was << 32 | was >> 32};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        visit_with(moment, offset, values[i]);
    size_t count = object.own_values ? object.own_values(was, own) : 0;
    for (size_t i = 0; i < count; i++)
        visit_with(moment, offset, own[i]);
}

static void visiting_process(int wire, void *argument)
{
    (void)wire;
    const enum vandal_moment *moment = argument;
    made = progress->done;
    for (size_t at = 0; at + 8 <= image.files[file].bytes; at += 8)
        if (object.is_target(at, vandal_peek(at)))
            visit_word(*moment, at);
}

static int send_visitors(enum vandal_moment moment, bool *hung)
{
    int status;
    do {
        struct child child = child_start(visiting_process, &moment);
        status = child_status(&child, 10 * PATIENCE_MS, hung);
    } while (!*hung && WIFEXITED(status) && WEXITSTATUS(status) == STUCK);
    return status;
}

void vandal_visit_all(enum vandal_moment moment)
{
    bool hung;
    progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check((void *)progress != MAP_FAILED);
    int status = send_visitors(moment, &hung);
    if (hung || status != 0)
        check_fail(CHECK_HERE("vandal_visit_all"), "%s of %s, word at %#zx set to %#llx",
                   WIFEXITED(status) ? "wrong answer" : strsignal(WTERMSIG(status)), vandal_name(),
                   progress->offset, (unsigned long long)progress->value);
    printf("%llu changed words\n", (unsigned long long)progress->done);
    check(progress->done > object.fewest);
    munmap(progress, sizeof *progress);
}

/* --- refusals -------------------------------------------------------------------------------- */

void vandal_word_gives(size_t offset, uint64_t value, int error)
{
    vandal_poke(offset, value);
    object.is_refused(error);
    says(vandal_name());
    vandal_mend();
}

static void is_refused_with(size_t bytes)
{
    check(ftruncate(image.files[file].descriptor, (off_t)bytes) == 0);
    object.is_refused(EDDY_ESEGMENT);
    says(vandal_name());
    vandal_mend();
}

void vandal_file_is_short(void)
{
    static const size_t sizes[] = {0, 1, 8, 63, 4095, 4096, 8192};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        is_refused_with(sizes[i]);
    is_refused_with(image.files[file].bytes - 1);
}

void vandal_file_is_zero(void)
{
    memset(image.files[file].live, 0, image.files[file].bytes);
    object.is_refused(EDDY_ESEGMENT);
    says(vandal_name());
    vandal_mend();
}

static void is_refused_to_others(const char *path)
{
    check(chown(path, 65534, 65534) == 0);
    object.is_refused(EDDY_EACCES);
    check(chown(path, 0, 0) == 0);
}

void vandal_file_is_none(void)
{
    char path[512], moved[512];
    snprintf(path, sizeof path, "%s/%s", world_dir(), vandal_name());
    snprintf(moved, sizeof moved, "%s/moved", world_dir());
    alarm(30); /* who opens a pipe may wait for its other end */
    check(rename(path, moved) == 0 && symlink("moved", path) == 0);
    object.is_refused(EDDY_EACCES);
    check(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    object.is_refused(EDDY_EACCES);
    check(unlink(path) == 0 && mkdir(path, 0700) == 0);
    object.is_refused(EDDY_EACCES);
    check(rmdir(path) == 0 && rename(moved, path) == 0);
    if (may_be_others())
        is_refused_to_others(path);
    alarm(0);
}
