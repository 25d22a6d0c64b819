/* channel.c - one way from one process to another, for large chunks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include "pair.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LAST          (UINT64_C(1) << 62) /* in a number: the last of a slice; pair.c has bit 63 */
#define AFTER_WARM_UP 3u                  /* chunks at least that are timed */

enum phase { WARMING = 0, TIMING = 1, ENDING = 2 };

struct cost {
    double cpu_us;
    double faults;
    double preempted; /* times that others took the core away */
};

struct control {
    _Alignas(128) _Atomic uint32_t turn;  /* slices begun */
    _Alignas(128) _Atomic uint32_t phase; /* of this slice */
    _Alignas(128) _Atomic uint32_t done;  /* processes that are set up, or through with the slice */
    _Alignas(128) _Atomic uint32_t quit;
    uint64_t sent; /* in this slice, warm-up included */
    struct cost costs[2];
    uint64_t timed, ticks; /* chunks, and from the release before the first to that of the last */
};

static const struct channel_transport *transport;
static struct channel_shape shape;
static struct control *control;
static struct cost first_lap;

static struct channel *channel_new(void)
{
    struct channel *channel = calloc(1, transport->bytes);
    if (!channel) {
        bench_fail("no memory");
    }
    return channel;
}

static void channel_share(struct channel *channel, unsigned number)
{
    shape.number = number;
    if (transport->share) {
        transport->share(channel, &shape);
    }
}

static void channel_open(struct channel *channel, unsigned number, bool produces)
{
    shape.number = number;
    transport->open(channel, &shape, produces);
}

static void nothing(struct channel *channel)
{
    (void)channel;
}

static void channel_close(struct channel *channel)
{
    (transport->close ? transport->close : nothing)(channel);
}

/* --- one after the other ---------------------------------------------------------------------- */

static struct cost cost_now(void)
{
    struct timespec t;
    struct rusage usage;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    getrusage(RUSAGE_SELF, &usage);
    return (struct cost){.cpu_us = (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3,
                         .faults = (double)usage.ru_minflt,
                         .preempted = (double)usage.ru_nivcsw};
}

static void cost_since(struct cost before, struct cost *spent)
{
    struct cost now = cost_now();
    *spent = (struct cost){.cpu_us = now.cpu_us - before.cpu_us,
                           .faults = now.faults - before.faults,
                           .preempted = now.preempted - before.preempted};
}

static enum phase phase_now(void)
{
    /* relaxed: a hint, looked at again with the next chunk. */
    return (enum phase)atomic_load_explicit(&control->phase, memory_order_relaxed);
}

/* A channel may hold `slots` chunks more than the consumer has timed: so many more are sent. */
static uint64_t send_all(struct channel *channel)
{
    uint64_t sent = 0, due = 0;
    for (bool last = false; !last; sent++) {
        enum phase phase = phase_now();
        if (phase == WARMING) {
            due = sent + shape.slots + AFTER_WARM_UP;
        }
        last = phase == ENDING && sent >= due && sent >= shape.slots;
        transport->send(channel, last ? sent | LAST : sent);
    }
    return sent;
}

static void receive_all(struct channel *channel)
{
    void (*release)(struct channel *) = transport->release ? transport->release : nothing;
    uint64_t begin = 0, before_timing = 0;
    bool last = false;
    for (uint64_t count = 0; !last; count++) {
        uint64_t seq = transport->receive(channel);
        release(channel);
        last = seq & LAST;
        if ((seq & ~LAST) != count) {
            bench_fail("chunk %llu came where %llu was due", (unsigned long long)(seq & ~LAST),
                       (unsigned long long)count);
        }
        if (begin == 0 && phase_now() != WARMING) {
            begin = bench_ticks();
            before_timing = count;
        }
        if (last) {
            control->ticks = bench_ticks() - begin;
            control->timed = count - before_timing;
        }
    }
}

static void side_run(struct channel *channel, bool produces)
{
    for (uint32_t turn = 0;; turn++) {
        bench_sleep_while(&control->turn, turn);
        if (atomic_load(&control->quit)) {
            return;
        }
        struct cost before = cost_now();
        if (produces) {
            control->sent = send_all(channel);
        } else {
            receive_all(channel);
        }
        cost_since(before, &control->costs[produces]);
        atomic_fetch_add(&control->done, 1);
    }
}

static void side_start(struct channel *channel, bool produces)
{
    if (bench_fork() != 0) {
        return;
    }
    channel_open(channel, 0, produces);
    bench_pin(!produces); /* only now: see pair.c */
    atomic_fetch_add(&control->done, 1);
    side_run(channel, produces);
    channel_close(channel);
    exit(0);
}

/* Waits for both sides; one that fails has said why, unless it was killed. */
static void gather(void)
{
    int status;
    while (atomic_load(&control->done) != 2) {
        if (waitpid(-1, &status, WNOHANG) > 0) {
            if (WIFSIGNALED(status)) {
                bench_fail("a side was killed by signal %d (9: perhaps for want of memory)",
                           WTERMSIG(status));
            }
            _exit(1);
        }
        usleep(1000);
    }
    atomic_store(&control->done, 0);
}

static void turn_begin(enum phase phase)
{
    atomic_store(&control->phase, phase);
    atomic_fetch_add(&control->turn, 1);
    bench_wake(&control->turn);
}

/* For one chunk; preempted: in all. */
static struct cost cost_of_both(void)
{
    const struct cost *costs = control->costs;
    double chunks = (double)control->sent;
    return (struct cost){.cpu_us = (costs[0].cpu_us + costs[1].cpu_us) / chunks,
                         .faults = (costs[0].faults + costs[1].faults) / chunks,
                         .preempted = costs[0].preempted + costs[1].preempted};
}

static void stream_slice(void *context, unsigned milliseconds)
{
    (void)context;
    turn_begin(WARMING);
    usleep(milliseconds * 100); /* warms up for a tenth */
    atomic_store(&control->phase, TIMING);
    usleep(milliseconds * 900);
    atomic_store(&control->phase, ENDING);
    gather();
    struct cost cost = cost_of_both();
    double ns = (double)control->ticks / bench_ticks_per_ns() / (double)control->timed;
    printf("{\"ns\": %.2f, \"chunks_per_s\": %.4f, \"bytes_per_s\": %.0f, \"cpu_us\": %.4f, "
           "\"faults\": %.4f, \"first_faults\": %.1f, \"preempted\": %.0f}\n",
           ns, 1e9 / ns, 1e9 / ns * (double)shape.size, cost.cpu_us, cost.faults, first_lap.faults,
           cost.preempted);
    fflush(stdout);
}

/* Every slot once; a chunk more than there are slots is sent. */
static void run_first_lap(void)
{
    turn_begin(ENDING);
    gather();
    first_lap = cost_of_both();
}

static int stream_run(void)
{
    struct channel *channel = channel_new();
    control = bench_share(sizeof *control);
    channel_share(channel, 0);
    side_start(channel, false);
    side_start(channel, true);
    gather();
    run_first_lap();
    bench_serve(stream_slice, NULL);
    atomic_store(&control->quit, 1);
    turn_begin(ENDING);
    while (wait(NULL) > 0) {
    }
    return 0;
}

/* --- ping-pong -------------------------------------------------------------------------------- */

static struct channel *ends[2], *out, *in;

static void both_share(size_t size)
{
    (void)size;
    for (unsigned i = 0; i < 2; i++) {
        ends[i] = channel_new();
        channel_share(ends[i], i);
    }
}

static void both_open(const struct pair_side *side)
{
    in = ends[side->is_ping];
    out = ends[!side->is_ping];
    channel_open(in, side->is_ping, false);
    channel_open(out, !side->is_ping, true);
}

static void out_send(uint64_t seq)
{
    transport->send(out, seq);
}

static uint64_t in_receive(void)
{
    return transport->receive(in);
}

static void in_release(void)
{
    (transport->release ? transport->release : nothing)(in);
}

static void both_close(void)
{
    channel_close(out);
    channel_close(in);
}

static int pingpong_run(char **argv)
{
    static const struct pair_transport pair = {
        .share = both_share,
        .open = both_open,
        .send = out_send,
        .receive = in_receive,
        .release = in_release,
        .close = both_close,
    };
    char *of_pair[] = {argv[0], argv[2], argv[4], NULL};
    return pair_run(&pair, 3, of_pair);
}

int channel_run(const struct channel_transport *of, int argc, char **argv)
{
    bool streams = argc == 5 && strcmp(argv[1], "stream") == 0;
    if (!streams && (argc != 5 || strcmp(argv[1], "pingpong") != 0)) {
        fprintf(stderr, "usage: %s stream|pingpong SIZE SLOTS MODE\n", argv[0]);
        return 2;
    }
    transport = of;
    shape.size = bench_size(argv[2]);
    shape.slots = (unsigned)strtoul(argv[3], NULL, 10);
    shape.mode = argv[4];
    if (shape.slots < 1) {
        bench_fail("%s: give at least one slot", argv[3]);
    }
    return streams ? stream_run() : pingpong_run(argv);
}
