/* SPDX-License-Identifier: Apache-2.0 */
#include "handover.h"

#include "allocator/point.h"

#include <stdlib.h>
#include <string.h>

/* Of one sample for one reader.  `parcel`: NULL if `copy` has the data. */
struct lent {
    struct psmx_loan psmx; /* first */
    struct psmx_metadata meta;
    struct psmx_parcel *parcel;
    _Alignas(16) uint8_t copy[];
};

/* Called from any thread, also when tap, topic and domain are gone. */
static void free_lent(struct psmx_loan *loan)
{
    struct lent *lent = (struct lent *)loan;
    if (lent->parcel != NULL)
        psmx_parcel_unref(lent->parcel);
    free(lent);
}

static void unref(struct psmx_loan *loan)
{
    if (atomic_fetch_sub(&loan->references, 1) == 1)
        loan->free(loan);
}

static bool is_raw(const struct psmx_parcel *p)
{
    return p->wire.meta.state == PSMX_STATE_RAW_KEY || p->wire.meta.state == PSMX_STATE_RAW_DATA;
}

static struct lent *lend(struct psmx_tap *tap, struct psmx_parcel *p)
{
    size_t size = p->wire.meta.size;
    bool copied = !is_raw(p) || psmx_feed_is_short(p->feed, size);
    struct lent *lent = malloc(sizeof *lent + (copied ? size + 8 : 0));
    if (lent == NULL)
        return NULL;
    *lent = (struct lent){.psmx = {.free = free_lent,
                                   .origin = PSMX_ORIGIN_PSMX,
                                   .endpoint = &tap->psmx,
                                   .metadata = &lent->meta,
                                   .references = 1},
                          .meta = p->wire.meta};
    lent->meta.instance_id = tap->home->psmx.id;
    if (copied) {
        memcpy(lent->copy, p->sample.data, size);
        lent->psmx.data = lent->copy;
    } else {
        psmx_parcel_ref(p);
        lent->parcel = p;
        lent->psmx.data = (void *)(uintptr_t)p->sample.data;
    }
    return lent;
}

static enum psmx_outcome outcome_of(int32_t result)
{
    switch (result) {
    case PSMX_OK:
    case PSMX_NO_DATA:
        return PSMX_GIVEN;
    case PSMX_NOT_FOUND:
        return PSMX_UNKNOWN;
    case PSMX_ERROR:
    case PSMX_OUT_OF_RESOURCES:
        return PSMX_REFUSED;
    default:
        return PSMX_CLOSED;
    }
}

enum psmx_outcome psmx_hand_over(struct psmx_tap *tap, struct psmx_parcel *p)
{
    struct lent *lent = lend(tap, p);
    if (lent == NULL)
        return PSMX_REFUSED;
    EDDY_POINT("psmx-hand:lent");
    int32_t result =
        tap->home->cyclone.dds_reader_store_loaned_sample(atomic_load(&tap->reader), &lent->psmx);
    EDDY_POINT("psmx-hand:stored");
    unref(&lent->psmx);
    return outcome_of(result);
}

/* The writer's instances have been unregistered already; so is what comes now, else it would seem to
 * have a writer for ever. */
enum psmx_outcome psmx_hand_over_late(struct psmx_tap *tap, struct psmx_parcel *p)
{
    struct lent *lent = lend(tap, p);
    if (lent == NULL)
        return PSMX_REFUSED;
    lent->meta.statusinfo |= PSMX_STATUS_UNREGISTER;
    EDDY_POINT("psmx-hand:late");
    int32_t result = tap->home->cyclone.dds_reader_store_loaned_sample_wr_metadata(
        atomic_load(&tap->reader), &lent->psmx, p->wire.strength, p->wire.autodispose != 0,
        p->wire.lifespan);
    unref(&lent->psmx);
    return outcome_of(result);
}
