/* reading.h - what sensor publishes and meter takes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_NATIVE_READING_H
#define EXAMPLE_NATIVE_READING_H

#include <stdint.h>

struct reading {
    int32_t millikelvin;
    uint32_t reserved;
};

#define READING_TYPE  "reading"
#define READING_GROUP 16u

#endif
