/* spin.h - how long waits look before they sleep, as the environment has it.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SPIN_SETTING_H
#define EDDY_SPIN_SETTING_H

#include <stdint.h>

/* EDDY_SPIN, as spin_ns in eddy_domain_options: 0 where it says nothing.  EDDY_ECONFIG. */
int eddy_spin_setting(int64_t *spin_ns);

#endif
