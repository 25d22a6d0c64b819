/* A table of calls.  See calls.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/call/calls.h"

#include "allocator/error.h"

#include <stdlib.h>

int eddy_calls_init(struct eddy_calls *calls, uint32_t most)
{
    uint32_t places = 1;
    while (places < most)
        places *= 2;
    *calls = (struct eddy_calls){.mask = places - 1, .most = most, .next = 1};
    calls->earliest = EDDY_FOREVER;
    calls->table = calloc(places, sizeof *calls->table);
    return calls->table ? EDDY_OK : eddy_fail(EDDY_ENOMEM, "no memory for %u calls", most);
}

void eddy_calls_free(struct eddy_calls *calls)
{
    free(calls->table);
}

struct eddy_call *eddy_calls_begin(struct eddy_calls *calls, uint64_t answer_by)
{
    if (calls->count == calls->most)
        return NULL;
    while (calls->table[calls->next & calls->mask].state != EDDY_CALL_FREE)
        calls->next++; /* there is a free one */
    struct eddy_call *call = &calls->table[calls->next & calls->mask];
    *call = (struct eddy_call){
        .number = calls->next++, .answer_by = answer_by, .state = EDDY_CALL_SENT};
    calls->count++;
    if (answer_by < calls->earliest)
        calls->earliest = answer_by;
    return call;
}

struct eddy_call *eddy_calls_find(struct eddy_calls *calls, uint64_t number)
{
    struct eddy_call *call = &calls->table[number & calls->mask];
    return call->state != EDDY_CALL_FREE && call->number == number ? call : NULL;
}

static struct eddy_call *at(struct eddy_calls *calls, uint32_t place)
{
    return place ? &calls->table[place - 1] : NULL;
}

struct eddy_call *eddy_calls_first(struct eddy_calls *calls)
{
    return at(calls, calls->first);
}

void eddy_calls_end(struct eddy_calls *calls, struct eddy_call *call, int32_t error,
                    const struct eddy_sample *sample)
{
    uint32_t place = (uint32_t)(call - calls->table) + 1;
    struct eddy_call *last = at(calls, calls->last);
    call->state = EDDY_CALL_ENDED;
    call->error = error;
    if (sample)
        call->sample = *sample;
    call->before = calls->last;
    call->after = 0;
    calls->last = place;
    if (last)
        last->after = place;
    else
        calls->first = place;
}

void eddy_calls_forget(struct eddy_calls *calls, struct eddy_call *call)
{
    if (call->state == EDDY_CALL_ENDED) {
        struct eddy_call *before = at(calls, call->before), *after = at(calls, call->after);
        *(before ? &before->after : &calls->first) = call->after;
        *(after ? &after->before : &calls->last) = call->before;
    }
    call->state = EDDY_CALL_FREE;
    calls->count--;
}

void eddy_calls_fail(struct eddy_calls *calls, int32_t error)
{
    for (uint32_t i = 0; i <= calls->mask; i++)
        if (calls->table[i].state == EDDY_CALL_SENT)
            eddy_calls_end(calls, &calls->table[i], error, NULL);
    calls->earliest = EDDY_FOREVER;
}

void eddy_calls_expire(struct eddy_calls *calls, uint64_t now)
{
    if (now < calls->earliest)
        return;
    calls->earliest = EDDY_FOREVER;
    for (uint32_t i = 0; i <= calls->mask; i++) {
        struct eddy_call *call = &calls->table[i];
        if (call->state != EDDY_CALL_SENT)
            continue;
        if (call->answer_by <= now)
            eddy_calls_end(calls, call, EDDY_ETIMEDOUT, NULL);
        else if (call->answer_by < calls->earliest)
            calls->earliest = call->answer_by;
    }
}
