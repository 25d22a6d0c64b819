/* broken_ddsc.c - a libddsc that does what EDDY_BROKEN says as soon as it is loaded, for the test of
 *                 who asks it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void break_down(void)
{
    const char *how = getenv("EDDY_BROKEN");
    if (how != NULL && strcmp(how, "abort") == 0)
        abort();
    while (how != NULL && strcmp(how, "hang") == 0)
        pause();
}
