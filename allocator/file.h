/* file.h - the files that shared memory is made of.  (internal)
 *
 *   eddy_file_create (nameless) -> reserve, fill -> eddy_file_link: others see all of it or nothing
 *
 * Names are relative to a folder, given by its descriptor: mostly that of a domain.  Files are 0600
 * whatever the umask, in a group's domain 0660 (whose.h), and a file that is a link, no regular
 * file, or somebody else's is refused, unless the caller asks for something else.
 *
 * Threads: any.
 * Crash:   a nameless file goes with its descriptor; where the file system knows none, a ".eddy-tmp-*"
 *          file stays until `eddy gc` or the next lone participant.    spec/layout.md, "Files"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FILE_H
#define EDDY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define EDDY_TEMP_PREFIX ".eddy-tmp-" /* and 16 hexadecimal digits: nobody else's by accident */

struct eddy_file {
    int dir, fd;
    char temp[40]; /* its name for now; "" if it is really nameless */
};

/* A new, empty file of `bytes` without a name or memory. */
int eddy_file_create(int dir, uint64_t bytes, struct eddy_file *file);
/* The same, for any folder, and 0600 in each: -1 with errno; the sentence is the caller's. */
int eddy_file_make(int dir, uint64_t bytes, struct eddy_file *file);
/* Opens it once more: another description of the same file.  -1 with errno. */
int eddy_file_reopen(const struct eddy_file *file);
/* Gives it its name: EDDY_EEXIST if that is taken. */
int eddy_file_link(struct eddy_file *file, const char *name);
/* Gives it its name and takes it from whatever has it. */
int eddy_file_link_over(struct eddy_file *file, const char *name);
/* The file has its name, and the descriptor is the caller's. */
void eddy_file_release(struct eddy_file *file);
/* Closes the descriptor and, if it was never linked, drops the file. */
void eddy_file_drop(struct eddy_file *file);

/* Backs a range of a file with memory now, so that no later access can fail: EDDY_ENOMEM. */
int eddy_file_reserve(int fd, uint64_t offset, uint64_t bytes, const char *what);
/* The same, without a sentence, and without making the file longer where its system can.  -1 with
 * errno; memory that was had before that stays. */
int eddy_file_back(int fd, uint64_t offset, uint64_t bytes);
/* Gives a range's memory back to the system; its bytes are zero if they are used again.  False: the
 * file system cannot. */
bool eddy_file_punch(int fd, uint64_t offset, uint64_t bytes);

/* Makes a file that has no name yet one of a domain's: of its folder's group, if that is a group's
 * domain.  EDDY_EACCES. */
int eddy_file_give(const struct eddy_file *file);

/* Opens an existing regular file of a domain for reading and writing (or reading).  EDDY_ENOENT,
 * EDDY_EACCES. */
int eddy_file_open(int dir, const char *name, bool writable, int *fd, struct stat *status);

struct eddy_file_wanted {
    int dir;
    const char *name, *shown; /* in that folder; in sentences */
    bool writable;
    bool domain;         /* that folder is a domain's; if a group's, the next two are void */
    bool foreign;        /* it may be another user's */
    uint32_t forbidden;  /* permission bits that it must not have */
    const char *instead; /* what to do if it is refused */
};
/* The same, with other rights. */
int eddy_file_open_as(const struct eddy_file_wanted *wanted, int *fd, struct stat *status);

/* True if a file of the domain can be opened and begins with these 8 bytes. */
bool eddy_file_begins_with(int dir, const char *name, uint64_t magic);

/* Calls visit(dir, name, context) for each name in a folder; stops when it returns false. */
int eddy_file_list(int dir, bool (*visit)(int dir, const char *name, void *context), void *context);

/* Maps a range shared.  `writable` as for the pages. */
int eddy_file_map(int fd, uint64_t offset, uint64_t bytes, bool writable, void **address);

/* The same for a range that has not got all of its memory: not even in a program that locks what it
 * maps (mlockall) does mapping it give it some. */
int eddy_file_map_sparse(int fd, uint64_t offset, uint64_t bytes, bool writable, void **address);

/* Enters the pages of a mapping whose memory is reserved, so that using them first costs no fault.
 * Best effort. */
void eddy_file_populate(void *address, uint64_t bytes, bool writable);

/* The same for all of it, however much that is.  False: it cannot be done. */
bool eddy_file_touch(void *address, uint64_t bytes, bool writable);

/* Up to the next page. */
uint64_t eddy_page_round(uint64_t bytes);

#endif
