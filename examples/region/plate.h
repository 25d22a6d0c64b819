/* plate.h - what lies in the region: a plate that is heated in its middle.
 *
 * A region is raw memory, and all that two programs agree on is in a header like this one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_REGION_PLATE_H
#define EXAMPLE_REGION_PLATE_H

#include <stdatomic.h>
#include <stdint.h>

#define PLATE_NAME "plate"
enum { PLATE_SIDE = 256 };

struct plate {
    _Atomic uint64_t step;     /* how far the simulation is: the worker writes, the watcher reads */
    _Atomic uint32_t finished; /* then nothing changes any more */
    uint32_t spare;
    /* Steps are computed from one into the other; the last complete one is heat[step % 2]. */
    float heat[2][PLATE_SIDE][PLATE_SIDE];
};

#endif
