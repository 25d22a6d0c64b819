/* able.h - what this machine lets a test do: where it cannot run, it is skipped and says why.
 *
 * scripts/test lists the reasons at its end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_ABLE_H
#define EDDY_TESTS_ABLE_H

#include <stdbool.h>

/* Ends the test as skipped; not in a child. */
void skip_because(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Files can be given away, and a process become somebody else: root, where all users are known. */
bool may_be_others(void);

/* These go on, or skip the test. */
void need_others(void);        /* see may_be_others */
void need_ordinary_user(void); /* to whom something can be forbidden */
void need_mounts(void);        /* mount namespaces, in which file systems can be mounted */
void need_pid_namespaces(void);
void need_real_time(void);
void need_tmpfs(void); /* the test's folder lies on one */

/* In a child after need_mounts: what it mounts from now on, nobody else sees. */
void own_mounts(void);

#endif
