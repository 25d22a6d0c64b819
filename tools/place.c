/* place.c - see place.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/place.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Relative to the folder of the command: as installed, then as built. */
static const char *const candidates[] = {"/" EDDY_LIBDIR_FROM_BINDIR "/eddy", "/../lib/eddy"};
#define CANDIDATE_COUNT (sizeof candidates / sizeof candidates[0])

/* The folder that this program was started from, links resolved. */
static bool own_dir(char dir[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", dir, PATH_MAX - 1);
    if (length <= 0)
        return false;
    dir[length] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

bool eddy_place_library_dir(const char *who, char dir[PATH_MAX])
{
    char own[PATH_MAX];
    char path[2 * PATH_MAX];
    if (!own_dir(own)) {
        fprintf(stderr, "%s: cannot read /proc/self/exe (%s); is /proc mounted?\n", who,
                strerror(errno));
        return false;
    }
    for (size_t i = 0; i < CANDIDATE_COUNT; i++) {
        snprintf(path, sizeof path, "%s%s/" EDDY_PLACE_LIBRARY, own, candidates[i]);
        if (access(path, R_OK) != 0)
            continue;
        *strrchr(path, '/') = '\0';
        if (realpath(path, dir) != NULL)
            return true;
    }
    fprintf(stderr,
            "%s: " EDDY_PLACE_LIBRARY " is not where it belongs, %s%s; install Eddy again, or "
            "build it where the headers of Cyclone DDS are installed (cyclonedds-dev)\n",
            who, own, candidates[0]);
    return false;
}

/* FNV-1a, 64 bits: the address only has to differ, not to resist anybody. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static bool read_boot_id(const char *who, char id[64])
{
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    FILE *file = fopen(path, "re");
    bool got = file != NULL && fgets(id, 64, file) != NULL;
    if (!got)
        fprintf(stderr, "%s: cannot read %s (%s); is /proc mounted?\n", who, path, strerror(errno));
    if (file != NULL)
        fclose(file);
    return got;
}

bool eddy_place_locator(const char *who, const char *dir, char locator[EDDY_PLACE_LOCATOR_MAX])
{
    char boot[64] = {0};
    struct stat info;
    if (stat(dir, &info) != 0) {
        fprintf(stderr, "%s: cannot look at %s: %s\n", who, dir, strerror(errno));
        return false;
    }
    if (!read_boot_id(who, boot))
        return false;
    uint64_t identity[2] = {info.st_dev, info.st_ino};
    uint64_t half[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x9e3779b97f4a7c15)};
    unsigned char address[16];
    for (size_t i = 0; i < 2; i++) {
        half[i] = hash_bytes(half[i], boot, sizeof boot);
        half[i] = hash_bytes(half[i], identity, sizeof identity);
    }
    memcpy(address, half, sizeof address);
    address[0] = 0xed; /* never all zero, which is what a host with only loopback has */
    address[1] = 0xd7;
    for (size_t i = 0; i < sizeof address; i++)
        snprintf(&locator[3 * i], 4, i + 1 < sizeof address ? "%02x:" : "%02x", address[i]);
    return true;
}
