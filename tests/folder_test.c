/* folder_test.c - domain folders that will not do, and settings that make no sense.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[128];

static const char *inside(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", world_dir(), name);
    return path;
}

/* The folder is refused, by the option and by the environment; the message names it. */
static void is_refused(const char *dir, int error)
{
    eddy_domain *domain = NULL;
    must_fail(eddy_domain_open(&(struct eddy_domain_options){.dir = dir}, &domain), error);
    check(domain == NULL);
    says(dir);
    setenv("EDDY_DIR", dir, 1);
    must_fail(eddy_domain_open(NULL, &domain), error);
    check(domain == NULL);
    says(dir);
    setenv("EDDY_DIR", world_dir(), 1);
}

static void a_file_is_no_folder(void **state)
{
    (void)state;
    world_is_dirty();
    close(open(inside("file"), O_CREAT | O_WRONLY, 0600));
    is_refused(path, EDDY_EACCES);
}

static void a_symbolic_link_to_a_folder_is_refused(void **state)
{
    (void)state;
    world_is_dirty();
    check(mkdir(inside("folder"), 0700) == 0);
    check(symlink("folder", inside("link")) == 0);
    is_refused(path, EDDY_EACCES);
}

static void a_folder_open_to_others_is_refused(void **state)
{
    (void)state;
    world_is_dirty();
    static const mode_t modes[] = {0777, 0702, 0720, 01777};
    check(mkdir(inside("folder"), 0700) == 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        check(chmod(path, modes[i]) == 0);
        is_refused(path, EDDY_EACCES);
    }
}

static void a_folder_that_others_may_list_is_good(void **state)
{
    (void)state;
    world_is_dirty();
    eddy_domain *listed;
    check(mkdir(inside("folder"), 0700) == 0 && chmod(path, 0755) == 0);
    must(eddy_domain_open(&(struct eddy_domain_options){.dir = path}, &listed));
    must(eddy_domain_close(listed));
}

static void a_strangers_folder_is_refused(void **state)
{
    (void)state;
    world_is_dirty();
    need_others();
    check(mkdir(inside("folder"), 0700) == 0);
    check(chown(path, 65534, 65534) == 0);
    is_refused(path, EDDY_EACCES);
}

static void as_nobody(int wire, void *argument)
{
    (void)wire;
    check(setgid(65534) == 0 && setuid(65534) == 0);
    is_refused(argument, EDDY_EACCES);
}

static void roots_folder_is_refused_to_nobody(void **state)
{
    (void)state;
    world_is_dirty();
    need_others();
    char dir[128];
    check(chmod(world_dir(), 0755) == 0);
    check(mkdir(inside("folder"), 0700) == 0);
    snprintf(dir, sizeof dir, "%s", path);
    struct child child = child_start(as_nobody, dir);
    child_join(&child);
    check(chmod(dir, 0755) == 0);
    child = child_start(as_nobody, dir);
    child_join(&child);
    child = child_start(as_nobody, (void *)(uintptr_t)inside("absent"));
    child_join(&child);
}

static void writes_nothing(int wire, void *argument)
{
    (void)wire;
    check(chown(argument, 65534, 65534) == 0 && chmod(argument, 0500) == 0);
    check(setgid(65534) == 0 && setuid(65534) == 0);
    is_refused(argument, EDDY_EACCES);
}

static void a_folder_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    world_is_dirty();
    need_others(); /* root itself may write anywhere */
    check(chmod(world_dir(), 0755) == 0);
    check(mkdir(inside("folder"), 0700) == 0);
    struct child child = child_start(writes_nothing, path);
    child_join(&child);
}

static void a_setting_is_refused(const char *variable, const char *value)
{
    eddy_domain *domain = NULL;
    eddy_writer *writer = NULL;
    setenv(variable, value, 1);
    must_fail(eddy_domain_check(NULL), EDDY_ECONFIG);
    says(variable);
    int error = eddy_domain_open(NULL, &domain);
    if (error == EDDY_OK) {
        struct eddy_topic_identity name = {.name = "n"};
        error = eddy_writer_open(domain, &name, NULL, &writer);
    }
    check(writer == NULL);
    if (error != EDDY_ECONFIG)
        check_fail(CHECK_HERE("a_setting_is_refused"), "%s=%s gives %s, not EDDY_ECONFIG", variable,
                   value, eddy_error_name(error));
    says(variable);
    must(eddy_domain_close(domain));
    unsetenv(variable);
}

static void a_log_level_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"loud", "-1", "INFO ", "debug,info", "%s%n"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        a_setting_is_refused("EDDY_LOG", values[i]);
}

static void a_limit_that_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"lots",
                                         "-5",
                                         "0",
                                         "0x10",
                                         "1.5G",
                                         "5X",
                                         "5MB",
                                         " 5M",
                                         "%n",
                                         "99999999999999999999",
                                         "99999999999999G",
                                         "100"}; /* less than the smallest sample takes */
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        a_setting_is_refused("EDDY_MAX_BYTES", values[i]);
}

static void a_time_to_look_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"fast",
                                         "5",
                                         "-1us",
                                         "0us",
                                         "2s",
                                         "1.5us",
                                         " 50us",
                                         "50us ",
                                         "50 us",
                                         "+50us",
                                         "us",
                                         "1001ms",
                                         "AUTO",
                                         "off,",
                                         "0x5us",
                                         "%n",
                                         "1000001us",
                                         "99999999999ms",
                                         "99999999999999999999ns"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        a_setting_is_refused("EDDY_SPIN", values[i]);
}

static void a_folder_that_is_no_absolute_path_is_refused(void **state)
{
    (void)state;
    char buffer[256];
    static const char *const values[] = {"relative", "./here", "../x", "~/eddy", " /dev/shm"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        setenv("EDDY_DIR", values[i], 1);
        must_fail(eddy_default_dir(buffer, sizeof buffer), EDDY_ECONFIG);
        says("EDDY_DIR");
        setenv("EDDY_DIR", world_dir(), 1);
        a_setting_is_refused("EDDY_DIR", values[i]);
        setenv("EDDY_DIR", world_dir(), 1);
    }
}

static void a_check_creates_nothing(void **state)
{
    (void)state;
    world_is_dirty();
    must_fail(eddy_domain_check(inside("absent")), EDDY_ENOENT);
    check(access(path, F_OK) != 0);
    check(mkdir(path, 0700) == 0);
    setenv("EDDY_LOG", "none", 1);
    must(eddy_domain_check(path));
    unsetenv("EDDY_LOG");
    check(rmdir(path) == 0); /* as empty as before */
    check(mkdir(path, 0777) == 0 && chmod(path, 0777) == 0);
    must_fail(eddy_domain_check(path), EDDY_EACCES);
}

static void a_folder_with_too_long_a_path_is_refused(void **state)
{
    (void)state;
    static char text[6000];
    eddy_domain *domain = NULL;
    memset(text, 'x', sizeof text - 1);
    text[0] = '/';
    for (size_t length = 4000; length < sizeof text; length += 500) {
        text[length] = 0;
        setenv("EDDY_DIR", text, 1);
        int error = eddy_domain_open(NULL, &domain);
        check(error < 0 && domain == NULL);
        check(strlen(eddy_last_error()) > 10);
        text[length] = 'x';
    }
    setenv("EDDY_DIR", world_dir(), 1);
}

static void the_default_folder_is_the_environments_or_the_users(void **state)
{
    (void)state;
    char buffer[256], wanted[64];
    must(eddy_default_dir(buffer, sizeof buffer));
    check(strcmp(buffer, world_dir()) == 0);
    must_fail(eddy_default_dir(buffer, 5), EDDY_ETOOBIG);
    unsetenv("EDDY_DIR");
    must(eddy_default_dir(buffer, sizeof buffer));
    snprintf(wanted, sizeof wanted, "/dev/shm/eddy-%u", geteuid());
    check(strcmp(buffer, wanted) == 0);
    setenv("EDDY_DIR", world_dir(), 1);
}

static void as_somebody_else(int wire, void *argument)
{
    (void)wire, (void)argument;
    char buffer[256];
    check(seteuid(65534) == 0); /* as a set-user-ID program is started */
    must(eddy_default_dir(buffer, sizeof buffer));
    check(strcmp(buffer, "/dev/shm/eddy-65534") == 0);
}

static void a_set_user_id_program_is_not_led_by_its_environment(void **state)
{
    (void)state;
    need_others();
    struct child child = child_start(as_somebody_else, NULL);
    child_join(&child);
}

static void a_domain_with_open_handles_does_not_close(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    must_fail(eddy_domain_close(pair.domain), EDDY_EBUSY);
    payload_publish(pair.writer, 64, 1, 1);
    same(payload_take(pair.reader).number, 1);
    pair_close(&pair);
    must(eddy_domain_close(NULL));
}

static void folders_are_apart(void **state)
{
    (void)state;
    world_is_dirty();
    eddy_domain *second;
    struct pair pair = pair_open(NULL, NULL);
    must(eddy_domain_open(&(struct eddy_domain_options){.dir = inside("second")}, &second));
    eddy_reader *reader = open_reader(second, "pair", NULL);
    payload_publish(pair.writer, 64, 1, 1);
    check(!eddy_reader_ready(reader));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(second));
    pair_close(&pair);
}

static void each_error_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (int error = EDDY_OK; error >= EDDY_ENOTREADY; error--) {
        check(strncmp(eddy_error_name(error), "EDDY_", 5) == 0);
        check(strcmp(eddy_error_name(error), "EDDY_E?") != 0);
        check(strlen(eddy_strerror(error)) > 3);
    }
    check(strcmp(eddy_error_name(EDDY_ENOMEM), "EDDY_ENOMEM") == 0);
    check(strcmp(eddy_error_name(EDDY_ELETGO), "EDDY_ELETGO") == 0);
    static const int none[] = {1, 1000, INT32_MAX, EDDY_ENOTREADY - 1, INT32_MIN};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        check(strcmp(eddy_error_name(none[i]), "EDDY_E?") == 0);
        check(strlen(eddy_strerror(none[i])) > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_file_is_no_folder),
        WORLD_TEST(a_set_user_id_program_is_not_led_by_its_environment),
        WORLD_TEST(a_symbolic_link_to_a_folder_is_refused),
        WORLD_TEST(a_folder_open_to_others_is_refused),
        WORLD_TEST(a_folder_that_others_may_list_is_good),
        WORLD_TEST(a_strangers_folder_is_refused),
        WORLD_TEST(roots_folder_is_refused_to_nobody),
        WORLD_TEST(a_folder_that_cannot_be_written_is_refused),
        WORLD_TEST(a_log_level_that_is_none_is_refused),
        WORLD_TEST(a_limit_that_is_no_number_is_refused),
        WORLD_TEST(a_time_to_look_that_is_none_is_refused),
        WORLD_TEST(a_folder_that_is_no_absolute_path_is_refused),
        WORLD_TEST(a_check_creates_nothing),
        WORLD_TEST(a_folder_with_too_long_a_path_is_refused),
        WORLD_TEST(the_default_folder_is_the_environments_or_the_users),
        WORLD_TEST(a_domain_with_open_handles_does_not_close),
        WORLD_TEST(folders_are_apart),
        WORLD_TEST(each_error_has_a_name_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
