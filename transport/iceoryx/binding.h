/* binding.h - the C interface of iceoryx 2.0, as this library exports it.  (internal)
 *
 * The prototypes come from iceoryx's own headers, so that the compiler checks ours against them.
 * They are the only symbols of this library that others see: all else is hidden.
 * Some struct names below (cpp2c_Publisher, Listener ...) are given by those headers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_BINDING_H
#define EDDY_ICEORYX_BINDING_H

#include <eddy/eddy.h>

#pragma GCC visibility push(default)
#include <iceoryx_binding_c/api.h>
#pragma GCC visibility pop

/* What iceoryx 2.0 allows, as iox_cfg_* and the `capacity` functions tell it.  Of these, Eddy
 * itself keeps to the loans only: Cyclone DDS has a table of eight. */
#define EDDY_IOX_LOANS          8u
#define EDDY_IOX_EVENTS         256u
#define EDDY_IOX_QUEUE_CAPACITY 256u
/* Cyclone DDS asks for the depth of a reader's history, and should get it. */
#define EDDY_IOX_CYCLONE_CAPACITY 65536u

#endif
