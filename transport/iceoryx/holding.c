/* SPDX-License-Identifier: Apache-2.0 */
#include "holding.h"

#include <stdlib.h>

#define FIRST_CAPACITY 32u

/* Payloads are aligned and often a fixed distance apart: multiply, and use the upper bits. */
static size_t home_of(const struct eddy_holding *holding, const void *payload)
{
    uint64_t mixed = (uint64_t)(uintptr_t)payload * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed >> 32) & (holding->capacity - 1);
}

static size_t next(const struct eddy_holding *holding, size_t place)
{
    return (place + 1) & (holding->capacity - 1);
}

static void put(struct eddy_holding *holding, const struct eddy_held *held)
{
    size_t place = home_of(holding, held->sample.data);
    while (holding->places[place].sample.data != NULL) {
        place = next(holding, place);
    }
    holding->places[place] = *held;
}

static int grow(struct eddy_holding *holding)
{
    struct eddy_holding wider = {
        .capacity = holding->capacity == 0 ? FIRST_CAPACITY : 2 * holding->capacity,
        .count = holding->count,
    };
    wider.places = calloc(wider.capacity, sizeof *wider.places);
    if (wider.places == NULL) {
        return EDDY_ENOMEM;
    }
    for (size_t i = 0; i < holding->capacity; i++) {
        if (holding->places[i].sample.data != NULL) {
            put(&wider, &holding->places[i]);
        }
    }
    free(holding->places);
    *holding = wider;
    return EDDY_OK;
}

int eddy_holding_add(struct eddy_holding *holding, const struct eddy_held *held)
{
    if (2 * (holding->count + 1) > holding->capacity && grow(holding) != EDDY_OK) {
        return EDDY_ENOMEM;
    }
    put(holding, held);
    holding->count++;
    return EDDY_OK;
}

/* Moves what a search would no longer find back over a place that became free. */
static void close_gap(struct eddy_holding *holding, size_t gap)
{
    for (size_t i = next(holding, gap); holding->places[i].sample.data != NULL;
         i = next(holding, i)) {
        size_t home = home_of(holding, holding->places[i].sample.data);
        size_t mask = holding->capacity - 1;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            holding->places[gap] = holding->places[i];
            gap = i;
        }
    }
    holding->places[gap].sample.data = NULL;
}

const struct eddy_held *eddy_holding_find(const struct eddy_holding *holding, const void *payload)
{
    if (holding->count == 0 || payload == NULL) {
        return NULL;
    }
    size_t place = home_of(holding, payload);
    while (holding->places[place].sample.data != payload) {
        if (holding->places[place].sample.data == NULL) {
            return NULL;
        }
        place = next(holding, place);
    }
    return &holding->places[place];
}

bool eddy_holding_remove(struct eddy_holding *holding, const void *payload,
                         struct eddy_held *removed)
{
    const struct eddy_held *found = eddy_holding_find(holding, payload);
    if (found == NULL) {
        return false;
    }
    *removed = *found;
    close_gap(holding, (size_t)(found - holding->places));
    holding->count--;
    return true;
}

bool eddy_holding_any(const struct eddy_holding *holding, struct eddy_held *held)
{
    for (size_t i = 0; i < holding->capacity; i++) {
        if (holding->places[i].sample.data != NULL) {
            *held = holding->places[i];
            return true;
        }
    }
    return false;
}

void eddy_holding_free(struct eddy_holding *holding)
{
    free(holding->places);
    *holding = (struct eddy_holding){NULL, 0, 0};
}
