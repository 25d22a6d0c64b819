/* name.h - what a region, a ring or a join may be called.  (internal)
 *
 * Threads: any.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_NAME_H
#define EDDY_NAME_H

#define EDDY_PLAIN_NAME_MAX 63u

/* *plain is the name without a leading "/": "x" and "/x" are one.  EDDY_EINVAL, with `what` it was
 * meant to name in the sentence. */
int eddy_name_check(const char *name, const char *what, const char **plain);

#endif
