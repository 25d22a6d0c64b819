/* ring_full_test.c - flinks that are none, and file systems that are full.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_flink_may_hold_anything(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "eddy flink 1\n",
        "eddy flink 1\nkind: ring\n",
        "eddy flink 1\nkind: ring\nsegment: 0123\n",
        "eddy flink 1\nkind: slots\nsegment: 0123456789abcdef0123456789abcdef\n",
        "eddy flink 1\nkind: ring\nsegment: ../../../../../../../../../etc/pass\n",
    };
    char path[512];
    struct eddy_ring_options options = {.slot_bytes = 1, .slots = 1};
    eddy_ring *ring;
    world_is_dirty();
    eddy_domain *domain = open_domain();
    snprintf(path, sizeof path, "%s/ring.ring.flink", world_dir());
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *flink = fopen(path, "w");
        check(flink != NULL);
        fputs(texts[i], flink);
        fclose(flink);
        check(chmod(path, 0600) == 0);
        must_fail(eddy_ring_attach(domain, "ring", EDDY_RING_OBSERVER, NULL, &ring), EDDY_EFLINK);
        must_fail(eddy_ring_create(domain, "ring", &options, &ring), EDDY_EFLINK);
    }
    must(eddy_domain_close(domain));
}

/* --- a full file system ---------------------------------------------------------------------- */

static void crowded_process(int wire, void *argument)
{
    struct eddy_ring_options options = {
        .slot_bytes = 1 << 20, .slots = 8, .role = EDDY_RING_CONSUMER};
    eddy_ring *ring;
    (void)wire, (void)argument;
    own_mounts();
    check(mount("eddy-test", world_dir(), "tmpfs", 0, "size=4m,mode=0700") == 0);
    must_fail(eddy_ring_create(NULL, "ring", &options, &ring), EDDY_ENOMEM);
    says("EDDY_DIR");
    options.slots = 2;
    must(eddy_ring_create(NULL, "ring", &options, &ring)); /* nothing was used up */
    eddy_ring *producer = ring_attach("ring", EDDY_RING_PRODUCER);
    char path[512];
    snprintf(path, sizeof path, "%s/ballast", world_dir());
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    while (posix_fallocate(fd, lseek(fd, 0, SEEK_END), 4096) == 0)
        ;
    for (uint64_t i = 0; i < 10; i++) { /* full, and as good as ever */
        ring_publish(producer, 1 << 20, i);
        ring_take_release(ring, i);
    }
}

/* F13 */
static void a_full_file_system_is_an_error_and_not_a_signal(void **state)
{
    (void)state;
    need_mounts();
    struct child child = child_start(crowded_process, NULL);
    child_join(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_flink_may_hold_anything),
        WORLD_TEST(a_full_file_system_is_an_error_and_not_a_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
