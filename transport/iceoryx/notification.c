/* iox_notification_info_*: what a wait set tells.  A notification is valid while its origin stays
 * attached.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

uint64_t iox_notification_info_get_notification_id(iox_notification_info_t const self)
{
    return self->id;
}

bool iox_notification_info_does_originate_from_subscriber(iox_notification_info_t const self,
                                                          iox_sub_t const subscriber)
{
    return self->sub != NULL && self->sub == subscriber;
}

bool iox_notification_info_does_originate_from_user_trigger(iox_notification_info_t const self,
                                                            iox_user_trigger_t const user_trigger)
{
    return self->trigger != NULL && self->trigger == user_trigger;
}

iox_sub_t iox_notification_info_get_subscriber_origin(iox_notification_info_t const self)
{
    return self->sub;
}

iox_user_trigger_t iox_notification_info_get_user_trigger_origin(iox_notification_info_t const self)
{
    return self->trigger;
}

void iox_notification_info_call(iox_notification_info_t const self)
{
    eddy_notification_call(self);
}
