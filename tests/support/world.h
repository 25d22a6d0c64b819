/* world.h - a private domain folder for each test.
 *
 *   world_setup -> test -> world_teardown
 *
 * The folder lies in /dev/shm, EDDY_DIR names it, and it goes with the test.  The teardown fails
 * when the test has left a file there: the last to leave takes everything along.  A test that puts
 * its own rubbish there says so with world_is_dirty.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_WORLD_H
#define EDDY_TESTS_WORLD_H

#include "able.h"
#include "check.h"

#include <setjmp.h>
#include <sys/types.h>

#include <cmocka.h>

int world_setup(void **state);
int world_teardown(void **state);
const char *world_dir(void);
void world_is_dirty(void);
/* Files in the folder, without those that participants are locked in. */
unsigned world_files(void);
/* The same, and all are regular files of this mode, owner and group (-1: of any). */
unsigned world_files_are(mode_t mode, uid_t owner, gid_t group);
/* There is none; else their names are shown. */
void world_must_be_empty(void);
/* Removes a folder with what is in it. */
void world_remove_tree(const char *dir);

/* A participant in the test's domain. */
eddy_domain *open_domain(void);
eddy_writer *open_writer(eddy_domain *domain, const char *topic,
                         const struct eddy_writer_options *options);
eddy_reader *open_reader(eddy_domain *domain, const char *topic,
                         const struct eddy_reader_options *options);

/* A domain with one topic, one writer and one reader of it. */
struct pair {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
};
struct pair pair_open(const struct eddy_writer_options *writing,
                      const struct eddy_reader_options *reading);
void pair_close(struct pair *pair);

#define MILLISECOND UINT64_C(1000000)
#define SECOND      UINT64_C(1000000000)

/* The moment at which something counts as hung. */
uint64_t patience(void);

/* A test in a world of its own. */
#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

#endif
