/* handover.h - one sample to one reader of DDS.  (internal)
 *
 * A sample that goes as it is in memory is lent: the reader's cache and the program see Eddy's own
 * memory, which is theirs to read.  A serialized one is copied once before Cyclone DDS looks at it,
 * as it corrects what it reads in place, and checks what it later copies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_HANDOVER_H
#define EDDY_PSMX_HANDOVER_H

#include "tap.h"

enum psmx_outcome {
    PSMX_GIVEN,   /* DDS has it, or will never want it */
    PSMX_UNKNOWN, /* DDS does not know the writer */
    PSMX_REFUSED, /* the cache is full, or the sample is bad */
    PSMX_CLOSED   /* the reader is going */
};

enum psmx_outcome psmx_hand_over(struct psmx_tap *tap, struct psmx_parcel *parcel);
/* The same for a writer that DDS has forgotten: with what it was to know of it. */
enum psmx_outcome psmx_hand_over_late(struct psmx_tap *tap, struct psmx_parcel *parcel);

#endif
