/* image.c - see image.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A second name for each inode, outside the domain: one that has none cannot be linked again. */
static void safe_path(char path[512], const char *name)
{
    snprintf(path, 512, "%s.saved/%s", world_dir(), name);
}

static void save_file(struct image_file *file, const char *name)
{
    char path[512], safe[512];
    struct stat info;
    snprintf(file->name, sizeof file->name, "%s", name);
    snprintf(path, sizeof path, "%s/%s", world_dir(), name);
    safe_path(safe, name);
    check(link(path, safe) == 0);
    file->descriptor = open(path, O_RDWR | O_CLOEXEC);
    check(file->descriptor >= 0);
    check(fstat(file->descriptor, &info) == 0);
    file->bytes = (size_t)info.st_size;
    file->saved = file->live = NULL;
    if (file->bytes == 0) /* its locks are all that counts */
        return;
    file->saved = malloc(file->bytes);
    file->live = mmap(NULL, file->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->descriptor, 0);
    check(file->saved != NULL && (void *)file->live != MAP_FAILED);
    memcpy(file->saved, file->live, file->bytes);
}

void image_save(struct image *image)
{
    char safe[512];
    safe_path(safe, "");
    world_remove_tree(safe);
    check(mkdir(safe, 0700) == 0);
    DIR *dir = opendir(world_dir());
    check(dir != NULL);
    image->count = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        check(image->count < IMAGE_FILES);
        save_file(&image->files[image->count++], entry->d_name);
    }
    closedir(dir);
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

size_t image_file_with(const struct image *image, const char *suffix)
{
    size_t found = image->count;
    for (size_t i = 0; i < image->count; i++) {
        if (!has_suffix(image->files[i].name, suffix))
            continue;
        if (found < image->count)
            check_fail(CHECK_HERE("image_file_with"), "two files end with %s", suffix);
        found = i;
    }
    if (found == image->count)
        check_fail(CHECK_HERE("image_file_with"), "no file ends with %s", suffix);
    return found;
}

static bool is_saved(const struct image *image, const char *name)
{
    for (size_t i = 0; i < image->count; i++)
        if (strcmp(image->files[i].name, name) == 0)
            return true;
    return false;
}

static void remove_others(const struct image *image)
{
    DIR *dir = opendir(world_dir());
    check(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            !is_saved(image, entry->d_name))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

/* Puts the name back if it has gone, or names another file now. */
static void relink(const struct image_file *file)
{
    char path[512], safe[512];
    struct stat mine, named;
    snprintf(path, sizeof path, "%s/%s", world_dir(), file->name);
    safe_path(safe, file->name);
    check(fstat(file->descriptor, &mine) == 0);
    if (lstat(path, &named) == 0) {
        if (named.st_ino == mine.st_ino)
            return;
        unlink(path);
    }
    check(link(safe, path) == 0);
}

void image_restore(struct image *image)
{
    remove_others(image);
    for (size_t i = 0; i < image->count; i++) {
        struct image_file *file = &image->files[i];
        relink(file);
        check(ftruncate(file->descriptor, (off_t)file->bytes) == 0);
        for (size_t at = 0; at < file->bytes; at += 4096) {
            size_t length = file->bytes - at < 4096 ? file->bytes - at : 4096;
            if (memcmp(file->live + at, file->saved + at, length) != 0)
                memcpy(file->live + at, file->saved + at, length);
        }
    }
}

void image_poke(struct image *image, size_t file, size_t offset, uint64_t value)
{
    memcpy(image->files[file].live + offset, &value, sizeof value);
}

uint64_t image_peek(const struct image *image, size_t file, size_t offset)
{
    uint64_t value;
    memcpy(&value, image->files[file].saved + offset, sizeof value);
    return value;
}

void image_drop(struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        struct image_file *file = &image->files[i];
        munmap(file->live, file->bytes);
        free(file->saved);
        close(file->descriptor);
    }
    image->count = 0;
    char safe[512];
    safe_path(safe, "");
    world_remove_tree(safe);
}
