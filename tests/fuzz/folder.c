/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 32, REACH = 1 << 19, SEARCH = 512 };

static char folder[64];
static char names[FILES][256];
static size_t name_count;
static const char *spared;

/* --- the folder ------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

void folder_spare(const char *name)
{
    spared = name;
}

static bool is_spared(const char *name)
{
    return spared && strcmp(name, spared) == 0;
}

static bool is_flink(const char *name)
{
    size_t length = strlen(name);
    return length > 6 && strcmp(name + length - 6, ".flink") == 0;
}

/* By kind rather than by nonce, which is another each time. */
static void list_files(bool flinks, bool all)
{
    DIR *list = opendir(folder);
    name_count = 0;
    for (struct dirent *e; list && (e = readdir(list)) != NULL && name_count < FILES;)
        if (e->d_type == DT_REG && !is_spared(e->d_name) &&
            (all || is_flink(e->d_name) == flinks)) {
            const char *dot = strrchr(e->d_name, '.');
            snprintf(names[name_count++], sizeof *names, "%-12s%.240s", dot ? dot : "", e->d_name);
        }
    if (list)
        closedir(list);
    qsort(names, name_count, sizeof *names, by_name);
}

static const char *path_of(size_t i)
{
    static _Thread_local char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, names[i] + 12);
    return path;
}

static void remove_folder(void)
{
    folder_clear();
    rmdir(folder);
}

const char *folder_clear(void)
{
    if (!*folder) {
        snprintf(folder, sizeof folder, "/dev/shm/eddy-fuzz-XXXXXX");
        if (!mkdtemp(folder))
            exit(2);
        setenv("EDDY_DIR", folder, 1);
        atexit(remove_folder);
    }
    list_files(false, true);
    for (size_t i = 0; i < name_count; i++)
        unlink(path_of(i));
    return folder;
}

/* --- vandalism ------------------------------------------------------------------------------- */

static uint64_t strange(struct input *in, uint64_t old)
{
    switch (input_byte(in) % 6) {
    case 0:
        return input_number(in, 8);
    case 1:
        return old ^ 1ull << input_byte(in) % 64;
    case 2:
        return old + (uint64_t)(int8_t)input_byte(in);
    case 3:
        return UINT64_MAX >> input_byte(in) % 64;
    case 4:
        return input_byte(in);
    default:
        return 0;
    }
}

void folder_scribble(struct input *in, bool flinks)
{
    uint64_t word = 0;
    list_files(flinks, false);
    size_t file = input_byte(in);
    off_t at = flinks ? (off_t)input_byte(in) : (off_t)input_number(in, 2) % (REACH / 8) * 8;
    if (name_count == 0)
        return;
    int fd = open(path_of(file % name_count), O_RDWR | O_CLOEXEC);
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0 && at + 8 <= status.st_size &&
        pread(fd, &word, sizeof word, at) > 0) {
        word = strange(in, word);
        if (pwrite(fd, &word, flinks ? 1 : sizeof word, at) < 0)
            exit(2);
    }
    if (fd >= 0)
        close(fd);
}

/* --- haunting -------------------------------------------------------------------------------- */

static pthread_t ghost;
static bool haunted;
static atomic_bool enough;
static struct {
    _Atomic uint64_t *words;
    size_t count;
} prey[FILES];
static size_t prey_count;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Most words of most files are zero for good: from one of them on to the next that is in use. */
static _Atomic uint64_t *choose_word(uint64_t *seed)
{
    size_t i = next_random(seed) % prey_count, count = prey[i].count;
    size_t first = next_random(seed) % count;
    bool any = next_random(seed) % 4 == 0;
    for (size_t at = first; !any && at < count && at < first + SEARCH; at++)
        if (atomic_load(&prey[i].words[at]) != 0)
            return &prey[i].words[at];
    return &prey[i].words[first];
}

static void *haunt(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument | 1;
    while (!atomic_load(&enough)) {
        _Atomic uint64_t *word = choose_word(&seed);
        uint64_t old = atomic_load(word), kind = next_random(&seed) % 4;
        atomic_store(word, kind == 0   ? next_random(&seed)
                           : kind == 1 ? old ^ 1ull << next_random(&seed) % 64
                           : kind == 2 ? old + 1
                                       : next_random(&seed) % 64);
    }
    return NULL;
}

static void map_prey(size_t i)
{
    struct stat status;
    int fd = open(path_of(i), O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || status.st_size < 4096)
        goto out;
    size_t bytes = (size_t)(status.st_size < REACH ? status.st_size : REACH) / 4096 * 4096;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) {
        prey[prey_count].words = at;
        prey[prey_count++].count = bytes / 8;
    }
out:
    if (fd >= 0)
        close(fd);
}

void folder_haunt(uint64_t seed)
{
    if (haunted)
        return;
    list_files(false, false);
    for (size_t i = 0; i < name_count; i++)
        map_prey(i);
    atomic_store(&enough, false);
    haunted = prey_count && pthread_create(&ghost, NULL, haunt, (void *)(uintptr_t)seed) == 0;
}

void folder_calm(void)
{
    if (haunted) {
        atomic_store(&enough, true);
        pthread_join(ghost, NULL);
    }
    haunted = false;
    while (prey_count) {
        prey_count--;
        munmap((void *)prey[prey_count].words, prey[prey_count].count * 8);
    }
}
