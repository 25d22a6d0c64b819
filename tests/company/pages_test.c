/* pages_test.c - a machine with pages of 16 or 64 KiB, as some with Arm processors have them, which an
 * emulator can pass this one off as.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/able.h"
#include "support/child.h"
#include "support/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* Such an emulator cannot map a file that is empty, as those are that participants are locked in; one
 * that has a size is as good. */
static void size_file_of_lives(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s/.eddy-life-0", world_dir());
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    check(fd >= 0 && ftruncate(fd, 65536) == 0);
    close(fd);
}

static void emulate(int wire, void *page)
{
    char emulator[sizeof((struct utsname *)0)->machine + 8];
    struct utsname machine;
    (void)wire;
    check(uname(&machine) == 0);
    snprintf(emulator, sizeof emulator, "qemu-%s", machine.machine);
    execlp(emulator, emulator, "-p", (char *)page, EDDY_PAGES_PROGRAM, (char *)page, (char *)NULL);
    _exit(127);
}

static void it_works_with_pages_of(const char *page)
{
    bool hung;
    size_file_of_lives();
    struct child child = child_start(emulate, (void *)(uintptr_t)page);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        world_is_dirty();
        skip_because("%s", "needs qemu-user, to have other pages");
    }
    if (status != 0)
        check_fail(CHECK_HERE("it_works_with_pages_of"), "pages of %s bytes: %#x", page,
                   (unsigned)status);
}

static void pages_of_16_kib(void **state)
{
    (void)state;
    it_works_with_pages_of("16384");
}

static void pages_of_64_kib(void **state)
{
    (void)state;
    it_works_with_pages_of("65536");
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(pages_of_16_kib), WORLD_TEST(pages_of_64_kib)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
