/* checker.c - starts a tracer and checks its trace while it is being written: the consumer.
 *
 *   create the ring -> start the tracer -> take, give to a worker ... -> how it ended
 *   worker: check in place -> release, in any order
 *
 * All that can become of a tracer comes out of eddy_ring_take: the next chunk, or that it finished,
 * crashed, or is gone.  Nobody has to look after the process meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "must.h"
#include "options.h"
#include "workers.h"

#include <eddy/eddy.h>
#include <eddy/ring.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MILLISECOND   UINT64_C(1000000)
#define LOOK          (100 * MILLISECOND) /* how long a take waits before it says so */
#define STALLED_LOOKS 3                   /* then a stopped tracer may go on */

struct session {
    struct options options;
    eddy_ring *ring;
    struct workers *workers;
    pid_t tracer;
    uint64_t killed_at;
    bool stopped;
    unsigned looks; /* in vain, since then */
};

/* What --kill and --stall do, while the first chunk is still in nobody's hands: the tracer cannot
 * have come to its end. */
static void strike(struct session *session)
{
    if (session->options.misfortune == KILL) {
        printf("killing the tracer\n");
        session->killed_at = eddy_now();
        child_kill(session->tracer);
    } else if (session->options.misfortune == STALL) {
        child_stop(session->tracer);
        session->stopped = true;
        printf("the tracer is stopped\n");
    }
}

/* Nothing came for a while.  False: nothing will, as the tracer ended before it had attached. */
static bool look_around(struct session *session)
{
    char how[64];
    struct eddy_ring_info info;
    must(eddy_ring_describe(session->ring, &info));
    if (info.producer_pid == 0 && child_ended(session->tracer, false, how, sizeof how)) {
        printf("the tracer never came: %s\n", how);
        return false;
    }
    if (session->stopped) {
        printf("no chunk for %u ms, the tracer is %s\n", (unsigned)(LOOK / MILLISECOND),
               eddy_ring_peer_alive(session->ring) ? "alive" : "gone");
        if (++session->looks == STALLED_LOOKS) {
            printf("the tracer goes on\n");
            session->stopped = false;
            child_continue(session->tracer);
        }
    }
    return true;
}

/* Hands out chunks until there are no more; what eddy_ring_take said then. */
static int consume(struct session *session)
{
    struct eddy_chunk chunk;
    for (;;) {
        int result = eddy_ring_take(session->ring, eddy_deadline(LOOK), &chunk);
        if (result == EDDY_ETIMEDOUT) {
            if (!look_around(session))
                return EDDY_EPEERGONE;
        } else if (result == EDDY_OK) {
            if (chunk.sn == 1)
                strike(session);
            workers_give(session->workers, &chunk);
        } else {
            return result;
        }
    }
}

static void tell_crash(const struct session *session)
{
    static const char *const operations[] = {"something unknown", "a read", "a write", "a jump"};
    struct eddy_crash crash;
    must(eddy_ring_crash(session->ring, &crash));
    int operation = crash.operation >= 0 && crash.operation <= 3 ? crash.operation : 0;
    printf("the tracer crashed: signal %d (%s), %s at address 0x%" PRIx64 "\n", crash.signal,
           crash.signal ? strsignal(crash.signal) : "it died as it was about to say",
           operations[operation], crash.address);
    if (crash.signal == SIGBUS)
        printf("  is %s on a file system that is full?\n", eddy_ring_object(session->ring));
}

/* Returns whether it is what the options asked for. */
static bool tell_end(const struct session *session, int end)
{
    enum misfortune misfortune = session->options.misfortune;
    switch (end) {
    case EDDY_EFINISHED:
        printf("the tracer finished\n");
        return misfortune == NONE || misfortune == STALL;
    case EDDY_ECRASHED:
        tell_crash(session);
        return misfortune == CRASH;
    case EDDY_EPEERGONE:
        printf("the tracer is gone without a word\n");
        if (misfortune == KILL)
            printf("  known %.1f ms after it was killed\n",
                   (double)(eddy_now() - session->killed_at) / 1e6);
        return misfortune == KILL;
    default:
        must_be_done(end, "eddy_ring_take");
        return false;
    }
}

/* The chunk in which a tracer dies is never published; of a finished trace all steps are there. */
static bool tell_result(const struct session *session, int end)
{
    struct machine_state start;
    uint64_t steps = session->options.rounds * MACHINE_ROUND + 1;
    machine_start(&start, session->options.rounds, session->options.misfortune == CRASH);
    struct workers_result result = workers_end(session->workers, &start);
    if (end == EDDY_EFINISHED && result.steps != steps) {
        printf("%" PRIu64 " steps were due\n", steps);
        result.correct = false;
    }
    printf(
        "%" PRIu64 " chunks, %" PRIu64 " steps, %s; %" PRIu64 " chunks released after newer ones\n",
        result.chunks, result.steps, result.correct ? "all correct" : "NOT correct", result.late);
    return result.correct;
}

static void create_ring(struct session *session, eddy_domain *domain, const char *name)
{
    const struct eddy_ring_options options = {.slot_bytes = session->options.slot_bytes,
                                              .slots = session->options.slots,
                                              .flags = EDDY_RING_SPARSE,
                                              .role = EDDY_RING_CONSUMER};
    struct eddy_ring_info info;
    must(eddy_ring_create(domain, name, &options, &session->ring));
    must(eddy_ring_describe(session->ring, &info));
    printf("%s: %" PRIu32 " slots of %" PRIu64 " bytes\n", eddy_ring_object(session->ring),
           info.slots, info.slot_bytes);
}

int main(int argc, char **argv)
{
    struct session session = {.options = options_parse(argc, argv)};
    const struct options *options = &session.options;
    char name[32], how[64];
    eddy_domain *domain = NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(name, sizeof name, "trace-%d", (int)getpid());
    must(eddy_domain_open(NULL, &domain));
    create_ring(&session, domain, name);
    session.tracer = child_start(name, options->rounds, options->misfortune == CRASH);
    session.workers = workers_start(session.ring, options->workers, options->slots);

    int end = consume(&session);
    bool as_asked = tell_end(&session, end);
    as_asked &= tell_result(&session, end);
    if (child_ended(session.tracer, true, how, sizeof how))
        printf("the tracer's process: %s\n", how);
    must(eddy_ring_close(session.ring));
    must(eddy_domain_close(domain));
    return as_asked ? EXIT_SUCCESS : EXIT_FAILURE;
}
