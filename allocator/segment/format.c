/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/format.h"

#include "allocator/atomic.h"
#include "allocator/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

uint64_t eddy_version_word(uint32_t layout)
{
    return layout | (uint64_t)EDDY_LINE << 16 | (uint64_t)sysconf(_SC_PAGESIZE) << 32;
}

/* A head as it was read, or as this build would write it. */
struct version {
    uint64_t word, features[EDDY_FEATURE_SETS];
};

void eddy_format_fill(const struct eddy_format *f, struct eddy_head *head)
{
    head->version = eddy_version_word(f->layout);
    head->incompatible = f->used[EDDY_INCOMPATIBLE];
    head->look_only = f->used[EDDY_LOOK_ONLY];
    head->compatible = f->used[EDDY_COMPATIBLE];
}

/* Whoever scribbles on it while we look changes what is written no more: these are loads, once. */
static struct version read_version(const struct eddy_head *head)
{
    const volatile struct eddy_head *once = head;
    return (struct version){once->version, {once->incompatible, once->look_only, once->compatible}};
}

/* --- in words -------------------------------------------------------------------------------- */

static const char *name_of(const struct eddy_format *f, int set, unsigned bit)
{
    for (const struct eddy_feature *n = f->names; n && n->name; n++)
        if (n->set == (enum eddy_feature_set)set && n->bit == bit)
            return n->name;
    return NULL;
}

struct sentence {
    char text[320];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(s->text + s->used, sizeof s->text - s->used, format, args);
    va_end(args);
    size_t room = sizeof s->text - 1 - s->used;
    s->used += bytes < 0 ? 0 : (size_t)bytes < room ? (size_t)bytes : room;
}

/* "incompatible features 3 (foreign memory), 63": nothing if there is none. */
static void say_features(struct sentence *s, const struct eddy_format *f, int set, uint64_t bits)
{
    static const char *const sets[] = {"incompatible", "look-only", "compatible"};
    enum { MOST = 4 };
    int said = 0;
    for (; bits && said < MOST; bits &= bits - 1, said++) {
        unsigned bit = (unsigned)__builtin_ctzll(bits);
        const char *name = name_of(f, set, bit);
        if (said == 0)
            say(s, ", %s feature%s", sets[set], bits & (bits - 1) ? "s" : "");
        say(s, "%s %u", said ? "," : "", bit);
        if (name)
            say(s, " (%s)", name);
    }
    if (bits)
        say(s, " and %d more", __builtin_popcountll(bits));
}

static struct sentence decode(const struct eddy_format *f, const struct version *v)
{
    struct sentence s = {.used = 0};
    say(&s, "layout %u, line %u, page %u", (unsigned)(v->word & 0xffff),
        (unsigned)(v->word >> 16 & 0xffff), (unsigned)(v->word >> 32));
    for (int set = 0; set < EDDY_FEATURE_SETS; set++)
        say_features(&s, f, set, v->features[set]);
    return s;
}

/* --- checking -------------------------------------------------------------------------------- */

static int fail_version(const struct eddy_format *f, const char *file, const struct version *theirs)
{
    struct version ours = {eddy_version_word(f->layout), {0}};
    memcpy(ours.features, f->known, sizeof ours.features);
    struct sentence they = decode(f, theirs), we = decode(f, &ours);
    return eddy_fail(EDDY_EVERSION,
                     "%s, %s, has %s; this Eddy has %s; use one Eddy for all programs that share "
                     "it, or another EDDY_DIR",
                     file, f->what, they.text, we.text);
}

static int fail_feature(const struct eddy_format *f, const char *file, int set, uint64_t unknown,
                        const struct version *theirs)
{
    struct version ours = {eddy_version_word(f->layout), {0}};
    memcpy(ours.features, f->known, sizeof ours.features);
    struct sentence they = decode(f, theirs), we = decode(f, &ours), which = {.used = 0};
    say_features(&which, f, set, unknown);
    return eddy_fail(EDDY_EVERSION,
                     "%s, %s, has%s, which this Eddy does not know%s (it has %s; this Eddy %s); "
                     "use a newer Eddy for this program, or another EDDY_DIR",
                     file, f->what, which.text + 1,
                     set == EDDY_LOOK_ONLY ? " and may only look at" : "", they.text, we.text);
}

int eddy_format_check(const struct eddy_format *f, const char *file, const struct eddy_head *head,
                      enum eddy_use use)
{
    /* Relaxed: the file was linked when it was whole; who has opened it by its name has it all. */
    uint64_t magic = eddy_load_relaxed(&head->magic);
    if (magic != f->magic)
        return eddy_fail(EDDY_ESEGMENT,
                         "%s is not %s (magic %016llx); stop the programs that use it and run "
                         "`eddy gc`",
                         file, f->what, (unsigned long long)magic);
    struct version theirs = read_version(head);
    if (theirs.word != eddy_version_word(f->layout))
        return fail_version(f, file, &theirs);
    int last = use == EDDY_USE_SHARE ? EDDY_LOOK_ONLY : EDDY_INCOMPATIBLE;
    for (int set = EDDY_INCOMPATIBLE; set <= last; set++)
        if (theirs.features[set] & ~f->known[set])
            return fail_feature(f, file, set, theirs.features[set] & ~f->known[set], &theirs);
    return EDDY_OK;
}
