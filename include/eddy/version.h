/* eddy/version.h - which Eddy this is: of the headers, and of the library that runs.
 *
 * While MAJOR is 0 a program runs with the libraries of its own MINOR alone: the loader looks for
 * libeddy.so.0.MINOR.  Within one, later libraries run earlier programs; a program that needs a
 * function of a later one is refused by the loader, by name.      spec/api.md, "How it can grow"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_VERSION_H
#define EDDY_VERSION_H

#include <eddy/errors.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDDY_VERSION_MAJOR 0
#define EDDY_VERSION_MINOR 2
#define EDDY_VERSION_PATCH 0

/* One number for each, in their order: 2000 is 0.2.0. */
#define EDDY_VERSION_NUMBER(major, minor, patch)                                                   \
    ((major)*UINT32_C(1000000) + (minor)*UINT32_C(1000) + (patch))
/* Of the headers. */
#define EDDY_VERSION EDDY_VERSION_NUMBER(EDDY_VERSION_MAJOR, EDDY_VERSION_MINOR, EDDY_VERSION_PATCH)

/* Of the library, as EDDY_VERSION_NUMBER.  Any thread; does not block. */
EDDY_API uint32_t eddy_version(void);

#ifdef __cplusplus
}
#endif
#endif
