/* cgroup.h - what the memory limits of a process's control groups leave for shared memory.  (internal)
 *
 * Memory of a tmpfs is charged to the group of whoever asks for it first.  Where that is more than the
 * group or one above it may have, nobody gets an error: somebody in it is killed.  So who asks looks
 * first, and leaves some for what programs need besides.
 *
 * Both versions, and whatever lies above as far as it can be seen from here: a container sees its own
 * group, and mostly nothing above.
 *
 * Threads: any.  What it says is a moment old: others of the group take memory, too.
 *                                                                spec/topics.md, "Memory limits"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_CGROUP_H
#define EDDY_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes that may still be had; UINT64_MAX: there is no limit.  `cgroup` and `mountinfo` are the files of
 * /proc/self; mount points are below `root` ("" but for tests). */
uint64_t eddy_cgroup_room(const char *cgroup, const char *mountinfo, const char *root);

/* True if so many bytes may be taken.  Asks the kernel now and then only for small amounts. */
bool eddy_cgroup_allows(uint64_t bytes);

#endif
