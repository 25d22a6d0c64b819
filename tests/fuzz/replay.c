/* replay.c - runs a fuzzer's inputs without the fuzzer: files, and all files of folders.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static unsigned long replayed;

static int replay(const char *path, const struct stat *status, int kind)
{
    if (kind != FTW_F)
        return 0;
    FILE *file = fopen(path, "re");
    uint8_t *data = malloc((size_t)status->st_size + 1);
    if (!file || !data || fread(data, 1, (size_t)status->st_size, file) != (size_t)status->st_size)
        return -1;
    fclose(file);
    LLVMFuzzerTestOneInput(data, (size_t)status->st_size);
    free(data);
    replayed++;
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (ftw(argv[i], replay, 8) != 0) {
            fprintf(stderr, "replay: cannot read %s\n", argv[i]);
            return 1;
        }
    printf("replayed %lu inputs\n", replayed);
    return replayed ? 0 : 1;
}
