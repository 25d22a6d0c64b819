/* point.h - a named place between two shared steps, where a test can stop, interleave or kill.
 * (internal)
 *
 * Nothing in ordinary builds.  With EDDY_POINTS defined, eddy_point_hook is called with the name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_POINT_H
#define EDDY_POINT_H

#ifdef EDDY_POINTS
extern void (*eddy_point_hook)(const char *name);
static inline void eddy_point(const char *name)
{
    if (eddy_point_hook)
        eddy_point_hook(name);
}
#define EDDY_POINT(name) eddy_point(name)
#else
#define EDDY_POINT(name) ((void)0)
#endif

#endif
