/* A process forks while its threads are anywhere in the library: the child can use it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS    150
#define HANGS_MS 10000

static atomic_bool over;

/* Names, chunks with user headers, and what is told to people. */
static void use_everything(void)
{
    char name[32];
    void *payload;
    (void)iox_runtime_get_instance_name(name, sizeof name);
    iox_pub_t pub = pub_open("e", 0);
    same(iox_pub_loan_aligned_chunk_with_user_header(pub, &payload, 8, 8, 16, 8),
         AllocationResult_SUCCESS);
    check(iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(payload)) != NULL);
    iox_pub_release_chunk(pub, payload);
    iox_pub_deinit(pub);
}

static void attach_and_detach(void)
{
    iox_listener_storage_t storage;
    iox_listener_t listener = iox_listener_init(&storage);
    iox_sub_t sub = sub_open("e", 1, 0);
    (void)iox_listener_attach_subscriber_event(listener, sub, SubscriberEvent_DATA_RECEIVED, NULL);
    iox_sub_deinit(sub);
    iox_listener_deinit(listener);
}

static void *use_all_the_time(void *what)
{
    void (*use)(void) = *(void (**)(void))what;
    while (!atomic_load(&over)) {
        use();
    }
    return NULL;
}

static void child_uses_it(int wire, void *unused)
{
    (void)wire, (void)unused;
    iox_runtime_init("child");
    use_everything();
    attach_and_detach();
    _exit(0); /* no look for leaks: what the parent's threads had is nobody's here */
}

static void a_child_can_use_the_library(void)
{
    void (*uses[])(void) = {use_everything, attach_and_detach, use_everything};
    pthread_t threads[3];
    iox_runtime_init("parent");
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    check(null >= 0 && dup2(null, STDERR_FILENO) >= 0);
    for (int i = 0; i < 3; i++) {
        check(pthread_create(&threads[i], NULL, use_all_the_time, &uses[i]) == 0);
    }
    for (int i = 0; i < FORKS; i++) {
        bool hung = false;
        struct child child = child_start(child_uses_it, NULL);
        int status = child_status(&child, HANGS_MS, &hung);
        check(!hung);
        same(status, 0);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 3; i++) {
        check(pthread_join(threads[i], NULL) == 0);
    }
}

int main(void)
{
    static const struct bench_test tests[] = {ALONE(a_child_can_use_the_library)};
    return BENCH_RUN(tests);
}
