/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher.h"

#include "allocator/cancel.h"
#include "chunk.h"
#include "log.h"
#include "options.h"
#include "parting.h"
#include "renewal.h"
#include "runtime.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a publisher that waits for its consumers does so before it looks whether it still shall.
 */
#define TURN_NS UINT64_C(20000000)

/* A reliable reader loses nothing as long as it goes on taking: over the network its writer would wait
 * for acknowledgements, so long unless said otherwise. */
#define PATIENCE_NS      UINT64_C(100000000)
#define LINGER_NS        UINT64_C(1000000000)
#define FIRST_PAUSE_NS   50000L
#define LONGEST_PAUSE_NS 2000000L

/* How long it waits for room at once. */
static uint64_t turn(iox_pub_t pub)
{
    return pub->waits ? eddy_deadline(TURN_NS) : EDDY_POLL;
}

static int open_writer(iox_pub_t pub, eddy_writer **writer)
{
    struct eddy_topic_identity topic = eddy_service_topic(&pub->service);
    struct eddy_writer_options options = {
        .history_kind = pub->is_cyclone ? EDDY_HISTORY_KEY : EDDY_HISTORY_WRITER,
        .history = pub->history,
        .tag = (pub->history > 0 ? EDDY_PUB_HAS_HISTORY : 0) | (pub->waits ? EDDY_PUB_WAITS : 0),
        .patience_ns = pub->is_cyclone && !pub->is_best_effort ? PATIENCE_NS : 0,
    };
    eddy_domain *domain;
    int error = eddy_runtime_enter(&domain);
    if (error == EDDY_OK) {
        error = eddy_writer_open(domain, &topic, &options, writer);
    }
    if (error == EDDY_OK && pub->reliability != EDDY_NOTED_NOTHING) {
        (void)eddy_writer_note(*writer, &(struct eddy_notes){.reliability = pub->reliability});
    }
    if (error != EDDY_OK) {
        eddy_runtime_leave();
        eddy_say(EDDY_LOG_ERROR, "publisher of %s (%s): %s: %s", topic.name, topic.type,
                 eddy_strerror(error), eddy_last_error());
    }
    return error;
}

/* Under the lock. */
static int need_writer(iox_pub_t pub)
{
    if (pub->writer != NULL) {
        return EDDY_OK;
    }
    pub->generation = eddy_runtime_generation();
    return open_writer(pub, &pub->writer);
}

/* Under the lock.  What cannot be done now is tried again at the next loan. */
static void move(iox_pub_t pub)
{
    eddy_writer *fresh = NULL;
    unsigned generation = eddy_runtime_generation();
    if (pub->writer == NULL || pub->used != 0 || pub->generation == generation ||
        open_writer(pub, &fresh) != EDDY_OK) {
        return;
    }
    if (pub->history > 0 && eddy_writer_inherit(fresh, pub->writer, turn(pub)) != EDDY_OK) {
        eddy_say(EDDY_LOG_ERROR, "history of %s (%s): not all of it could be kept: %s",
                 pub->service.event, pub->service.instance, eddy_last_error());
    }
    (void)eddy_writer_close(pub->writer);
    eddy_runtime_leave();
    pub->writer = fresh;
    pub->generation = generation;
}

void eddy_publisher_renew(iox_pub_t pub)
{
    pthread_mutex_lock(&pub->lock);
    move(pub);
    pthread_mutex_unlock(&pub->lock);
}

/* Also gives back what is still on loan. */
static void close_writer(iox_pub_t pub)
{
    for (unsigned i = 0; i < EDDY_IOX_LOANS; i++) {
        if (pub->used >> i & 1u) {
            eddy_chunk_let_go(pub->loans[i].data);
        }
    }
    if (pub->writer != NULL) {
        (void)eddy_writer_close(pub->writer);
        eddy_runtime_leave();
    }
    pub->writer = NULL;
    pub->used = 0;
}

/* Cyclone DDS gives no history for a writer whose late readers are owed all. */
static void learn(iox_pub_t pub)
{
    struct eddy_announced writer = eddy_parting_announced(&pub->service);
    if (writer.known) {
        pub->reliability = writer.reliable ? EDDY_NOTED_RELIABLE : EDDY_NOTED_BEST_EFFORT;
        pub->is_best_effort = !writer.reliable;
        pub->history = writer.keeps_all ? EDDY_HISTORY_MAX : pub->history;
    }
}

iox_pub_t iox_pub_init(iox_pub_storage_t *self, const char *const service,
                       const char *const instance, const char *const event,
                       const iox_pub_options_t *const options)
{
    if (self == NULL) {
        eddy_say(EDDY_LOG_WARN, "iox_pub_init: the storage is NULL; give one");
        return NULL;
    }
    iox_pub_t pub = calloc(1, sizeof *pub);
    if (pub == NULL || eddy_service_copy(&pub->service, service, instance, event) != EDDY_OK) {
        free(pub);
        return NULL;
    }
    iox_pub_options_t wanted = eddy_pub_options(options);
    pthread_mutex_init(&pub->lock, NULL);
    pub->history = wanted.historyCapacity > EDDY_HISTORY_MAX ? EDDY_HISTORY_MAX
                                                             : (uint32_t)wanted.historyCapacity;
    pub->is_cyclone = eddy_runtime_is_cyclone();
    if (pub->is_cyclone) {
        learn(pub);
    }
    pub->waits = wanted.subscriberTooSlowPolicy == ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    if (wanted.offerOnCreate) {
        iox_pub_offer(pub);
    }
    eddy_renewal_add_pub(pub);
    self->do_not_touch_me[0] = (uint64_t)(uintptr_t)pub;
    return pub;
}

/* Cyclone DDS deletes a participant after its writers, and a reader that has not found a writer by
 * then never will.  Over the network a writer stays until its samples are acknowledged, a second at
 * most; so it does here. */
static void linger(iox_pub_t pub)
{
    struct timespec pause = {.tv_nsec = FIRST_PAUSE_NS};
    uint64_t deadline = eddy_deadline(LINGER_NS);
    while (pub->is_cyclone && pub->writer != NULL && eddy_writer_awaited(pub->writer) > 0 &&
           eddy_now() < deadline) {
        nanosleep(&pause, NULL);
        pause.tv_nsec = pause.tv_nsec < LONGEST_PAUSE_NS ? 2 * pause.tv_nsec : LONGEST_PAUSE_NS;
    }
}

void iox_pub_deinit(iox_pub_t const self)
{
    if (self == NULL) {
        return;
    }
    EDDY_UNCANCELLED;
    eddy_renewal_remove_pub(self);
    linger(self);
    eddy_publisher_keep_mapped(self);
    close_writer(self);
    eddy_service_free(&self->service);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void iox_pub_offer(iox_pub_t const self)
{
    pthread_mutex_lock(&self->lock);
    (void)need_writer(self);
    atomic_store(&self->offered, true);
    pthread_mutex_unlock(&self->lock);
}

void iox_pub_stop_offer(iox_pub_t const self)
{
    atomic_store(&self->offered, false); /* first: it ends a wait that has the lock */
    pthread_mutex_lock(&self->lock);
    if (self->used == 0 && self->history == 0 && !self->is_cyclone) {
        close_writer(self);
    }
    pthread_mutex_unlock(&self->lock);
}

bool iox_pub_is_offered(iox_pub_t const self)
{
    return atomic_load(&self->offered);
}

bool iox_pub_has_subscribers(iox_pub_t const self)
{
    pthread_mutex_lock(&self->lock);
    bool has = atomic_load(&self->offered) && self->writer != NULL &&
               eddy_writer_readers(self->writer) > 0;
    pthread_mutex_unlock(&self->lock);
    return has;
}

iox_service_description_t iox_pub_get_service_description(iox_pub_t const self)
{
    return eddy_service_describe(self->service.service, self->service.instance,
                                 self->service.event);
}

static enum iox_AllocationResult allocation_result(int error)
{
    switch (error) {
    case EDDY_OK:
        return AllocationResult_SUCCESS;
    case EDDY_ETOOBIG:
        return AllocationResult_NO_MEMPOOLS_AVAILABLE;
    case EDDY_ENOMEM:
    case EDDY_ELIMIT:
    case EDDY_EAGAIN:
    case EDDY_ETIMEDOUT:
        return AllocationResult_RUNNING_OUT_OF_CHUNKS;
    default:
        return AllocationResult_UNDEFINED_ERROR;
    }
}

static enum iox_AllocationResult loan(iox_pub_t pub, const struct eddy_loan_options *plan,
                                      uint32_t header_size, void **payload)
{
    unsigned index = (unsigned)__builtin_ctz(~pub->used);
    if (index >= EDDY_IOX_LOANS) {
        return AllocationResult_TOO_MANY_CHUNKS_ALLOCATED_IN_PARALLEL;
    }
    move(pub);
    int error = need_writer(pub);
    if (error != EDDY_OK) {
        return AllocationResult_UNDEFINED_ERROR;
    }
    struct eddy_loan *fresh = &pub->loans[index];
    error = eddy_writer_loan_with(pub->writer, plan, turn(pub), fresh);
    if (error != EDDY_OK) {
        eddy_say(EDDY_LOG_ERROR, "loan on %s: %zu bytes: %s: %s", pub->service.event, plan->size,
                 eddy_strerror(error), eddy_last_error());
        return allocation_result(error);
    }
    if (eddy_chunk_hold(fresh->data, fresh->header, fresh->header_size) != EDDY_OK) {
        (void)eddy_writer_discard(pub->writer, fresh);
        return AllocationResult_UNDEFINED_ERROR;
    }
    eddy_chunk_start(fresh, header_size);
    pub->used |= 1u << index;
    *payload = fresh->data;
    return AllocationResult_SUCCESS;
}

enum iox_AllocationResult iox_pub_loan_aligned_chunk_with_user_header(
    iox_pub_t const self, void **const userPayload, const uint32_t userPayloadSize,
    const uint32_t userPayloadAlignment, const uint32_t userHeaderSize,
    const uint32_t userHeaderAlignment)
{
    struct eddy_loan_options plan;
    if (!eddy_chunk_plan(userPayloadSize, userPayloadAlignment, userHeaderSize, userHeaderAlignment,
                         &plan)) {
        return AllocationResult_INVALID_PARAMETER_FOR_USER_PAYLOAD_OR_USER_HEADER;
    }
    pthread_mutex_lock(&self->lock);
    enum iox_AllocationResult result = loan(self, &plan, userHeaderSize, userPayload);
    pthread_mutex_unlock(&self->lock);
    return result;
}

enum iox_AllocationResult iox_pub_loan_aligned_chunk(iox_pub_t const self, void **const userPayload,
                                                     const uint32_t userPayloadSize,
                                                     const uint32_t userPayloadAlignment)
{
    return iox_pub_loan_aligned_chunk_with_user_header(
        self, userPayload, userPayloadSize, userPayloadAlignment, IOX_C_CHUNK_NO_USER_HEADER_SIZE,
        IOX_C_CHUNK_NO_USER_HEADER_ALIGNMENT);
}

enum iox_AllocationResult iox_pub_loan_chunk(iox_pub_t const self, void **const userPayload,
                                             const uint32_t userPayloadSize)
{
    return iox_pub_loan_aligned_chunk(self, userPayload, userPayloadSize,
                                      IOX_C_CHUNK_DEFAULT_USER_PAYLOAD_ALIGNMENT);
}

/* The loan with this payload, or EDDY_IOX_LOANS. */
static unsigned loan_find(iox_pub_t pub, const void *payload)
{
    unsigned index = 0;
    while (index < EDDY_IOX_LOANS &&
           ((pub->used >> index & 1u) == 0 || pub->loans[index].data != payload)) {
        index++;
    }
    return index;
}

static bool still_waiting(iox_pub_t pub)
{
    return pub->waits && atomic_load(&pub->offered) && !eddy_runtime_is_shut_down();
}

/* For Cyclone DDS late readers get the last samples of each instance, but for those that are not
 * registered any more. */
static int publish_once(iox_pub_t pub, struct eddy_loan *lent)
{
    struct eddy_publication what = {.flags = 0};
    if (pub->is_cyclone && pub->history > 0 && lent->header_size == EDDY_CHUNK_CYCLONE_ROOM) {
        struct eddy_chunk_origin origin;
        eddy_chunk_origin(lent->data, &origin);
        memcpy(what.key, origin.key, sizeof what.key);
        what.flags = origin.status & EDDY_CHUNK_UNREGISTERS ? EDDY_PUBLISH_ENDS_KEY : 0;
    }
    return eddy_writer_publish_with(pub->writer, lent, lent->size, &what, turn(pub));
}

/* Publishes a loan, or drops it.  The lock is free between two turns of a wait, so that others may
 * use the publisher meanwhile. */
static void publish(iox_pub_t pub, unsigned index)
{
    struct eddy_loan *lent = &pub->loans[index];
    int error = EDDY_EBUSY;
    eddy_chunk_let_go(lent->data);
    if (atomic_load(&pub->offered)) {
        error = publish_once(pub, lent);
    }
    while (error == EDDY_ETIMEDOUT && still_waiting(pub)) {
        pthread_mutex_unlock(&pub->lock);
        pthread_mutex_lock(&pub->lock);
        error = publish_once(pub, lent);
    }
    if (error != EDDY_OK) {
        eddy_say(error == EDDY_EBUSY ? EDDY_LOG_WARN : EDDY_LOG_ERROR,
                 "a sample of %s is dropped: %s", pub->service.event,
                 error == EDDY_EBUSY ? "its publisher is not offered" : eddy_last_error());
        (void)eddy_writer_discard(pub->writer, lent);
    }
    pub->used &= ~(1u << index);
}

void iox_pub_publish_chunk(iox_pub_t const self, void *const userPayload)
{
    pthread_mutex_lock(&self->lock);
    unsigned index = loan_find(self, userPayload);
    if (index < EDDY_IOX_LOANS) {
        publish(self, index);
    } else {
        eddy_say(EDDY_LOG_WARN, "publish on %s: %p is not on loan", self->service.event,
                 userPayload);
    }
    pthread_mutex_unlock(&self->lock);
}

void iox_pub_release_chunk(iox_pub_t const self, void *const userPayload)
{
    pthread_mutex_lock(&self->lock);
    unsigned index = loan_find(self, userPayload);
    if (index < EDDY_IOX_LOANS) {
        eddy_chunk_let_go(userPayload);
        (void)eddy_writer_discard(self->writer, &self->loans[index]);
        self->used &= ~(1u << index);
    } else if (userPayload != NULL) {
        eddy_say(EDDY_LOG_WARN, "release on %s: %p is not on loan", self->service.event,
                 userPayload);
    }
    pthread_mutex_unlock(&self->lock);
}
