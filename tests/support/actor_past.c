/* actor_past.c - roles of actor.h: opening, taking back, clearing away.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "actor_roles.h"

#include "payload.h"
#include "thread.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGE = 1 << 20, LARGE_ONES = 4 };

/* Room for so many large ones. */
static const struct eddy_writer_options narrow_writing = {.limit_bytes =
                                                              LARGE_ONES * LARGE + LARGE / 2};

/* --- opening, taking back, clearing away ----------------------------------------------------- */

/* Leaves a dead writer's loans and a dead reader's samples to be reaped. */
static void hold_all(void)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "points", &actor_writing);
    eddy_reader *reader = open_reader(
        domain, "points",
        &(struct eddy_reader_options){.history = UINT32_MAX, .blob = "holds", .blob_size = 5});
    struct eddy_loan loan;
    struct eddy_sample sample;
    for (int i = 0; i < 3; i++) {
        must(eddy_writer_loan(writer, 200, patience(), &loan));
        int error = eddy_reader_take(reader, &sample);
        check(error == EDDY_OK || error == EDDY_EAGAIN);
    }
    kill(getpid(), SIGKILL);
}

static void open_and_die(void)
{
    eddy_domain *domain = open_domain();
    (void)open_writer(domain, "elsewhere", &actor_writing);
    kill(getpid(), SIGKILL);
}

/* Finds a topic whose users are all dead, and none. */
void actor_open_only(void)
{
    struct eddy_topic_identity topic = {
        .name = "elsewhere", .type_text = "a number", .type_text_size = 8};
    eddy_writer *writer;
    actor_let_die("", open_and_die);
    points_arm();
    eddy_domain *domain = open_domain();
    for (int i = 0; i < 2; i++) {
        must(eddy_writer_open(domain, &topic, NULL, &writer));
        eddy_reader *reader = open_reader(domain, "elsewhere", NULL);
        must(eddy_writer_close(writer));
        must(eddy_reader_close(reader));
    }
    must(eddy_domain_close(domain));
}

static pid_t lock_holder;

static void let_go_of_lock(const char *name)
{
    if (strcmp(name, "lock:busy") == 0 && lock_holder) {
        kill(lock_holder, SIGKILL);
        waitpid(lock_holder, NULL, 0);
        lock_holder = 0;
    }
    points_arrive(name);
}

/* Somebody else has the lock of the topic, and dies with it. */
void actor_open_in_turn(void)
{
    eddy_domain *domain = open_domain();
    lock_holder = actor_start_other("open:found", STOP, open_and_die);
    check(waitpid(lock_holder, NULL, WUNTRACED) == lock_holder);
    eddy_point_hook = let_go_of_lock;
    must(eddy_writer_close(open_writer(domain, "elsewhere", NULL)));
    must(eddy_domain_close(domain));
}

void actor_reap(void)
{
    struct eddy_gc_report report;
    actor_let_die("", hold_all);
    points_arm();
    must(eddy_gc(NULL, &report));
    eddy_domain *domain = open_domain();
    must(eddy_writer_close(open_writer(domain, "points", &actor_writing)));
    must(eddy_domain_close(domain));
}

/* Leaves a topic all of whose room is the dead's: pinned, kept, and on loan. */
static void hold_the_room(void)
{
    struct eddy_writer_options keeping = narrow_writing;
    struct eddy_reader *reader;
    struct eddy_sample sample;
    struct eddy_loan loan;
    keeping.history = 1;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "room", &keeping);
    reader = open_reader(domain, "room", &(struct eddy_reader_options){.depth = 8});
    for (uint64_t i = 0; i < 2; i++) {
        payload_publish(writer, LARGE, 1, i);
        must(eddy_reader_take(reader, &sample));
    }
    while (eddy_writer_loan(writer, LARGE, EDDY_POLL, &loan) == EDDY_OK)
        continue;
    kill(getpid(), SIGKILL);
}

/* What it collects cannot be mapped meanwhile. */
static void collect_without_room(void)
{
    unsigned long pages = 0;
    struct rlimit before, limit;
    FILE *file = fopen("/proc/self/statm", "re");
    check(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    check(getrlimit(RLIMIT_AS, &before) == 0);
    limit = (struct rlimit){(rlim_t)pages * 4096 + LARGE * 7 / 2, before.rlim_max};
    check(SANITIZED || setrlimit(RLIMIT_AS, &limit) == 0); /* sanitizers map a lot themselves */
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    check(setrlimit(RLIMIT_AS, &before) == 0);
}

void actor_claim_past_the_dead(void)
{
    struct eddy_loan loan;
    unsigned count = 0;
    uint64_t deadline = patience();
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "room", &narrow_writing);
    actor_let_die("", hold_the_room);
    points_arm();
    while (count < LARGE_ONES && eddy_now() < deadline)
        count += eddy_writer_loan(writer, LARGE, EDDY_POLL, &loan) == EDDY_OK;
    same(count, LARGE_ONES);
    collect_without_room();
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* Finds a block whose memory was there, and not all of its slots, when its maker died. */
void actor_reap_half_a_block(void)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "elsewhere", NULL);
    actor_let_die("block:spread", actor_grow_elsewhere);
    points_arm();
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* Gives back what nobody uses any more: a block of many slots, and one of one. */
void actor_trim(void)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "elsewhere", NULL);
    eddy_writer *writer = open_writer(domain, "elsewhere", NULL);
    uint64_t bytes;
    for (uint64_t i = 0; i < 4; i++) {
        payload_publish(writer, i % 2 ? 5000 : 70000, 1, i);
        payload_take(reader);
    }
    must(eddy_writer_close(writer));
    points_arm();
    must(eddy_topic_trim(domain, eddy_reader_flink(reader), &bytes));
    check(bytes > 0);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* Memory ahead of need, some of which is there already; and a loan that is not used. */
void actor_reserve(void)
{
    points_arm();
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "elsewhere", NULL);
    struct eddy_loan loan;
    payload_publish(writer, 70000, 1, 0);
    must(eddy_writer_reserve(writer, &(struct eddy_reservation){.size = 70000, .count = 3}));
    must(eddy_writer_loan(writer, 200000, patience(), &loan));
    must(eddy_writer_discard(writer, &loan));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* Alone in a domain of its own, in which somebody died. */
void actor_be_alone(void)
{
    char dir[128];
    snprintf(dir, sizeof dir, "%s/alone", world_dir());
    check(mkdir(dir, 0700) == 0 || access(dir, W_OK) == 0);
    check(setenv("EDDY_DIR", dir, 1) == 0);
    actor_let_die("", open_and_die);
    points_arm();
    eddy_domain *domain = open_domain();
    must(eddy_writer_close(open_writer(domain, "elsewhere", NULL)));
    static eddy_writer *volatile left; /* so that it is in somebody's hands */
    left = open_writer(domain, "elsewhere", NULL);
    check(left != NULL);
    exit(0); /* with the topic open */
}
