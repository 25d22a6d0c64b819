/* weak_map.c - see weak.h: what is one word though it lies at several addresses.
 *
 * A word of a shared mapping is known by its file and its offset there.  When a file has neither a
 * name nor a mapping any more, its words are forgotten, and its number is given to the next.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "weak_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MAPPINGS = 4096, FILES = 2048, PAGES = 4096, PAGE_SHIFT = 12, FILE_SHIFT = 44 };
#define SHARED (1ull << 63)

struct mapping {
    uintptr_t from, end, shift; /* a word's name is its address + shift */
    uint32_t file, life;
};

struct file {
    dev_t device;
    ino_t inode;
    uint32_t mappings;
    bool used, nameless;
};

/* What the mappings say of a page, as of `version`. */
struct page {
    uintptr_t number, shift;
    uint64_t version;
};

static struct mapping mappings[MAPPINGS];
static uint32_t count;
static struct file files[FILES];
static struct page pages[PAGES];
static uint64_t version = 1;

/* --- names ----------------------------------------------------------------------------------- */

static uintptr_t shift_at(uintptr_t address)
{
    for (uint32_t i = count; i-- > 0;)
        if (address - mappings[i].from < mappings[i].end - mappings[i].from)
            return mappings[i].shift;
    return 0;
}

uintptr_t weak_name(const volatile void *word)
{
    uintptr_t address = (uintptr_t)word, number = address >> PAGE_SHIFT;
    struct page *page = &pages[number % PAGES];
    if (page->version != version || page->number != number)
        *page = (struct page){number, shift_at(address), version};
    return address + page->shift;
}

static uintptr_t name_in(uint32_t file, uint64_t offset)
{
    return SHARED | (uintptr_t)file << FILE_SHIFT | offset;
}

/* --- files ----------------------------------------------------------------------------------- */

static void drop_file(uint32_t file)
{
    files[file].used = false;
    weak_forget(name_in(file, 0), 1ull << FILE_SHIFT);
    weak_forget_plain(name_in(file, 0), 1ull << FILE_SHIFT);
}

/* FILES: none. */
static uint32_t find_file(uint64_t device, uint64_t inode)
{
    uint32_t i = 0;
    while (i < FILES && !(files[i].used && files[i].inode == inode && files[i].device == device))
        i++;
    return i;
}

static uint32_t new_file(uint64_t device, uint64_t inode)
{
    uint32_t unused = 0, unmapped = 0;
    while (unused < FILES && files[unused].used)
        unused++;
    while (unused == FILES && unmapped < FILES && files[unmapped].mappings > 0)
        unmapped++;
    if (unmapped == FILES) {
        fprintf(stderr, "weak: more than %d files\n", FILES);
        abort();
    }
    if (unused == FILES)
        drop_file(unused = unmapped);
    files[unused] = (struct file){.device = device, .inode = inode, .used = true};
    return unused;
}

static void leave_file(uint32_t file)
{
    if (--files[file].mappings == 0 && files[file].nameless)
        drop_file(file);
}

void weak_removed(uint64_t device, uint64_t inode)
{
    uint32_t file = find_file(device, inode);
    if (file == FILES)
        return;
    files[file].nameless = true;
    if (files[file].mappings == 0)
        drop_file(file);
}

/* --- mappings -------------------------------------------------------------------------------- */

static void add(struct mapping m)
{
    if (count == MAPPINGS) {
        fprintf(stderr, "weak: more than %d mappings\n", MAPPINGS);
        abort();
    }
    files[m.file].mappings++;
    mappings[count++] = m;
}

/* Cuts a range out of what is mapped.  True if something was. */
static bool cut(uintptr_t from, uintptr_t end)
{
    bool hit = false;
    version++;
    for (uint32_t i = count; i-- > 0;) {
        struct mapping m = mappings[i], before = m, after = m;
        if (m.end <= from || end <= m.from)
            continue;
        hit = true;
        mappings[i] = mappings[--count];
        before.end = from;
        after.from = end;
        if (before.from < before.end)
            add(before);
        if (after.from < after.end)
            add(after);
        leave_file(m.file);
    }
    return hit;
}

/* The linker sends the engine's calls here (--wrap). */
void *__real_mmap(void *hint, size_t bytes, int rights, int how, int fd, off_t offset);
int __real_munmap(void *from, size_t bytes);
void *__wrap_mmap(void *hint, size_t bytes, int rights, int how, int fd, off_t offset);
int __wrap_munmap(void *from, size_t bytes);

void *__wrap_mmap(void *hint, size_t bytes, int rights, int how, int fd, off_t offset)
{
    struct stat status;
    void *at = __real_mmap(hint, bytes, rights, how, fd, offset);
    if (at == MAP_FAILED)
        return at;
    uintptr_t from = (uintptr_t)at;
    weak_enter();
    cut(from, from + bytes);
    if (how & MAP_SHARED && fd >= 0 && fstat(fd, &status) == 0) {
        uint32_t file = find_file(status.st_dev, status.st_ino);
        if (file == FILES)
            file = new_file(status.st_dev, status.st_ino);
        add((struct mapping){.from = from,
                             .end = from + bytes,
                             .shift = name_in(file, (uint64_t)offset) - from,
                             .file = file,
                             .life = weak_life});
        weak_found(status.st_dev, status.st_ino);
        if (rights == PROT_NONE)
            weak_locks_keep(fd, from); /* its descriptor is about to be closed */
    }
    weak_leave();
    return at;
}

/* From the table first: another thread may get the room at once. */
int __wrap_munmap(void *from, size_t bytes)
{
    weak_enter();
    weak_locks_unmapped((uintptr_t)from, (uintptr_t)from + bytes);
    if (!cut((uintptr_t)from, (uintptr_t)from + bytes))
        weak_forget((uintptr_t)from, bytes);
    weak_leave();
    return __real_munmap(from, bytes);
}

void weak_unmap_life(uint32_t life)
{
    for (uint32_t i = count; i-- > 0;)
        if (mappings[i].life == life) {
            struct mapping m = mappings[i];
            weak_locks_unmapped(m.from, m.end);
            cut(m.from, m.end);
            __real_munmap((void *)m.from, m.end - m.from);
            i = count;
        }
}
