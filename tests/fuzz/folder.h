/* folder.h - a domain's folder of the fuzzer's own, and vandalism in it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FUZZ_FOLDER_H
#define EDDY_FUZZ_FOLDER_H

#include "input.h"

/* Makes the folder at the first call, and clears it at later ones; EDDY_DIR names it. */
const char *folder_clear(void);

/* A file of this name is left alone by all of these. */
void folder_spare(const char *name);

/* Changes a word of one of the files, as the input says: any file but a flink, or flinks alone. */
void folder_scribble(struct input *in, bool flinks);

/* Begins to change words of all that is there now from another thread, until folder_calm: log, seats,
 * slots, masks, samples, whatever is shared. */
void folder_haunt(uint64_t seed);
void folder_calm(void);

#endif
