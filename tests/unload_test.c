/* unload_test.c - dlclose while a thread and signal handlers of the library are alive.
 *
 * Not linked with Eddy, and so not with what the tests share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <eddy/eddy.h>
#include <eddy/ring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/dev/shm/eddy-test-XXXXXX");
    return mkdtemp(folder) && setenv("EDDY_DIR", folder, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder); /* whoever leaves last has cleared it */
}

static bool is_loaded(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (library)
        dlclose(library);
    return library;
}

static void *look_up(void *library, const char *name)
{
    void *function = dlsym(library, name);
    assert_non_null(function);
    return function;
}

/* What ISO C has no cast for. */
#define FUNCTION(name)                                                                             \
    __typeof__(&eddy_##name) name =                                                                \
        (__typeof__(&eddy_##name))(uintptr_t)look_up(library, "eddy_" #name)

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals = signals + 1;
}

static void a_ring_is_in_use(void **state)
{
    (void)state;
    void *library = dlopen(EDDY_LIBRARY, RTLD_NOW);
    assert_non_null(library);
    FUNCTION(ring_create_sized);
    FUNCTION(ring_attach_sized);
    FUNCTION(ring_watch_crashes);
    FUNCTION(ring_take);
    FUNCTION(ring_close);
    FUNCTION(deadline);
    struct eddy_ring_options options = {.slot_bytes = 64, .slots = 2, .role = EDDY_RING_PRODUCER};
    eddy_ring *producer, *consumer;
    struct eddy_chunk chunk;
    signal(SIGFPE, count_signal);
    assert_int_equal(ring_create_sized(NULL, "ring", &options, sizeof options, &producer), 0);
    assert_int_equal(ring_attach_sized(NULL, "ring", EDDY_RING_CONSUMER, NULL, 0, &consumer), 0);
    assert_int_equal(ring_watch_crashes(producer), 0);
    /* Begins a thread that watches the producer. */
    assert_int_equal(ring_take(consumer, deadline(1000000), &chunk), EDDY_ETIMEDOUT);
    assert_int_equal(dlclose(library), 0);
    assert_true(is_loaded(EDDY_LIBRARY));
    raise(SIGFPE);
    assert_int_equal(signals, 1);
    assert_int_equal(ring_close(producer), 0); /* the thread is told, and goes on */
    assert_int_equal(ring_close(consumer), 0);
}

#ifdef STAND_IN_LIBRARY
static int load_and_unload(void)
{
    /* A pointer to the function: the stand-in's own headers may not be there. */
    void *library = dlopen(STAND_IN_LIBRARY, RTLD_NOW);
    void (*init)(const char *) =
        library ? (void (*)(const char *))(uintptr_t)dlsym(library, "iox_runtime_init") : NULL;
    if (!init)
        return 1;
    init("iceoryx_rt_1_2"); /* as Cyclone DDS calls itself: then a thread watches the folder */
    return dlclose(library) == 0 && is_loaded(STAND_IN_LIBRARY) ? 0 : 2;
}

static void the_stand_in_watches_its_folder(void **state)
{
    (void)state;
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        exit(load_and_unload());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ring_is_in_use, set_up, tear_down),
#ifdef STAND_IN_LIBRARY
        cmocka_unit_test_setup_teardown(the_stand_in_watches_its_folder, set_up, tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
