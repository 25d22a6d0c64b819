/* Signals that tell of a crash: reported to each ring that is watched, then handled as if nobody
 * had looked.  spec/ring.md, "Crashes"
 *
 * Everything below "the handler" runs in signal handlers: lock-free, and nothing but
 * async-signal-safe calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "transport/ring/ring.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

enum { SIGNALS = sizeof deadly / sizeof *deadly };

/* Of each signal: what was installed before; whether ours is, or was when others came on top. */
static struct sigaction before[SIGNALS];
static bool installed[SIGNALS];

static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* of the two above, and who writes these: */
static _Atomic(struct eddy_ring *) watched;
static _Atomic uint32_t reporting; /* handlers that may be looking at rings */

/* --- what happened --------------------------------------------------------------------------- */

#if defined(__x86_64__)

#define PAGE_FAULT 14
#define BY_WRITE   (1 << 1)
#define BY_FETCH   (1 << 4)

static int operation_of(const ucontext_t *context)
{
    if (context->uc_mcontext.gregs[REG_TRAPNO] != PAGE_FAULT)
        return EDDY_CRASH_UNKNOWN;
    if (context->uc_mcontext.gregs[REG_ERR] & BY_FETCH)
        return EDDY_CRASH_EXECUTE;
    return context->uc_mcontext.gregs[REG_ERR] & BY_WRITE ? EDDY_CRASH_WRITE : EDDY_CRASH_READ;
}

#elif defined(__aarch64__)

#define CLASS(esr)  ((esr) >> 26 & 0x3f)
#define FETCH_ABORT 0x20 /* | 1: from the same level */
#define DATA_ABORT  0x24
#define BY_WRITE    (1ull << 6)

/* The syndrome is in one of the records behind the registers. */
static int operation_of(const ucontext_t *context)
{
    const uint8_t *at = context->uc_mcontext.__reserved;
    const uint8_t *end = at + sizeof context->uc_mcontext.__reserved;
    struct esr_context record;
    for (; at + sizeof record <= end; at += record.head.size) {
        memcpy(&record, at, sizeof record);
        if (record.head.magic == 0 || record.head.size < sizeof record.head)
            break;
        if (record.head.magic != ESR_MAGIC)
            continue;
        if ((CLASS(record.esr) & ~1u) == FETCH_ABORT)
            return EDDY_CRASH_EXECUTE;
        if ((CLASS(record.esr) & ~1u) == DATA_ABORT)
            return record.esr & BY_WRITE ? EDDY_CRASH_WRITE : EDDY_CRASH_READ;
    }
    return EDDY_CRASH_UNKNOWN;
}

#else

static int operation_of(const ucontext_t *context)
{
    (void)context;
    return EDDY_CRASH_UNKNOWN;
}

#endif

/* By the thread's own doing: if it goes on, it happens again. */
static bool is_fault(const siginfo_t *info)
{
    bool lost_memory_elsewhere = info->si_signo == SIGBUS && info->si_code == BUS_MCEERR_AO;
    return info->si_code > 0 && !lost_memory_elsewhere;
}

static struct eddy_crash describe(const siginfo_t *info, const ucontext_t *context)
{
    struct eddy_crash crash = {.signal = info->si_signo};
    bool by_access = info->si_signo == SIGSEGV || info->si_signo == SIGBUS;
    if (info->si_code > 0 && info->si_signo != SIGABRT)
        crash.address = (uintptr_t)info->si_addr;
    if (by_access && is_fault(info))
        crash.operation = operation_of(context);
    return crash;
}

/* --- the handler ----------------------------------------------------------------------------- */

static void report(const struct eddy_crash *crash)
{
    eddy_add_seq(&reporting, 1u); /* [reporting]: now no ring in the list goes away */
    /* from [listed]: what the ring is, and its place in the list */
    for (struct eddy_ring *r = eddy_load_seq(&watched); r; r = eddy_load_seq(&r->watched_next))
        eddy_ring_report_crash(r, crash);
    eddy_sub_release(&reporting, 1u); /* [reported]: all that we did with them */
}

static const struct sigaction *action_before(int number)
{
    for (int i = 0; i < SIGNALS; i++)
        if (deadly[i] == number)
            return &before[i];
    return NULL;
}

static bool is_function(const struct sigaction *a)
{
    return (a->sa_flags & SA_SIGINFO) || (a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN);
}

/* Nobody handles it: what the kernel would have done happens when we return. */
static void let_it_act(int number, const siginfo_t *info)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(number, &plain, NULL);
    if (!is_fault(info))
        raise(number); /* blocked until we return */
}

/* As the kernel would have called it. */
static void call(const struct sigaction *a, int number, siginfo_t *info, ucontext_t *context)
{
    sigset_t mask = context->uc_sigmask;
    for (int n = 1; n < NSIG; n++)
        if (sigismember(&a->sa_mask, n) == 1)
            sigaddset(&mask, n);
    if (!(a->sa_flags & SA_NODEFER))
        sigaddset(&mask, number);
    if (a->sa_flags & (int)SA_RESETHAND)
        sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (a->sa_flags & SA_SIGINFO)
        a->sa_sigaction(number, info, context);
    else
        a->sa_handler(number);
}

/* A signal that is ignored kills nobody, but for a fault, and for abort(), which insists. */
static bool is_deadly(const struct sigaction *a, int number, const siginfo_t *info)
{
    bool ignored = !is_function(a) && a->sa_handler == SIG_IGN;
    bool own = info->si_code == SI_TKILL && info->si_pid == getpid();
    return !ignored || is_fault(info) || (number == SIGABRT && own);
}

static void handle(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    const struct sigaction *a = action_before(number);
    if (is_deadly(a, number, info)) {
        struct eddy_crash crash = describe(info, context);
        report(&crash);
        EDDY_POINT("ring-signal:reported");
    }
    if (is_function(a))
        call(a, number, info, context);
    else if (a->sa_handler == SIG_DFL || is_fault(info))
        let_it_act(number, info);
    errno = saved;
}

/* --- installing ------------------------------------------------------------------------------ */

static bool is_ours(int number)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
           now.sa_sigaction == handle;
}

static void install(void)
{
    /* A fault while we report must kill: so all of them are blocked meanwhile. */
    struct sigaction ours = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&ours.sa_mask, deadly[i]);
    for (int i = 0; i < SIGNALS; i++)
        if (!installed[i]) {
            sigaction(deadly[i], NULL, &before[i]); /* known before ours can run */
            ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (before[i].sa_flags & SA_RESTART);
            installed[i] = sigaction(deadly[i], &ours, NULL) == 0;
        }
}

static void uninstall(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (installed[i] && is_ours(deadly[i])) { /* else somebody came on top, and calls us */
            sigaction(deadly[i], &before[i], NULL);
            installed[i] = false;
        }
}

static int check(const struct eddy_ring *r)
{
    if (eddy_ring_forked(r))
        return eddy_fail_forked();
    if (r->role != EDDY_RING_PRODUCER)
        return eddy_fail(EDDY_EINVAL, "only the producer of ring %s can report a crash", r->id);
    return EDDY_OK;
}

int eddy_ring_watch_crashes(eddy_ring *r)
{
    EDDY_UNCANCELLED;
    int error = check(r);
    if (error)
        return error;
    pthread_mutex_lock(&lock);
    if (!r->is_watched) {
        /* Relaxed, both: under the lock, and handed on by the next. */
        eddy_store_relaxed(&r->watched_next, eddy_load_relaxed(&watched));
        /* [listed]  Seq as what takes a ring off: who then finds no handler relies on the next one
         * to see all of the list as it is, also what came into it before the ring that goes. */
        eddy_store_seq(&watched, r);
        r->is_watched = true;
        install();
    }
    pthread_mutex_unlock(&lock);
    return EDDY_OK;
}

/* Under the lock: so what it reads of the list may be relaxed. */
static void unlist(struct eddy_ring *r)
{
    _Atomic(struct eddy_ring *) *at = &watched;
    while (eddy_load_relaxed(at) != r)
        at = &eddy_load_relaxed(at)->watched_next;
    eddy_store_seq(at, eddy_load_relaxed(&r->watched_next)); /* [listed], then the look */
    /* from [reporting]: who may still have the ring in view; from [reported]: has done with it */
    eddy_await_none(&reporting);
}

void eddy_ring_forget_crashes(struct eddy_ring *r)
{
    pthread_mutex_lock(&lock);
    if (r->is_watched) {
        unlist(r);
        r->is_watched = false;
        if (!eddy_load_relaxed(&watched)) /* under the lock */
            uninstall();
    }
    pthread_mutex_unlock(&lock);
}

int eddy_ring_unwatch_crashes(eddy_ring *r)
{
    EDDY_UNCANCELLED;
    int error = check(r);
    if (!error)
        eddy_ring_forget_crashes(r);
    return error;
}

/* --- fork: the rings are the parent's -------------------------------------------------------- */

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
    /* Relaxed: there is one thread, and those that it starts come after it. */
    eddy_store_relaxed(&watched, NULL);
    eddy_store_relaxed(&reporting, 0u); /* those threads are not here */
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
