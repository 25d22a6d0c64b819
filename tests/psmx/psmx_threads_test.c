/* psmx_threads_test.c - readers and writers come and go while data flows; loans are given back by any
 * thread, also when reader, writer and domain are gone.  Also under ThreadSanitizer.
 *
 * Two domains of this process, of which the one hears what the other writes; standin.h is DDS.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "standin.h"

#include "support/world.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DOMAINS = 2,
    TOPICS = 3,
    AUTHORS = 1 << 16,
    LOANS = 64,
    STEADY = 3000,
    LARGE = 100000,
    PAST = 4
};

struct payload {
    uint64_t author, number, size; /* and bytes, each the number's last */
};

/* What somebody has seen of each author. */
struct seen {
    bool must_see_all;
    bool is_late; /* it begins anywhere */
    _Atomic uint64_t samples;
    uint64_t last[AUTHORS];
};

static struct standin_domain *domains[DOMAINS];
static _Atomic uint32_t authors;
static atomic_bool ends;
static _Atomic(struct psmx_loan *) elsewhere[LOANS]; /* some other thread gives them back */
static _Atomic(struct standin_reader *) victims[DOMAINS];
static uint64_t seed;

/* --- chance ----------------------------------------------------------------------------------- */

static _Thread_local uint64_t chance;

static void begin_chance(uint64_t number)
{
    chance = (seed + number) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static uint32_t below(uint32_t bound)
{
    if (chance == 0) /* a thread of the plug-in */
        begin_chance(5000);
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)(chance >> 32) % bound;
}

static const char *some_topic(void)
{
    static const char *const names[TOPICS] = {"one", "two", "three"};
    return names[below(TOPICS)];
}

/* A quarter is what waits for its readers. */
static struct psmx_qos some_qos(void)
{
    static const char *const partitions[] = {NULL, "p", "p,q", "q,,p"};
    struct psmx_qos qos = {.is_reliable = below(3) > 0,
                           .keeps_all = below(2) == 0,
                           .depth = (int32_t)(1 + below(20)),
                           .blocking = 20000000,
                           .limit = below(4) == 0 ? 8 : 0,
                           .kept = below(3) == 0 ? (int32_t)(1 + below(6)) : 0,
                           .partition = partitions[below(4)]};
    /* Writers in several neither wait nor keep. */
    if (qos.partition != NULL && strchr(qos.partition, ',') != NULL) {
        qos.keeps_all = qos.keeps_all && !qos.is_reliable;
        qos.kept = 0;
    }
    return qos;
}

/* --- loans ------------------------------------------------------------------------------------ */

/* One in two at once, the others by whoever comes to their place next. */
static void give_back(struct psmx_loan *loan)
{
    if (below(2) == 0)
        loan = atomic_exchange(&elsewhere[below(LOANS)], loan);
    if (loan != NULL)
        standin_free(loan);
}

static void give_all_back(void)
{
    for (size_t i = 0; i < LOANS; i++) {
        struct psmx_loan *loan = atomic_exchange(&elsewhere[i], NULL);
        if (loan != NULL)
            standin_free(loan);
    }
    standin_sweep();
}

static void *sweep(void *unused)
{
    (void)unused;
    begin_chance(1000);
    while (!atomic_load(&ends)) {
        standin_sweep();
        struct psmx_loan *loan = atomic_exchange(&elsewhere[below(LOANS)], NULL);
        if (loan != NULL)
            standin_free(loan);
    }
    return NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void look_at(struct seen *seen, const struct psmx_loan *loan)
{
    struct payload payload;
    memcpy(&payload, loan->data, sizeof payload);
    same(payload.size, loan->metadata->size);
    check(payload.author < AUTHORS);
    const unsigned char *bytes = loan->data;
    for (uint64_t i = sizeof payload; i < payload.size; i += 61)
        same(bytes[i], payload.number & 0xff);
    uint64_t *last = &seen->last[payload.author];
    if (seen->must_see_all && !(seen->is_late && *last == 0))
        same(payload.number, *last + 1);
    else
        check(payload.number > *last);
    *last = payload.number;
    atomic_fetch_add(&seen->samples, 1);
}

static void take_all(struct standin_reader *reader, void *argument)
{
    for (struct psmx_loan *loan; (loan = standin_take(reader)) != NULL;) {
        look_at(argument, loan);
        give_back(loan);
    }
}

/* The listener closes another reader of its own domain. */
static void take_all_and_close_another(struct standin_reader *reader, void *argument)
{
    struct standin_reader *victim = atomic_exchange(&victims[*(unsigned *)argument], NULL);
    if (victim != NULL)
        standin_reader_close(victim);
    for (struct psmx_loan *loan; (loan = standin_take(reader)) != NULL;)
        give_back(loan);
}

static void read_a_while(struct standin_domain *domain, struct seen *seen)
{
    struct psmx_qos qos = some_qos();
    bool listens = below(3) > 0;
    struct standin_reader *reader =
        standin_reader_open(domain, some_topic(), &qos, listens ? take_all : NULL, seen);
    check(reader != NULL);
    uint64_t end = eddy_deadline(below(20) * MILLISECOND);
    while (eddy_now() < end && !atomic_load(&ends)) {
        struct psmx_loan *loan = listens ? NULL : standin_take(reader);
        if (loan != NULL)
            give_back(loan);
        sched_yield();
    }
    standin_reader_close(reader);
}

static void *read_on_and_on(void *number)
{
    unsigned domain = (unsigned)(uintptr_t)number % DOMAINS;
    begin_chance((uintptr_t)number);
    while (!atomic_load(&ends)) {
        struct seen *seen = calloc(1, sizeof *seen);
        read_a_while(domains[domain], seen);
        free(seen);
    }
    return NULL;
}

/* Readers that are there to be closed by somebody's listener. */
static void *offer_victims(void *number)
{
    unsigned domain = (unsigned)(uintptr_t)number % DOMAINS;
    begin_chance(2000 + domain);
    struct psmx_qos qos = {.is_reliable = true, .keeps_all = true};
    struct standin_reader *closer =
        standin_reader_open(domains[domain], "one", &qos, take_all_and_close_another, &domain);
    while (!atomic_load(&ends)) {
        struct standin_reader *more =
            standin_reader_open(domains[domain], some_topic(), &qos, NULL, NULL);
        more = atomic_exchange(&victims[domain], more);
        if (more != NULL)
            standin_reader_close(more);
        uint64_t end = eddy_deadline(5 * MILLISECOND);
        while (atomic_load(&victims[domain]) != NULL && eddy_now() < end)
            sched_yield();
    }
    standin_reader_close(closer);
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int32_t write_one(struct standin_writer *writer, uint64_t author, uint64_t number,
                         uint32_t size, bool is_raw)
{
    struct payload payload = {author, number, size};
    struct psmx_loan *loan = standin_loan(writer, size);
    check(loan != NULL);
    memset(loan->data, (int)(number & 0xff), size + PAST); /* as rmw_cyclonedds does */
    memcpy(loan->data, &payload, sizeof payload);
    return standin_write(writer, loan, is_raw);
}

static void write_a_while(struct standin_domain *domain)
{
    struct psmx_qos qos = some_qos();
    struct standin_writer *writer = standin_writer_open(domain, some_topic(), &qos);
    uint32_t author = atomic_fetch_add(&authors, 1) % AUTHORS, most = 1 + below(40);
    check(writer != NULL);
    for (uint64_t number = 1; number <= most; number++) {
        uint32_t size = (uint32_t)sizeof(struct payload) + below(below(20) == 0 ? LARGE : 2000);
        if (below(8) == 0)
            give_back(standin_loan(writer, size)); /* also when the writer is gone */
        int32_t result = write_one(writer, author, number, size, below(2) == 0);
        check(result == PSMX_OK || result == PSMX_TIMEOUT);
    }
    standin_writer_close(writer);
}

static void *write_on_and_on(void *number)
{
    begin_chance((uintptr_t)number);
    while (!atomic_load(&ends))
        write_a_while(domains[(uintptr_t)number % DOMAINS]);
    return NULL;
}

/* --- the steady ones -------------------------------------------------------------------------- */

enum { KEPT = 4 };

static const struct psmx_qos steady = {
    .is_reliable = true, .keeps_all = true, .blocking = INT64_C(20000000000), .kept = KEPT};
static _Atomic uint64_t steadily;                   /* what has been written */
static atomic_uint late_ones, last_late = UINT_MAX; /* who have come late; how many are to */

static void *write_steadily(void *unused)
{
    (void)unused;
    begin_chance(3000);
    struct standin_writer *writer = standin_writer_open(domains[0], "steady", &steady);
    for (uint64_t number = 1; number <= STEADY; number++) {
        same(write_one(writer, 0, number, 64, number % 3 > 0), PSMX_OK);
        atomic_store(&steadily, number);
    }
    /* Two more: one of them has come when all was written.  Then no more, as the writer takes what it
     * keeps with it. */
    unsigned last = atomic_load(&late_ones) + 2;
    atomic_store(&last_late, last);
    while (atomic_load(&late_ones) < last)
        sched_yield();
    standin_writer_close(writer);
    return NULL;
}

/* Readers that come late get what is kept, and go on with what comes, without gap or repetition. */
static void *come_late(void *unused)
{
    (void)unused;
    begin_chance(4000);
    while (atomic_load(&late_ones) < atomic_load(&last_late)) {
        struct seen *seen = calloc(1, sizeof *seen);
        seen->must_see_all = seen->is_late = true;
        uint64_t before = atomic_load(&steadily), enough = before < KEPT ? before : KEPT;
        struct standin_reader *reader =
            standin_reader_open(domains[1], "steady", &steady, take_all, seen);
        uint64_t hung = patience();
        while (atomic_load(&seen->samples) < enough) {
            check(eddy_now() < hung);
            sched_yield();
        }
        standin_reader_close(reader);
        check(seen->last[0] >= before);
        free(seen);
        atomic_fetch_add(&late_ones, 1);
    }
    return NULL;
}

/* --- all together ----------------------------------------------------------------------------- */

static unsigned milliseconds(void)
{
    return getenv("EDDY_LONG") ? 60000 : 1500;
}

static void open_domains(void)
{
    int32_t result;
    for (size_t i = 0; i < DOMAINS; i++) {
        domains[i] = standin_domain_open(7, "LIMIT=64M;\0INSTANCE_NAME=eddy;\0", &result);
        check(domains[i] != NULL);
    }
}

static void all_comes_and_goes(void **state)
{
    (void)state;
    static void *(*const lives[])(void *) = {write_on_and_on, write_on_and_on, read_on_and_on,
                                             read_on_and_on,  offer_victims,   offer_victims,
                                             sweep,           write_steadily,  come_late};
    enum { LIVES = sizeof lives / sizeof *lives };
    static struct seen seen = {.must_see_all = true};
    pthread_t threads[LIVES];
    open_domains();
    atomic_store(&standin_lag, 2);
    struct standin_reader *reader =
        standin_reader_open(domains[1], "steady", &steady, take_all, &seen);
    for (size_t i = 0; i < LIVES; i++)
        check(pthread_create(&threads[i], NULL, lives[i], (void *)i) == 0);
    uint64_t end = eddy_deadline(milliseconds() * MILLISECOND), hung = patience();
    while (eddy_now() < end || atomic_load(&seen.samples) < STEADY) {
        check(eddy_now() < hung || eddy_now() < end);
        sched_yield();
    }
    atomic_store(&ends, true);
    for (size_t i = 0; i < LIVES; i++)
        check(pthread_join(threads[i], NULL) == 0);
    for (size_t i = 0; i < DOMAINS; i++)
        if (victims[i] != NULL)
            standin_reader_close(victims[i]);
    standin_reader_close(reader);
    same(seen.samples, STEADY);
    printf("%u writers\n", (unsigned)authors);
    for (size_t i = 0; i < DOMAINS; i++)
        standin_domain_close(domains[i]);
    give_all_back();
}

/* --- its threads ------------------------------------------------------------------------------ */

/* What of a thread's status stands behind `name`; "": nothing. */
static void status_of(const char *task, const char *name, char value[64])
{
    char path[300], line[128];
    size_t length = strlen(name);
    value[0] = '\0';
    snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
    FILE *status = fopen(path, "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, name, length) == 0)
            snprintf(value, 64, "%.*s", (int)strcspn(line + length, "\n"), line + length);
    }
    if (status != NULL)
        fclose(status);
}

/* All but those that cannot be blocked, SIGKILL, SIGSTOP, and the two that libc keeps for itself. */
static void signals_are_left_to_the_program(void **state)
{
    (void)state;
    const uint64_t never = UINT64_C(1) << 8 | UINT64_C(1) << 18 | UINT64_C(3) << 31;
    char value[64];
    unsigned count = 0;
    open_domains();
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        status_of(task->d_name, "Name:\t", value);
        if (strcmp(value, "eddy-psmx") != 0)
            continue;
        count++;
        status_of(task->d_name, "SigBlk:\t", value);
        same(strtoull(value, NULL, 16) | never, UINT64_MAX);
    }
    if (tasks != NULL)
        closedir(tasks);
    same(count, DOMAINS);
    for (size_t i = 0; i < DOMAINS; i++)
        standin_domain_close(domains[i]);
}

/* --- what it says ----------------------------------------------------------------------------- */

static char heard[1100];

static void hear(void *context, enum eddy_log_level level, const char *text)
{
    (void)context;
    if (level == EDDY_LOG_ERROR)
        snprintf(heard, sizeof heard, "%s", text);
}

static void the_call_back_of_the_program_hears_the_plug_in(void **state)
{
    (void)state;
    int32_t result;
    must(eddy_log_set(hear, NULL, EDDY_LOG_ERROR));
    check(standin_domain_open(9, "\x1bWRONG=1;", &result) == NULL);
    must(eddy_log_set(NULL, NULL, EDDY_LOG_NONE));
    check(strstr(heard, "option \\x1bWRONG: ") != NULL);
}

int main(void)
{
    const char *given = getenv("EDDY_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : eddy_now() % 1000000007;
    printf("seed %llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_call_back_of_the_program_hears_the_plug_in),
        WORLD_TEST(all_comes_and_goes),
        WORLD_TEST(signals_are_left_to_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
