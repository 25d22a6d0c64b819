/* options.h - the option structs of publishers and subscribers.  (internal)
 *
 * Threads: any; plain data.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_OPTIONS_H
#define EDDY_ICEORYX_OPTIONS_H

#include "binding.h"

/* What the caller asked for; the defaults if it gave NULL or a struct that was not initialised,
 * which is logged. */
iox_pub_options_t eddy_pub_options(const iox_pub_options_t *given);
iox_sub_options_t eddy_sub_options(const iox_sub_options_t *given);

#endif
