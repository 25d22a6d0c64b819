/* SPDX-License-Identifier: Apache-2.0 */
#include "subscriber.h"

#include "chunk.h"
#include "log.h"
#include "options.h"
#include "parting.h"
#include "publisher.h"
#include "runtime.h"
#include "watch.h"

#include <stdlib.h>

/* Cyclone DDS asks for as many as its reader keeps of one instance: 1 by default, for all instances
 * together.  As many as Eddy gives by default let a burst over several instances arrive. */
#define CYCLONE_DEPTH 8u
/* Samples from before a subscriber's time that are looked at: see is_wanted_of_the_past. */
#define CYCLONE_RECENT 256u
/* At samples that are not wanted, at one go. */
#define LOOKS       64u
#define CREATION_NS INT64_C(20000000)

/* What iox_sub_init allocates.  The caller's word must end where the handle begins. */
struct block {
    void *callers;
    struct cpp2c_Subscriber sub;
};
_Static_assert(offsetof(struct block, sub) == sizeof(void *), "Cyclone DDS writes to handle - 8");

static struct block *block_of(iox_sub_t sub)
{
    return (struct block *)(void *)((char *)sub - offsetof(struct block, sub));
}

static int open_reader(iox_sub_t sub, eddy_reader **reader)
{
    struct eddy_topic_identity topic = eddy_service_topic(&sub->service);
    eddy_domain *domain;
    int error = eddy_runtime_enter(&domain);
    if (error == EDDY_OK) {
        error = eddy_reader_open(domain, &topic, &sub->options, reader);
    }
    if (error != EDDY_OK) {
        eddy_runtime_leave();
        eddy_say(EDDY_LOG_ERROR, "subscriber of %s (%s): %s: %s", topic.name, topic.type,
                 eddy_strerror(error), eddy_last_error());
    }
    return error;
}

static void open_intake(iox_sub_t sub)
{
    struct eddy_intake *intake = calloc(1, sizeof *intake);
    if (intake == NULL || open_reader(sub, &intake->reader) != EDDY_OK) {
        free(intake);
        return;
    }
    struct eddy_topic_stats stats;
    intake->own = eddy_reader_participant(intake->reader);
    if (eddy_reader_stats(intake->reader, &stats) == EDDY_OK) {
        intake->past_sn = stats.published;
    }
    sub->intake = intake;
}

static void close_intake(struct eddy_intake *intake)
{
    (void)eddy_reader_close(intake->reader);
    eddy_runtime_leave();
    free(intake);
}

static uint32_t clamped(uint64_t number, uint64_t least, uint64_t most)
{
    return (uint32_t)(number < least ? least : number > most ? most : number);
}

static struct eddy_reader_options reader_options(const iox_sub_options_t *wanted)
{
    struct eddy_reader_options options = {.spin_ns = 0};
    options.depth = clamped(wanted->queueCapacity, 1, EDDY_IOX_QUEUE_CAPACITY);
    options.history = clamped(wanted->historyRequest, 0, options.depth);
    options.reliability = wanted->queueFullPolicy == QueueFullPolicy_BLOCK_PRODUCER
                              ? EDDY_RELIABLE
                              : EDDY_BEST_EFFORT;
    if (eddy_runtime_is_cyclone()) {
        options.depth = clamped(wanted->queueCapacity, CYCLONE_DEPTH, EDDY_IOX_CYCLONE_CAPACITY);
        options.history = wanted->historyRequest > 0 ? UINT32_MAX : 0; /* of each instance */
        options.flags = EDDY_READER_BEYOND_DEPTH;
        options.recent = options.history > 0 ? 0 : CYCLONE_RECENT;
    }
    return options;
}

static uint32_t must_have(const iox_sub_options_t *wanted)
{
    bool blocks = wanted->queueFullPolicy == QueueFullPolicy_BLOCK_PRODUCER;
    return (wanted->requirePublisherHistorySupport ? EDDY_PUB_HAS_HISTORY : 0) |
           (blocks ? EDDY_PUB_WAITS : 0);
}

/* For a reader that cannot be asked about: the time in which DDS has created it, if it took long. */
static int64_t assumed_since(void)
{
    int64_t earliest = eddy_runtime_started();
    int64_t since = eddy_runtime_wall_clock() - CREATION_NS;
    return since > earliest ? since : earliest;
}

iox_sub_t iox_sub_init(iox_sub_storage_t *self, const char *const service,
                       const char *const instance, const char *const event,
                       const iox_sub_options_t *const options)
{
    if (self == NULL) {
        eddy_say(EDDY_LOG_WARN, "iox_sub_init: the storage is NULL; give one");
        return NULL;
    }
    struct block *block = calloc(1, sizeof *block);
    if (block == NULL ||
        eddy_service_copy(&block->sub.service, service, instance, event) != EDDY_OK) {
        free(block);
        return NULL;
    }
    iox_sub_options_t wanted = eddy_sub_options(options);
    iox_sub_t sub = &block->sub;
    block->callers = self;
    pthread_mutex_init(&sub->lock, NULL);
    sub->options = reader_options(&wanted);
    sub->must_have = must_have(&wanted);
    if (eddy_runtime_is_cyclone()) {
        sub->since = assumed_since();
    }
    if (wanted.subscribeOnCreate) {
        iox_sub_subscribe(sub);
    }
    if (eddy_runtime_is_cyclone()) {
        eddy_parting_add(sub);
    }
    self->do_not_touch_me[0] = (uint64_t)(uintptr_t)sub;
    return sub;
}

void iox_sub_deinit(iox_sub_t const self)
{
    if (self == NULL) {
        return;
    }
    eddy_parting_remove(self);
    eddy_watch_leave_sub(self);
    if (self->intake != NULL) {
        close_intake(self->intake);
    }
    while (self->retired != NULL) {
        struct eddy_intake *next = self->retired->older;
        close_intake(self->retired);
        self->retired = next;
    }
    struct eddy_held held;
    while (eddy_holding_any(&self->held, &held)) {
        (void)eddy_holding_remove(&self->held, held.sample.data, &held);
        eddy_chunk_let_go(held.sample.data);
    }
    eddy_holding_free(&self->held);
    eddy_admission_free(&self->admission);
    eddy_service_free(&self->service);
    pthread_mutex_destroy(&self->lock);
    free(block_of(self));
}

void iox_sub_subscribe(iox_sub_t const self)
{
    eddy_watch_pause_sub(self);
    pthread_mutex_lock(&self->lock);
    self->wants = true;
    if (self->intake == NULL) {
        open_intake(self);
    }
    pthread_mutex_unlock(&self->lock);
    eddy_watch_resume_sub(self);
}

/* Under the lock. */
static void retire_intake(iox_sub_t sub)
{
    struct eddy_intake *intake = sub->intake;
    sub->intake = NULL;
    if (intake != NULL && intake->held == 0) {
        close_intake(intake);
    } else if (intake != NULL) {
        intake->older = sub->retired;
        sub->retired = intake;
    }
}

void iox_sub_unsubscribe(iox_sub_t const self)
{
    eddy_watch_pause_sub(self);
    pthread_mutex_lock(&self->lock);
    self->wants = false;
    retire_intake(self);
    pthread_mutex_unlock(&self->lock);
    eddy_watch_resume_sub(self);
}

bool eddy_subscriber_renew(iox_sub_t sub)
{
    pthread_mutex_lock(&sub->lock);
    retire_intake(sub);
    if (sub->wants) {
        open_intake(sub);
    }
    eddy_admission_renew(&sub->admission);
    bool has = sub->intake != NULL || !sub->wants;
    pthread_mutex_unlock(&sub->lock);
    return has;
}

enum iox_SubscribeState iox_sub_get_subscription_state(iox_sub_t const self)
{
    pthread_mutex_lock(&self->lock);
    bool wants = self->wants;
    bool has = self->intake != NULL;
    pthread_mutex_unlock(&self->lock);
    if (!wants) {
        return SubscribeState_NOT_SUBSCRIBED;
    }
    return has ? SubscribeState_SUBSCRIBED : SubscribeState_UNDEFINED_ERROR;
}

/* Cyclone DDS announces a reader before it creates our subscriber, so a writer may have matched it
 * and written to it before.  And it gives its reader the history of its own process itself. */
static bool is_wanted_of_the_past(iox_sub_t sub, const struct eddy_sample *sample,
                                  const struct eddy_chunk_origin *origin)
{
    if (sub->options.history > 0) {
        return sample->source != sub->intake->own;
    }
    return origin->written >= sub->since;
}

/* Passed over: what is no chunk, chunks of publishers that iceoryx would not have connected, and,
 * for Cyclone DDS, history that this process wrote itself: its reader has had that already. */
static bool is_wanted(iox_sub_t sub, const struct eddy_sample *sample,
                      struct eddy_chunk_origin *origin)
{
    if (!eddy_chunk_valid(sample, origin)) {
        return false;
    }
    if (eddy_runtime_is_cyclone() && sample->sn <= sub->intake->past_sn &&
        !is_wanted_of_the_past(sub, sample, origin)) {
        return false;
    }
    /* DDS knows better what it has matched. */
    return sub->admission.asks || (sample->tag & sub->must_have) == sub->must_have;
}

/* The next that is to be handed out.  EDDY_EBUSY: there may be one behind many that are not. */
static int next_wanted(iox_sub_t sub, struct eddy_held *held)
{
    if (eddy_admission_next(sub, held)) {
        return EDDY_OK;
    }
    for (unsigned looks = 0; looks < LOOKS; looks++) {
        held->intake = sub->intake;
        int error = eddy_reader_take(sub->intake->reader, &held->sample);
        if (error != EDDY_OK) {
            return error;
        }
        struct eddy_chunk_origin origin;
        enum eddy_judgement judgement = is_wanted(sub, &held->sample, &origin)
                                            ? eddy_admission_judge(sub, held, &origin)
                                            : EDDY_PASS_OVER;
        if (judgement == EDDY_HAND_ON) {
            return EDDY_OK;
        }
        if (judgement == EDDY_PASS_OVER) {
            (void)eddy_reader_release(sub->intake->reader, &held->sample);
        }
    }
    return EDDY_EBUSY;
}

static int hold(iox_sub_t sub, const struct eddy_held *held)
{
    struct eddy_held undone;
    int error = eddy_holding_add(&sub->held, held);
    if (error == EDDY_OK) {
        error = eddy_chunk_hold(held->sample.data, held->sample.header, held->sample.header_size);
        if (error != EDDY_OK) {
            (void)eddy_holding_remove(&sub->held, held->sample.data, &undone);
        }
    }
    return error;
}

/* *more: nothing was found yet, and not all was looked at. */
static enum iox_ChunkReceiveResult receive(iox_sub_t sub, const void **payload, bool *more)
{
    if (sub->intake == NULL) {
        return sub->wants ? ChunkReceiveResult_UNDEFINED_ERROR
                          : ChunkReceiveResult_NO_CHUNK_AVAILABLE;
    }
    struct eddy_held held;
    int error = next_wanted(sub, &held);
    if (error == EDDY_OK) {
        error = hold(sub, &held);
        if (error != EDDY_OK) {
            (void)eddy_reader_release(held.intake->reader, &held.sample);
        }
    }
    *more = error == EDDY_EBUSY;
    if (error == EDDY_EAGAIN || *more) {
        return ChunkReceiveResult_NO_CHUNK_AVAILABLE;
    }
    if (error != EDDY_OK) {
        eddy_say(EDDY_LOG_ERROR, "take from %s: %s: %s", sub->service.event, eddy_strerror(error),
                 eddy_last_error());
        return ChunkReceiveResult_UNDEFINED_ERROR;
    }
    held.intake->held++;
    *payload = held.sample.data;
    return ChunkReceiveResult_SUCCESS;
}

static void forget_retired(iox_sub_t sub, struct eddy_intake *intake)
{
    struct eddy_intake **link = &sub->retired;
    while (*link != intake) {
        link = &(*link)->older;
    }
    *link = intake->older;
    close_intake(intake);
}

void eddy_subscriber_drop(iox_sub_t sub, const struct eddy_held *held)
{
    struct eddy_sample sample = held->sample;
    (void)eddy_reader_release(held->intake->reader, &sample);
    if (--held->intake->held == 0 && held->intake != sub->intake) {
        forget_retired(sub, held->intake);
    }
}

/* False: it is not held. */
static bool give_back(iox_sub_t sub, const void *payload)
{
    struct eddy_held held;
    if (!eddy_holding_remove(&sub->held, payload, &held)) {
        return false;
    }
    eddy_chunk_let_go(payload);
    eddy_subscriber_drop(sub, &held);
    return true;
}

enum iox_ChunkReceiveResult iox_sub_take_chunk(iox_sub_t const self, const void **const userPayload)
{
    for (;;) {
        bool more = false;
        pthread_mutex_lock(&self->lock);
        enum iox_ChunkReceiveResult result = receive(self, userPayload, &more);
        pthread_mutex_unlock(&self->lock);
        /* A listener comes again.  Others are told of nothing that was there before: they look on,
         * and let other threads have the subscriber in between. */
        if (!more || eddy_watch_come_again(self)) {
            return result;
        }
    }
}

void iox_sub_release_chunk(iox_sub_t const self, const void *const userPayload)
{
    pthread_mutex_lock(&self->lock);
    if (!give_back(self, userPayload)) {
        eddy_say(EDDY_LOG_WARN, "release on %s: %p is not held", self->service.event, userPayload);
    }
    pthread_mutex_unlock(&self->lock);
}

void iox_sub_release_queued_chunks(iox_sub_t const self)
{
    struct eddy_sample sample;
    struct eddy_topic_stats stats = {.published = 0};
    pthread_mutex_lock(&self->lock);
    struct eddy_intake *intake = self->intake;
    /* What was there when it began: writers may go on publishing for ever. */
    bool more = intake != NULL && eddy_reader_stats(intake->reader, &stats) == EDDY_OK;
    while (more && eddy_reader_take(intake->reader, &sample) == EDDY_OK) {
        more = sample.sn < stats.published;
        (void)eddy_reader_release(intake->reader, &sample);
    }
    pthread_mutex_unlock(&self->lock);
}

bool iox_sub_has_chunks(iox_sub_t const self)
{
    pthread_mutex_lock(&self->lock);
    bool has = self->intake != NULL && eddy_reader_ready(self->intake->reader);
    pthread_mutex_unlock(&self->lock);
    return has;
}

bool iox_sub_has_lost_chunks(iox_sub_t const self)
{
    bool has = false;
    pthread_mutex_lock(&self->lock);
    if (self->intake != NULL) {
        uint64_t lost = eddy_reader_lost(self->intake->reader);
        has = lost > self->intake->lost_told;
        self->intake->lost_told = lost;
    }
    pthread_mutex_unlock(&self->lock);
    return has;
}

iox_service_description_t iox_sub_get_service_description(iox_sub_t const self)
{
    return eddy_service_describe(self->service.service, self->service.instance,
                                 self->service.event);
}
