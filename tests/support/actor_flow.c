/* actor_flow.c - roles of actor.h: writing, reading, waiting.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "actor_roles.h"

#include "payload.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { WIDE = 70 };

/* --- writing --------------------------------------------------------------------------------- */

static void publish_some(eddy_writer *writer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct eddy_loan loan;
        must(eddy_writer_loan(writer, 100, patience(), &loan));
        must(eddy_writer_discard(writer, &loan));
        payload_publish(writer, sizeof(struct payload) + i % 900, 1, i);
    }
}

/* Nobody reads what it publishes last: it waits for room, in vain. */
static void publish_in_vain(eddy_domain *domain)
{
    struct eddy_loan loan;
    eddy_reader *reader = open_reader(domain, "narrow", &(struct eddy_reader_options){.depth = 1});
    eddy_writer *writer = open_writer(domain, "narrow", NULL);
    payload_publish(writer, 100, 1, 0);
    must(eddy_writer_loan(writer, 100, patience(), &loan));
    must_fail(eddy_writer_publish(writer, &loan, 100, eddy_deadline(MILLISECOND / 4)),
              EDDY_ETIMEDOUT);
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
}

void actor_write_only(void)
{
    points_arm();
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "points", &actor_writing);
    publish_some(writer, ACTOR_MANY);
    publish_in_vain(domain);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

void actor_grow(void)
{
    points_arm();
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "points", &actor_writing);
    for (uint64_t i = 0; i < ACTOR_FEW; i++)
        payload_publish(writer, (i + 1) << 12, 1, i);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* Meets an extent whose maker died before it entered it. */
void actor_go_on_growing(void)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "elsewhere", NULL);
    actor_let_die("grow:linked", actor_grow_elsewhere);
    points_arm();
    payload_publish(writer, 100, 1, 0);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* --- reading --------------------------------------------------------------------------------- */

/* What a reader has seen of each author, and keeps. */
struct progress {
    bool exact; /* each once, in order; else in order */
    uint64_t next[3];
    bool begun[3];
    struct eddy_sample kept[5];
    uint64_t taken;
};

static bool take_into(eddy_reader *reader, struct progress *progress, struct eddy_sample *place)
{
    struct eddy_sample sample;
    int error = eddy_reader_take(reader, &sample);
    if (error == EDDY_EAGAIN)
        return false;
    must(error);
    struct payload payload = payload_of(&sample);
    check(payload.author < 3 && payload.number >= progress->next[payload.author]);
    if (progress->exact && progress->begun[payload.author])
        same(payload.number, progress->next[payload.author]);
    progress->begun[payload.author] = true;
    progress->next[payload.author] = payload.number + 1;
    if (place->data)
        must(eddy_reader_release(reader, place));
    *place = sample;
    return true;
}

static void take_all(eddy_reader *reader, struct progress *progress)
{
    while (take_into(reader, progress, &progress->kept[progress->taken % 5]))
        progress->taken++;
}

/* What it has not taken holds it up itself, if others published while it was stopped. */
static void publish_and_take(eddy_writer *writer, uint64_t number, eddy_reader *reader,
                             struct progress *progress)
{
    struct eddy_loan loan;
    int error;
    must(eddy_writer_loan(writer, 100, patience(), &loan));
    payload_fill(loan.data, 100, 1, number);
    while ((error = eddy_writer_publish(writer, &loan, 100, eddy_deadline(MILLISECOND))) ==
           EDDY_ETIMEDOUT)
        take_all(reader, progress);
    must(error);
    take_all(reader, progress);
}

static void write_and_read(const struct eddy_reader_options *reading)
{
    struct progress progress = {.exact = reading->reliability == EDDY_RELIABLE};
    points_arm();
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "points", &actor_writing);
    eddy_reader *reader = open_reader(domain, "points", reading);
    for (uint64_t i = 0; i < ACTOR_FEW; i++)
        publish_and_take(writer, i, reader, &progress);
    check(!progress.exact || progress.next[1] == ACTOR_FEW);
    must(eddy_reader_stop(reader));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

void actor_read_reliably(void)
{
    write_and_read(
        &(struct eddy_reader_options){.history = UINT32_MAX, .blob = "reads", .blob_size = 5});
}

void actor_read_what_comes(void)
{
    write_and_read(&(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT, .history = 5});
}

/* --- groups, and a reader that wants nothing of us ------------------------------------------------ */

/* The one takes all of them, some of it later than others; the other has nothing to take, but what
 * others published while this one was stopped. */
static void take_together(eddy_reader *reader, eddy_reader *choosy)
{
    struct eddy_sample samples[ACTOR_FEW];
    size_t count;
    while (eddy_reader_take_many(reader, samples, ACTOR_FEW, &count) == EDDY_OK) {
        for (size_t i = 0; i < count; i++)
            (void)payload_of(&samples[i]);
        must(eddy_reader_release(reader, &samples[count - 1]));
        must(eddy_reader_release_many(reader, samples, count - 1));
    }
    while (eddy_reader_take(choosy, samples) == EDDY_OK) {
        same(payload_of(&samples[0]).author, 2);
        must(eddy_reader_release(choosy, samples));
    }
}

static void publish_together(eddy_writer *writer, uint64_t from, size_t count, eddy_reader *reader,
                             eddy_reader *choosy)
{
    struct eddy_loan loans[ACTOR_FEW];
    size_t loaned = 0, published = 0;
    must(eddy_writer_loan_many(writer, 100, loans, count, patience(), &loaned));
    same(loaned, count);
    for (size_t i = 0; i < count; i++)
        payload_fill(loans[i].data, 100, 1, from + i);
    for (size_t done = 0; done < count; done += published) {
        int error = eddy_writer_publish_many(writer, loans + done, count - done, NULL,
                                             eddy_deadline(MILLISECOND), &published);
        if (error) { /* its own readers hold it up */
            must_fail(error, EDDY_ETIMEDOUT);
            published = 0;
        }
        take_together(reader, choosy);
    }
}

void actor_work_in_groups(void)
{
    struct eddy_sample latest;
    points_arm();
    eddy_domain *domain = open_domain();
    eddy_writer *writer =
        open_writer(domain, "points", &(struct eddy_writer_options){.limit_bytes = ACTOR_LIMIT});
    eddy_reader *reader = open_reader(domain, "points", NULL);
    eddy_reader *choosy =
        open_reader(domain, "points", &(struct eddy_reader_options){.flags = EDDY_READER_NOT_OWN});
    for (uint64_t i = 0; i < ACTOR_FEW; i += ACTOR_FEW / 4)
        publish_together(writer, i, ACTOR_FEW / 4, reader, choosy);
    eddy_writer *elsewhere = open_writer(domain, "elsewhere", NULL);
    eddy_reader *newest = open_reader(domain, "elsewhere",
                                      &(struct eddy_reader_options){.flags = EDDY_READER_SHARED});
    for (uint64_t i = 0; i < ACTOR_FEW; i++)
        payload_publish(elsewhere, 100, 1, i);
    must(eddy_reader_take_latest(newest, &latest));
    must(eddy_reader_release(newest, &latest));
    must(eddy_reader_close(newest));
    must(eddy_writer_close(elsewhere));
    must(eddy_reader_close(choosy));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* --- a reader whose sample is replaced just before it pins it -------------------------------- */

static struct {
    eddy_writer *writer;
    bool busy, done;
} rival;

static void overtake(const char *name)
{
    if (strcmp(name, "take:before-pin") == 0 && !rival.done) {
        rival.busy = rival.done = true;
        for (uint64_t i = 0; i < 2000; i++)
            payload_publish(rival.writer, 100, 0, i);
        rival.busy = false;
    }
    if (!rival.busy)
        points_arrive(name);
}

void actor_read_too_late(void)
{
    struct eddy_reader_options deep = {.reliability = EDDY_BEST_EFFORT, .depth = 1};
    struct eddy_sample sample;
    eddy_domain *domain = open_domain();
    rival.writer =
        open_writer(domain, "elsewhere", &(struct eddy_writer_options){.limit_bytes = 64 << 10});
    eddy_reader *reader = open_reader(domain, "elsewhere", &deep);
    payload_publish(rival.writer, 100, 1, 0);
    eddy_point_hook = overtake;
    must(eddy_reader_take(reader, &sample));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(rival.writer));
    must(eddy_domain_close(domain));
}

/* More readers than one mask word has bits. */
void actor_read_with_many(void)
{
    eddy_reader *readers[WIDE];
    struct eddy_sample sample;
    struct eddy_reader_options options = {.reliability = EDDY_BEST_EFFORT};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "elsewhere", NULL);
    for (int i = 0; i < WIDE; i++)
        readers[i] = open_reader(domain, "elsewhere", &options);
    points_arm();
    payload_publish(writer, 100, 1, 1);
    for (int i = 60; i < WIDE; i++)
        must(eddy_reader_take(readers[i], &sample));
    payload_publish(writer, 100, 1, 2);
    for (int i = 0; i < WIDE; i++)
        must(eddy_reader_close(readers[i]));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void publish_two(void)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "narrow", &actor_writing);
    payload_publish(writer, 100, 1, 0);
    payload_publish(writer, 100, 1, 1);
    _exit(0);
}

/* Behind one that died when it was its turn. */
void actor_wait_in_line(void)
{
    struct eddy_sample sample;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "narrow", &(struct eddy_reader_options){.depth = 1});
    eddy_writer *writer = open_writer(domain, "narrow", &actor_writing);
    actor_let_die("room:wanted", publish_two);
    must(eddy_reader_take(reader, &sample));
    must(eddy_reader_release(reader, &sample));
    points_arm();
    payload_publish(writer, 100, 1, 2);
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* Its own reader holds it up. */
void actor_let_go_and_come_back(void)
{
    struct eddy_sample sample;
    points_arm();
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "narrow", NULL);
    eddy_reader *reader = open_reader(domain, "narrow", &(struct eddy_reader_options){.depth = 2});
    for (uint64_t i = 0; i < 2; i++)
        payload_publish(writer, 100, 1, i);
    must(eddy_writer_let_go(writer, 0, 0));
    for (uint64_t i = 0; i < 3; i++)
        payload_publish(writer, 100, 1, i);
    must_fail(eddy_reader_take(reader, &sample), EDDY_ELETGO);
    must(eddy_writer_let_go(writer, 0, 0));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* --- waiting --------------------------------------------------------------------------------- */

static void wait_for_all(eddy_waitset *waitset, uint64_t deadline, int wanted)
{
    void *found[2];
    size_t count;
    int error = eddy_waitset_wait(waitset, deadline, found, 2, &count);
    check(error == wanted);
}

void actor_wait_for_news(void)
{
    points_arm();
    eddy_event *event;
    eddy_waitset *waitset;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "elsewhere", NULL);
    eddy_reader *reader =
        open_reader(domain, "elsewhere", &(struct eddy_reader_options){.spin_ns = -1});
    must(eddy_event_open(&event));
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_EDGE, reader));
    must(eddy_waitset_attach_event(waitset, event, EDDY_WAIT_EDGE, event));
    wait_for_all(waitset, eddy_deadline(MILLISECOND / 4), EDDY_ETIMEDOUT);
    must_fail(eddy_reader_wait(reader, eddy_deadline(MILLISECOND / 4)), EDDY_ETIMEDOUT);
    payload_publish(writer, 100, 1, 0);
    wait_for_all(waitset, patience(), EDDY_OK);
    eddy_event_trigger(event);
    wait_for_all(waitset, patience(), EDDY_OK);
    must(eddy_waitset_detach_reader(waitset, reader));
    must(eddy_waitset_close(waitset));
    must(eddy_event_close(event));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void until_readable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    check(poll(&wanted, 1, PATIENCE_MS) == 1);
}

/* As an event loop does: looks, and waits on the wait set's descriptor when there is nothing. */
void actor_run_a_loop(void)
{
    points_arm();
    void *found[1];
    size_t count;
    int fd;
    eddy_waitset *waitset;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "elsewhere", NULL);
    eddy_reader *reader = open_reader(domain, "elsewhere", NULL);
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_EDGE, reader));
    must(eddy_waitset_fd(waitset, &fd));
    for (uint64_t i = 0; i < 2; i++) {
        wait_for_all(waitset, EDDY_POLL, EDDY_EAGAIN);
        payload_publish(writer, 100, 1, i);
        do
            until_readable(fd);
        while (eddy_waitset_wait(waitset, EDDY_POLL, found, 1, &count) == EDDY_EAGAIN);
    }
    must(eddy_waitset_close(waitset));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}
