/* usage.h - what this process has of the kernel, to see that it does not grow.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_USAGE_H
#define EDDY_TESTS_USAGE_H

#include <stdint.h>

/* Open descriptors; a few more, always the same, for looking. */
uint32_t usage_descriptors(void);

/* Mappings of files of the domain's folder, EDDY_DIR. */
uint32_t usage_mappings(void);

#endif
