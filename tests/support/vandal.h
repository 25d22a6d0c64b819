/* vandal.h - an object that is in use, and a file of it that holds something else than it should.
 *
 *   vandal_start -> (vandal_poke, whatever comes of it, vandal_mend)... -> vandal_finish
 *
 *   vandal_visit_all: for each word of the file and each value that it may be given
 *                       poke, enter, act, mend   with BEFORE_ATTACH
 *                       enter, poke, act, mend   with WHILE_ATTACHED
 *   vandal_file_...:  the file is cut short or replaced, nobody attaches, and it is whole again
 *
 * A host process makes the object and keeps it alive.  The visits are made by another child, in
 * which only answers (see is_an_answer) may come out of Eddy; where it crashes, gives something
 * else or takes too long over one visit, the test fails and names the word and the value.  A
 * visitor that cannot leave dies, and another goes on from there: else it would keep the later ones
 * out, who would then see nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_VANDAL_H
#define EDDY_TESTS_VANDAL_H

#include "child.h"
#include "image.h"

enum vandal_moment { BEFORE_ATTACH, WHILE_ATTACHED };
enum { VANDAL_OWN_VALUES = 8 };

struct vandal_object {
    child_main *host;   /* makes it, says WIRE_READY and keeps it until it is killed */
    const char *suffix; /* of the one file that is changed */
    /* For whole files: attaching in any way must fail so. */
    void (*is_refused)(int error);

    /* For visits. */
    uint64_t fewest; /* there must be more than that */
    bool (*is_target)(size_t offset, uint64_t was);
    bool zeros_too; /* a word that is 0 gets all values, not just two */
    /* Values that only this object's words get; how many.  May be NULL. */
    size_t (*own_values)(uint64_t was, uint64_t values[VANDAL_OWN_VALUES]);
    void (*enter)(void);
    /* Everything that a visitor can do, ending with leaving.  False: it could not leave. */
    bool (*act)(size_t offset, uint64_t value);
};

/* From here to vandal_finish the object is the one that all others mean. */
void vandal_start(const struct vandal_object *object);
void vandal_finish(void);
int vandal_wire(void); /* to the host */
const struct image_file *vandal_file(void);
const char *vandal_name(void); /* of the file */

/* Aligned 8-byte words. */
void vandal_poke(size_t offset, uint64_t value);
uint64_t vandal_peek(size_t offset); /* what it held at the start */
void vandal_mend(void);

void vandal_visit_all(enum vandal_moment moment);
/* The call returns 0 or one of Eddy's errors; 0 on entering with WHILE_ATTACHED. */
#define is_an_answer(call) vandal_answer((call), CHECK_HERE(#call))
void vandal_answer(int error, struct check_place place);

/* Attaching is refused, by a message that names the file, while... */
void vandal_word_gives(size_t offset, uint64_t value, int error); /* ...this word is so */
void vandal_file_is_short(void);                                  /* ...its end is missing */
void vandal_file_is_zero(void);                                   /* ...all its bytes are 0 */
/* Attaching is refused while the name stands for a link, a pipe or a folder, and, where we can make
 * it so, while the file is somebody else's. */
void vandal_file_is_none(void);

#endif
