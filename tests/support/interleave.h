/* interleave.h - two threads, one of which stands at a point while the other goes to another.
 *
 *   for each pair of points (p, q):
 *     begin; the first runs until it comes to p; the second until it comes to q;
 *     the first goes on to its end, then the second; end
 *
 * Which pairs there are is found out: for each p the second runs once to its end while the first
 * stands there.  Who meets a lock that the other holds where it stands cannot go on: such pairs are
 * not run but counted, by the lock.  Should the first meet a lock that the second holds at q, the
 * second goes on before it.  Who waits for something else waits until its deadline.
 *
 * Each thread has handles of its own; so no mutex is held by the one that the other could want, but
 * those that the engine takes for an instant.
 *
 * EDDY_TEST_PAIRS=all: every pair, twice.  Else as many as can be run in INTERLEAVE_SECONDS, in an
 * order that EDDY_TEST_SEED decides.  EDDY_TEST_PAIR=p,1,q,1: this one, the first time each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_INTERLEAVE_H
#define EDDY_TESTS_INTERLEAVE_H

struct interleave_scene {
    const char *name;
    void (*begin)(void);
    void (*lives[2])(unsigned who); /* the first's, the second's; each ends by itself */
    void (*end)(void);              /* looks whether all is as it should be */
    double share;                   /* of the time, if it is not enough for all pairs */
};

void interleave(const struct interleave_scene *scene);

#endif
