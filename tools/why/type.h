/* type.h - what the operations of a topic descriptor tell of its type.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_TYPE_H
#define EDDY_TOOLS_WHY_TYPE_H

#include "tools/why/why.h"

/* Reads `count` operations, with what belongs to each, or (`are_words`) so many words, as Cyclone DDS
 * 11 counts.  Sets all but `is_known`, `id` and `size`.  False: an operation is not known, and nothing
 * is said. */
bool eddy_why_type_read(const uint32_t *ops, uint32_t count, bool are_words,
                        struct eddy_why_type *type);

#endif
