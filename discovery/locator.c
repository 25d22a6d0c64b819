/* SPDX-License-Identifier: Apache-2.0 */
#include <eddy/locator.h>

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/whose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 20u

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* FNV-1a */
static uint32_t hash_of(const char *text)
{
    uint32_t hash = 0x811c9dc5u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x01000193u;
    return hash;
}

/* --- UTF-8 ----------------------------------------------------------------------------------- */

/* Bytes of the sequence that begins with `first`, and the smallest character that needs so many. */
static size_t sequence(uint8_t first, uint32_t *character, uint32_t *least)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = first < 0x80             ? 1
                   : (first & 0xe0) == 0xc0 ? 2
                   : (first & 0xf0) == 0xe0 ? 3
                   : (first & 0xf8) == 0xf0 ? 4
                                            : 0;
    *character = bytes == 1 ? first : first & (0x7fu >> bytes);
    *least = smallest[bytes];
    return bytes;
}

static bool is_utf8(const uint8_t *text, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        uint32_t character, least;
        size_t n = sequence(text[at], &character, &least);
        if (n == 0 || n > bytes - at)
            return false;
        for (size_t i = 1; i < n; i++) {
            if ((text[at + i] & 0xc0) != 0x80)
                return false;
            character = character << 6 | (text[at + i] & 0x3f);
        }
        if (character < least || character > 0x10ffff ||
            (character >= 0xd800 && character < 0xe000))
            return false;
        at += n;
    }
    return true;
}

/* --- the codec ------------------------------------------------------------------------------- */

static int fail_path(size_t length)
{
    return eddy_fail(EDDY_ETOOBIG, "a locator carries a path of at most %u bytes, not of %zu",
                     EDDY_LOCATOR_PATH_MAX, length);
}

static int fail_utf8(void)
{
    return eddy_fail(EDDY_EINVAL, "the path of the locator is not UTF-8");
}

int eddy_locator_encode(const struct eddy_locator *l, void *buffer, size_t bytes, size_t *used)
{
    uint8_t *out = buffer;
    size_t length = strnlen(l->path, sizeof l->path);
    size_t total = (HEAD_BYTES + length + 1 + 3) / 4 * 4;
    if (length > EDDY_LOCATOR_PATH_MAX)
        return fail_path(length);
    if (!is_utf8((const uint8_t *)l->path, length))
        return fail_utf8();
    if (total > bytes)
        return eddy_fail(EDDY_ETOOBIG, "the locator takes %zu bytes, there is room for %zu", total,
                         bytes);
    memset(out, 0, total);
    put32(out, l->host_hash);
    put32(out + 4, l->uid);
    put32(out + 8, l->slot_count);
    put32(out + 12, l->slot_size);
    put32(out + 16, (uint32_t)length + 1);
    memcpy(out + HEAD_BYTES, l->path, length);
    *used = total;
    return EDDY_OK;
}

int eddy_locator_decode(const void *buffer, size_t bytes, struct eddy_locator *locator)
{
    const uint8_t *in = buffer;
    if (bytes < HEAD_BYTES)
        return eddy_fail(EDDY_EBOUNDS, "a locator of %zu bytes is truncated: its header has %u",
                         bytes, HEAD_BYTES);
    size_t length = get32(in + 16);
    if (length > EDDY_LOCATOR_PATH_MAX + 1)
        return fail_path(length - 1);
    if (length > bytes - HEAD_BYTES)
        return eddy_fail(EDDY_EBOUNDS,
                         "a locator of %zu bytes is truncated: its path has %zu behind the header",
                         bytes, length);
    const uint8_t *path = in + HEAD_BYTES;
    if (length == 0 || memchr(path, 0, length) != path + length - 1)
        return eddy_fail(EDDY_EINVAL, "the path of the locator does not end with its only NUL");
    if (!is_utf8(path, length - 1))
        return fail_utf8();
    memset(locator, 0, sizeof *locator);
    locator->host_hash = get32(in);
    locator->uid = get32(in + 4);
    locator->slot_count = get32(in + 8);
    locator->slot_size = get32(in + 12);
    memcpy(locator->path, path, length);
    return EDDY_OK;
}

int eddy_slot_header_encode(const struct eddy_slot_header *h, void *buffer, size_t bytes)
{
    uint8_t *out = buffer;
    if (bytes < EDDY_SLOT_HEADER_BYTES)
        return eddy_fail(EDDY_EBOUNDS, "a slot header takes %u bytes, there is room for %zu",
                         EDDY_SLOT_HEADER_BYTES, bytes);
    put32(out, h->sn);
    put32(out + 4, h->size);
    put32(out + 8, h->reader_mask);
    put32(out + 12, h->reserved);
    return EDDY_OK;
}

int eddy_slot_header_decode(const void *buffer, size_t bytes, struct eddy_slot_header *header)
{
    const uint8_t *in = buffer;
    if (bytes < EDDY_SLOT_HEADER_BYTES)
        return eddy_fail(EDDY_EBOUNDS, "a slot header has %u bytes, not %zu",
                         EDDY_SLOT_HEADER_BYTES, bytes);
    *header = (struct eddy_slot_header){get32(in), get32(in + 4), get32(in + 8), get32(in + 12)};
    return EDDY_OK;
}

/* --- the host -------------------------------------------------------------------------------- */

static int read_boot_id(char boot[40])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, boot, 39);
    int number = errno;
    if (fd >= 0)
        close(fd);
    if (got <= 0) {
        errno = number;
        return eddy_fail_errno("cannot read the kernel's boot id; is /proc mounted?");
    }
    boot[got] = 0;
    boot[strcspn(boot, "\n")] = 0;
    return EDDY_OK;
}

int eddy_host_identity(const char *dir, struct eddy_host *identity)
{
    EDDY_UNCANCELLED;
    struct eddy_host host = {.uid = geteuid()};
    struct stat status;
    char text[80];
    if (stat(dir ? dir : "/dev/shm", &status) != 0)
        return eddy_fail_errno("cannot look at the folder %s", dir ? dir : "/dev/shm");
    int error = read_boot_id(host.boot);
    if (error)
        return error;
    host.device = status.st_dev;
    snprintf(text, sizeof text, "%s:%llx", host.boot, (unsigned long long)host.device);
    host.hash = hash_of(text);
    *identity = host;
    return EDDY_OK;
}

bool eddy_locator_is_same_host(const struct eddy_locator *locator, uint32_t host_hash, uint32_t uid)
{
    return locator->host_hash == host_hash && locator->uid == uid;
}

/* There another user's flink is as good as one's own. */
static bool is_groups(const char *dir)
{
    struct stat status;
    return stat(dir, &status) == 0 && eddy_folder_is_groups(&status);
}

bool eddy_locator_is_local(const struct eddy_locator *locator)
{
    char dir[EDDY_LOCATOR_PATH_MAX + 1];
    struct eddy_host host;
    snprintf(dir, sizeof dir, "%s", locator->path);
    char *slash = strrchr(dir, '/');
    if (!slash || dir[0] != '/')
        return false; /* relative to what? */
    slash[slash == dir] = 0;
    return eddy_host_identity(dir, &host) == EDDY_OK &&
           eddy_locator_is_same_host(locator, host.hash, is_groups(dir) ? locator->uid : host.uid);
}
