/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "log.h"

/* The numbers that mark an initialised struct are part of iceoryx's binary interface. */
#define PUB_CHECK UINT64_C(123454321)
#define SUB_CHECK UINT64_C(543212345)

void iox_pub_options_init(iox_pub_options_t *options)
{
    if (options == NULL) {
        eddy_say(EDDY_LOG_WARN, "iox_pub_options_init: the options are NULL");
        return;
    }
    options->historyCapacity = 0;
    options->nodeName = NULL;
    options->offerOnCreate = true;
    options->subscriberTooSlowPolicy = ConsumerTooSlowPolicy_DISCARD_OLDEST_DATA;
    options->initCheck = PUB_CHECK;
}

bool iox_pub_options_is_initialized(const iox_pub_options_t *const options)
{
    return options != NULL && options->initCheck == PUB_CHECK;
}

iox_pub_options_t eddy_pub_options(const iox_pub_options_t *given)
{
    if (iox_pub_options_is_initialized(given)) {
        return *given;
    }
    if (given != NULL) {
        eddy_say(EDDY_LOG_ERROR, "publisher options that iox_pub_options_init has not seen; "
                                 "taking the defaults");
    }
    iox_pub_options_t defaults;
    iox_pub_options_init(&defaults);
    return defaults;
}

void iox_sub_options_init(iox_sub_options_t *const options)
{
    if (options == NULL) {
        eddy_say(EDDY_LOG_WARN, "iox_sub_options_init: the options are NULL");
        return;
    }
    options->queueCapacity = EDDY_IOX_QUEUE_CAPACITY;
    options->historyRequest = 0;
    options->nodeName = NULL;
    options->subscribeOnCreate = true;
    options->queueFullPolicy = QueueFullPolicy_DISCARD_OLDEST_DATA;
    options->requirePublisherHistorySupport = false;
    options->initCheck = SUB_CHECK;
}

bool iox_sub_options_is_initialized(const iox_sub_options_t *const options)
{
    return options != NULL && options->initCheck == SUB_CHECK;
}

iox_sub_options_t eddy_sub_options(const iox_sub_options_t *given)
{
    if (iox_sub_options_is_initialized(given)) {
        return *given;
    }
    if (given != NULL) {
        eddy_say(EDDY_LOG_ERROR, "subscriber options that iox_sub_options_init has not seen; "
                                 "taking the defaults");
    }
    iox_sub_options_t defaults;
    iox_sub_options_init(&defaults);
    return defaults;
}
