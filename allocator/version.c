/* SPDX-License-Identifier: Apache-2.0 */
#include <eddy/version.h>

uint32_t eddy_version(void)
{
    return EDDY_VERSION;
}
