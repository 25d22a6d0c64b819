/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/flink.h"

#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "discovery/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLINK_HEAD     "eddy flink "
#define FLINK_VERSION  1
#define FLINK_NEEDS    "needs: "
#define FLINK_BYTES    (3 * 3 * EDDY_NAME_MAX + 256)
#define READABLE_BYTES 120 /* of the topic's name in the name of its flink */

/* --- names ----------------------------------------------------------------------------------- */

static bool is_plain(unsigned char c, const char *also)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr(also, c));
}

/* Appends `text` escaped to `out`, as far as `room` bytes go; returns how many were used. */
static size_t escape(const char *text, const char *plain, char *out, size_t room)
{
    size_t used = 0;
    for (; *text; text++) {
        bool as_is = is_plain((unsigned char)*text, plain);
        if (used + (as_is ? 1 : 3) >= room)
            break;
        used += (size_t)sprintf(out + used, as_is ? "%c" : "%%%02X", (unsigned char)*text);
    }
    out[used] = 0;
    return used;
}

/* FNV-1a, also over the NUL, so that ("ab", "c") and ("a", "bc") differ. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
    while (*text++);
    return hash;
}

void eddy_flink_key_make(const char *name, const char *type, const char *scope, bool type_apart,
                         struct eddy_flink_key *key)
{
    uint64_t hash = hash_text(hash_text(0xcbf29ce484222325ull, name), scope);
    if (type_apart)
        hash = hash_text(hash, type);
    size_t used = escape(name, "_-", key->file, READABLE_BYTES);
    snprintf(key->file + used, sizeof key->file - used, ".%016llx" EDDY_FLINK_SUFFIX,
             (unsigned long long)hash);
    key->lock = eddy_flink_lock(key->file);
}

int64_t eddy_flink_lock(const char *file)
{
    return EDDY_LOCK_NAMES + (int64_t)(hash_text(0xcbf29ce484222325ull, file) >> 24);
}

/* --- reading --------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    const char *at = c ? strchr("0123456789ABCDEF", c) : NULL;
    return at ? (int)(at - "0123456789ABCDEF") : -1;
}

/* Undoes escape().  False: not what escape() writes, or too long. */
static bool unescape(const char *text, char *out, size_t room)
{
    size_t used = 0;
    while (*text && used + 1 < room) {
        int c = (unsigned char)*text++;
        if (c == '%') {
            int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
            if (low < 0 || high * 16 + low == 0)
                return false;
            c = high * 16 + low;
            text += 2;
        }
        out[used++] = (char)c;
    }
    out[used] = 0;
    return *text == 0;
}

/* A line with a key that a later Eddy may have added; what it may not be without, it says with
 * `needs`. */
static bool is_of_later(const char *line)
{
    size_t key = strspn(line, "abcdefghijklmnopqrstuvwxyz-");
    return key > 0 && line[key] == ':' && line[key + 1] == ' ';
}

static bool take_line(struct eddy_flink *f, char *line)
{
    static const char *const keys[] = {"topic: ", "type: ", "scope: ", "segment: ", "kind: "};
    char *const values[] = {f->topic, f->type, f->scope, f->segment, f->kind};
    const size_t rooms[] = {sizeof f->topic, sizeof f->type, sizeof f->scope, sizeof f->segment,
                            sizeof f->kind};
    for (int i = 0; i < 5; i++)
        if (strncmp(line, keys[i], strlen(keys[i])) == 0)
            return unescape(line + strlen(keys[i]), values[i], rooms[i]);
    return *line == '#' || is_of_later(line); /* a comment is for people */
}

static int fail_flink(const char *file, const char *what)
{
    return eddy_fail(EDDY_EFLINK,
                     "%s %s: it is no flink of Eddy's; remove it, or give another path", file,
                     what);
}

/* Of all that a flink could need, this Eddy has nothing yet. */
static int fail_needs(const char *file, const char *what)
{
    return eddy_fail(EDDY_EVERSION,
                     "%s is a flink of version %d that needs \"%.80s\", which this Eddy does not "
                     "know (it knows version %d, and nothing to need); use a newer Eddy",
                     file, FLINK_VERSION, what, FLINK_VERSION);
}

static int parse(const char *file, char *text, size_t bytes, struct eddy_flink *f)
{
    memset(f, 0, sizeof *f);
    if (bytes == 0)
        return fail_flink(file, "is empty");
    if (memchr(text, 0, bytes) || strncmp(text, FLINK_HEAD, strlen(FLINK_HEAD)) != 0)
        return fail_flink(file, "does not begin as a flink");
    int version = atoi(text + strlen(FLINK_HEAD));
    if (version != FLINK_VERSION)
        return eddy_fail(EDDY_EVERSION,
                         "%s is a flink of version %d, this Eddy knows %d; use one Eddy for all "
                         "programs of a domain",
                         file, version, FLINK_VERSION);
    if (text[bytes - 1] != '\n')
        return fail_flink(file, "is truncated");
    char *rest = NULL;
    strtok_r(text, "\n", &rest);
    for (char *line; (line = strtok_r(NULL, "\n", &rest)) != NULL;)
        if (strncmp(line, FLINK_NEEDS, strlen(FLINK_NEEDS)) == 0)
            return fail_needs(file, line + strlen(FLINK_NEEDS));
        else if (!take_line(f, line))
            return fail_flink(file, "has a line that does not belong there");
    bool named = f->topic[0] || f->kind[0];
    if (!named || strlen(f->segment) != 32 || strspn(f->segment, "0123456789abcdef") != 32)
        return fail_flink(file, "names no topic or no segment");
    return EDDY_OK;
}

static int read_any(int dir, const char *file, struct eddy_flink *flink)
{
    int fd;
    struct stat status;
    int error = eddy_file_open(dir, file, false, &fd, &status);
    if (error)
        return error;
    char *text = malloc(FLINK_BYTES + 1);
    ssize_t got = text ? read(fd, text, FLINK_BYTES + 1) : -1;
    if (!text)
        error = eddy_fail(EDDY_ENOMEM, "no memory to read a flink");
    else if (got < 0)
        error = eddy_fail_errno("cannot read %s", file);
    else if (got > FLINK_BYTES)
        error = fail_flink(file, "is far too long");
    else {
        text[got] = 0;
        error = parse(file, text, (size_t)got, flink);
    }
    free(text);
    close(fd);
    return error;
}

int eddy_flink_read_kind(int dir, const char *file, const char *kind, struct eddy_flink *flink)
{
    int error = read_any(dir, file, flink);
    if (error || !kind || strcmp(flink->kind, kind) == 0)
        return error;
    return eddy_fail(EDDY_EFLINK,
                     "%s leads to a segment of kind \"%s\", not \"%s\"; use the calls that are for "
                     "that, or give another path",
                     file, *flink->kind ? flink->kind : "topic", *kind ? kind : "topic");
}

int eddy_flink_read(int dir, const char *file, struct eddy_flink *flink)
{
    return eddy_flink_read_kind(dir, file, "", flink);
}

/* --- writing --------------------------------------------------------------------------------- */

/* `out` has FLINK_BYTES bytes, which is enough for three names, each byte of them escaped. */
static size_t print(const struct eddy_flink *f, char *out)
{
    static const char plain[] = "_-./:~+, @()<>[]";
    const char *const values[] = {f->topic, f->type, f->scope};
    static const char *const keys[] = {"topic: ", "\ntype: ", "\nscope: "};
    size_t used = (size_t)sprintf(out, FLINK_HEAD "%d\n", FLINK_VERSION);
    if (*f->kind)
        return used + (size_t)sprintf(out + used, "kind: %s\nsegment: %s\n", f->kind, f->segment);
    for (int i = 0; i < 3; i++) {
        used += (size_t)sprintf(out + used, "%s", keys[i]);
        used += escape(values[i], plain, out + used, FLINK_BYTES - used);
    }
    return used + (size_t)sprintf(out + used, "\nsegment: %s\n", f->segment);
}

int eddy_flink_announce(int dir, const char *file, const struct eddy_flink *flink)
{
    struct eddy_file f;
    char *text = malloc(FLINK_BYTES);
    if (!text)
        return eddy_fail(EDDY_ENOMEM, "no memory to write a flink");
    size_t bytes = print(flink, text);
    int error = eddy_file_create(dir, 0, &f);
    if (!error) {
        error = eddy_file_reserve(f.fd, 0, bytes, "a flink");
        if (!error && pwrite(f.fd, text, bytes, 0) != (ssize_t)bytes)
            error = eddy_fail_errno("cannot write a flink");
        if (!error)
            error = eddy_file_link(&f, file);
        eddy_file_drop(&f);
    }
    free(text);
    return error;
}

void eddy_flink_withdraw(int dir, const char *file, const char *segment)
{
    struct eddy_flink *flink = malloc(sizeof *flink);
    if (flink && eddy_flink_read_kind(dir, file, NULL, flink) == EDDY_OK &&
        strcmp(flink->segment, segment) == 0) {
        EDDY_POINT("withdraw:read");
        unlinkat(dir, file, 0);
    }
    free(flink);
}

/* --- the other way round --------------------------------------------------------------------- */

struct search {
    const char *id;
    bool found;
};

/* What cannot be read for want of something may lead there. */
static bool look_at_flink(int dir, const char *file, void *context)
{
    struct search *search = context;
    size_t length = strlen(file), end = strlen(EDDY_FLINK_SUFFIX);
    if (length <= end || strcmp(file + length - end, EDDY_FLINK_SUFFIX) != 0)
        return true;
    struct eddy_flink *flink = malloc(sizeof *flink);
    int error = flink ? read_any(dir, file, flink) : EDDY_ENOMEM;
    search->found = error ? error == EDDY_ENOMEM || error == EDDY_ESYS
                          : strncmp(flink->segment, search->id, EDDY_NONCE_TEXT - 1) == 0;
    free(flink);
    return !search->found;
}

bool eddy_flink_leads_to(int dir, const char *segment)
{
    struct search search = {.id = segment};
    eddy_file_list(dir, look_at_flink, &search);
    return search.found;
}
