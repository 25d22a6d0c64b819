/* image.h - the files of a domain as they were, to be put back after each piece of vandalism.
 *
 *   image_save -> (image_poke, whatever comes of it, image_restore)... -> image_drop
 *
 * The very inodes are put back: whoever has them mapped or locked notices nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_IMAGE_H
#define EDDY_TESTS_IMAGE_H

#include "check.h"

enum { IMAGE_FILES = 16 };

struct image_file {
    char name[256];
    size_t bytes;
    unsigned char *saved; /* what it held */
    unsigned char *live;  /* the file itself, mapped */
    int descriptor;
};

struct image {
    size_t count;
    struct image_file files[IMAGE_FILES];
};

/* Saves all files of the test's folder. */
void image_save(struct image *image);
/* The file whose name ends so; there must be one, and no more. */
size_t image_file_with(const struct image *image, const char *suffix);
void image_restore(struct image *image);
/* Changes an aligned 8-byte word of a file. */
void image_poke(struct image *image, size_t file, size_t offset, uint64_t value);
uint64_t image_peek(const struct image *image, size_t file, size_t offset);
void image_drop(struct image *image);

#endif
