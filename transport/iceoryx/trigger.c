/* SPDX-License-Identifier: Apache-2.0 */
#include "trigger.h"

#include "log.h"
#include "watch.h"

#include <stdlib.h>

iox_user_trigger_t iox_user_trigger_init(iox_user_trigger_storage_t *self)
{
    if (self == NULL) {
        eddy_say(EDDY_LOG_WARN, "iox_user_trigger_init: the storage is NULL; give one");
        return NULL;
    }
    iox_user_trigger_t trigger = calloc(1, sizeof *trigger);
    if (trigger == NULL) {
        return NULL;
    }
    if (eddy_event_open(&trigger->event) != EDDY_OK) {
        eddy_say(EDDY_LOG_ERROR, "user trigger: %s", eddy_last_error());
        trigger->event = NULL;
    }
    self->do_not_touch_me[0] = (uint64_t)(uintptr_t)trigger;
    return trigger;
}

void iox_user_trigger_deinit(iox_user_trigger_t const self)
{
    if (self == NULL) {
        return;
    }
    eddy_watch_leave_trigger(self);
    (void)eddy_event_close(self->event);
    free(self);
}

void iox_user_trigger_trigger(iox_user_trigger_t const self)
{
    if (atomic_load(&self->attached)) {
        atomic_store(&self->triggered, true);
        eddy_event_trigger(self->event);
    }
}

bool iox_user_trigger_has_triggered(iox_user_trigger_t const self)
{
    return atomic_load(&self->triggered);
}
