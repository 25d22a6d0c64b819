/* analyzer.h - what clang's analyzer cannot see, as it reads one file at a time: that these return
 * the error they are given, never 0.  scripts/check includes this before every file but those that
 * define them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_CMAKE_ANALYZER_H
#define EDDY_CMAKE_ANALYZER_H

#include "allocator/error.h"
#include "discovery/domain.h"

#define eddy_fail(error, ...) ((void)(eddy_fail)((error), __VA_ARGS__), (error))
#define eddy_fail_errno(...)  ((void)(eddy_fail_errno)(__VA_ARGS__), EDDY_ESYS)
#define eddy_fail_forked()    ((void)(eddy_fail_forked)(), EDDY_EFORKED)

#endif
