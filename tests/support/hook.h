/* hook.h - what a threaded test does at the named points of the engine (allocator/point.h).
 *
 *   hook_begin: from now on at(point) is called there -> hook_end
 *
 * On the machine of tests/orders/weak.h, which does something there itself, both happen.  In a
 * build of the engine without points nothing is called: hook_is_called says so.  One test file of a
 * program includes this.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_HOOK_H
#define EDDY_TESTS_HOOK_H

#include <stdbool.h>
#include <stddef.h>

#ifdef EDDY_WEAK
extern void (*eddy_point_hook)(const char *point);
#else
void (*eddy_point_hook)(const char *point);
#endif

#ifdef EDDY_POINTS
static const bool hook_is_called = true;
#else
static const bool hook_is_called = false;
#endif

static void (*hook_before)(const char *point), (*hook_at)(const char *point);

static void hook_both(const char *point)
{
    hook_at(point);
    if (hook_before)
        hook_before(point);
}

static inline void hook_begin(void (*at)(const char *point))
{
    hook_before = eddy_point_hook;
    hook_at = at;
    eddy_point_hook = hook_both;
}

static inline void hook_end(void)
{
    eddy_point_hook = hook_before;
}

#endif
