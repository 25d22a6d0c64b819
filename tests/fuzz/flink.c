/* flink.c - the input is a flink: it is read, or refused with an error.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <eddy/eddy.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/x.flink", folder_clear());
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
        exit(2);
    close(fd);
    eddy_reader *reader = NULL;
    eddy_slots *slots = NULL;
    eddy_snapshot *snapshot = NULL;
    eddy_reader_attach(NULL, path, NULL, &reader);
    eddy_slots_attach(NULL, path, NULL, &slots);
    if (eddy_snapshot_take(NULL, &snapshot) == EDDY_OK)
        eddy_snapshot_free(snapshot);
    eddy_reader_close(reader);
    eddy_slots_close(slots);
    return 0;
}
