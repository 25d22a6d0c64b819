/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/registry.h"

#include "allocator/atomic.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "discovery/participant.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- the file -------------------------------------------------------------------------------- */

int eddy_registry_reserve(int fd, uint64_t offset, uint64_t bytes)
{
    uint64_t page = offset / 4096 * 4096;
    return eddy_file_reserve(fd, page, eddy_page_round(offset + bytes - page),
                             "the registry of the domain");
}

static void read_boot_id(uint8_t boot[16])
{
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        text[0] = 0;
    if (fd >= 0)
        close(fd);
    memset(boot, 0, 16);
    for (unsigned n = 0, i = 0; text[i] && n < 32; i++) {
        unsigned c = (unsigned char)text[i];
        unsigned digit = c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10;
        if (text[i] == '-' || digit > 15)
            continue;
        boot[n / 2] = (uint8_t)((unsigned)boot[n / 2] << 4 | digit);
        n++;
    }
}

static const struct eddy_format format = {.what = "the registry of a domain",
                                          .magic = EDDY_MAGIC_REGISTRY,
                                          .layout = EDDY_REGISTRY_LAYOUT,
                                          .known = {0, 0, EDDY_TRIAL_COMPATIBLE},
                                          .used = {0, 0, EDDY_TRIAL_COMPATIBLE}};

static int create_registry(int dir)
{
    struct eddy_file file;
    struct {
        struct eddy_head head;
        uint8_t boot[16];
    } front = {.head = {.magic = EDDY_MAGIC_REGISTRY}}; /* nobody can look before the link */
    eddy_format_fill(&format, &front.head);
    read_boot_id(front.boot);
    int error = eddy_file_create(dir, sizeof(struct eddy_registry), &file);
    if (error)
        return error;
    error = eddy_registry_reserve(file.fd, 0, 4096);
    if (!error && pwrite(file.fd, &front, sizeof front, 0) != sizeof front)
        error = eddy_fail_errno("cannot write the registry of the domain");
    if (!error)
        error = eddy_file_link(&file, EDDY_REGISTRY_FILE);
    eddy_file_drop(&file);
    return error == EDDY_EEXIST ? EDDY_OK : error;
}

static int fail_registry(void)
{
    return eddy_fail(
        EDDY_ESEGMENT,
        "the file \"registry\" in the domain's folder is none of Eddy's or is damaged; "
        "stop the programs of this domain, remove it, or choose another EDDY_DIR");
}

static int check_registry(int fd, const struct stat *status, enum eddy_use use)
{
    struct eddy_head head;
    if (pread(fd, &head, sizeof head, 0) != sizeof head || head.magic != format.magic)
        return fail_registry();
    int error = eddy_format_check(&format, EDDY_REGISTRY_FILE, &head, use);
    if (!error && (uint64_t)status->st_size < sizeof(struct eddy_registry))
        error = fail_registry();
    return error;
}

/* A registry of another version that nobody alive uses goes. */
static bool remove_unused(int dir, int fd)
{
    bool gone = false;
    if (!eddy_lock_try(fd, EDDY_LOCK_GATE, EDDY_LOCK_EXCLUSIVE))
        return false;
    if (!eddy_participants_live(dir, NULL, 0))
        gone = unlinkat(dir, EDDY_REGISTRY_FILE, 0) == 0;
    eddy_lock_drop(fd, EDDY_LOCK_GATE);
    return gone;
}

static int open_checked(int dir, bool create, int *fd, struct stat *status)
{
    int error = EDDY_OK;
    for (int tries = 0; tries < 100; tries++) {
        error = eddy_file_open(dir, EDDY_REGISTRY_FILE, true, fd, status);
        if (error == EDDY_ENOENT && create) {
            error = create_registry(dir);
            if (error)
                return error;
            continue;
        }
        if (error)
            return error;
        error = check_registry(*fd, status, create ? EDDY_USE_SHARE : EDDY_USE_LOOK);
        if (!error)
            return EDDY_OK;
        bool again = create && error == EDDY_EVERSION && remove_unused(dir, *fd);
        close(*fd);
        if (!again)
            return error;
    }
    return error;
}

static int map_registry(int fd, enum eddy_use use, struct eddy_registry **registry)
{
    void *at;
    int error = eddy_file_map(fd, 0, sizeof(struct eddy_registry), use == EDDY_USE_SHARE, &at);
    if (!error)
        *registry = at;
    return error;
}

/* The file is opened twice: a mapping keeps its open file description alive, also in a forked child
 * that closed the descriptor, and with it the locks.  So the locks are on one description and the
 * mapping is of the other. */
int eddy_registry_open(int dir, bool create, int *fd, struct eddy_registry **registry)
{
    for (;;) {
        int mapped;
        struct stat one, other = {0};
        int error = open_checked(dir, create, &mapped, &one);
        if (error)
            return error;
        error = open_checked(dir, create, fd, &other);
        bool opened = !error, same = one.st_ino == other.st_ino && one.st_dev == other.st_dev;
        if (opened && same)
            error = map_registry(mapped, create ? EDDY_USE_SHARE : EDDY_USE_LOOK, registry);
        close(mapped);
        if (opened && same && !error)
            return EDDY_OK;
        if (opened)
            close(*fd);
        if (error)
            return error;
    }
}

void eddy_registry_unmap(struct eddy_registry *registry)
{
    munmap(registry, sizeof *registry);
}
