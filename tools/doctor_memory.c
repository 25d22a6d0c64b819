/* doctor_memory.c - what the kernel does about memory that rings and regions may ask for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor.h"

#include <eddy/domain.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What Linux has unless somebody changes it: plenty for hundreds of rings, regions and topics. */
#define USUAL_MAPPINGS 65530

#define HUGE_PAGE ((size_t)2 << 20)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define FOLDER_OBJECTS "rings and regions in the domain's folder"

#define THP "/sys/kernel/mm/transparent_hugepage/"

/* --- reading --------------------------------------------------------------------------------- */

/* False: the file is not there, or does not begin with a number. */
static bool read_number(const char *path, uint64_t *number)
{
    FILE *file = fopen(path, "re");
    bool got = file != NULL && fscanf(file, "%" SCNu64, number) == 1;
    if (file != NULL)
        fclose(file);
    return got;
}

/* The word in brackets of "always [never] force".  False: this kernel has no such choice. */
static bool read_choice(const char *path, char word[32])
{
    FILE *file = fopen(path, "re");
    bool got = file != NULL && fscanf(file, "%*[^[][%31[^]]", word) == 1;
    if (file != NULL && !got) {
        rewind(file);
        got = fscanf(file, "[%31[^]]", word) == 1;
    }
    if (file != NULL)
        fclose(file);
    return got;
}

/* A file system of the kind that lies in memory. */
struct mount {
    char point[PATH_MAX];
    char huge[32]; /* its option; "never" is the default */
};

/* One line of mountinfo; false: it is another device's, or no tmpfs. */
static bool read_mount_line(const char *line, const char *device, struct mount *mount)
{
    char found[32], point[PATH_MAX];
    const char *tail = strstr(line, " - tmpfs ");
    if (tail == NULL || sscanf(line, "%*s %*s %31s %*s %4095s", found, point) != 2 ||
        strcmp(found, device) != 0)
        return false;
    const char *option = strstr(tail, ",huge=");
    snprintf(mount->point, sizeof mount->point, "%s", point);
    if (option == NULL || sscanf(option, ",huge=%31[a-z_]", mount->huge) != 1)
        snprintf(mount->huge, sizeof mount->huge, "never");
    return true;
}

/* The one that a folder is on.  False: it is on none. */
static bool read_mount(const char *dir, struct mount *mount)
{
    char line[8192], device[32];
    struct stat status;
    bool found = false;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (file == NULL)
        return false;
    if (stat(dir, &status) == 0) {
        snprintf(device, sizeof device, "%u:%u", major(status.st_dev), minor(status.st_dev));
        while (!found && fgets(line, sizeof line, file) != NULL)
            found = read_mount_line(line, device, mount);
    }
    fclose(file);
    return found;
}

/* --- transparent huge pages ------------------------------------------------------------------ */

static bool is_any(const char *word, const char *first, const char *second)
{
    return strcmp(word, first) == 0 || strcmp(word, second) == 0;
}

/* Whether memory that is there can become huge pages, whatever was chosen: from Linux 6.1 on. */
static bool can_collapse(void)
{
    bool can = false;
    int file = memfd_create("eddy doctor", MFD_CLOEXEC);
    char *room = mmap(NULL, 2 * HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (file >= 0 && room != MAP_FAILED && fallocate(file, 0, 0, HUGE_PAGE) == 0) {
        void *at = room + HUGE_PAGE - (uintptr_t)room % HUGE_PAGE;
        can = mmap(at, HUGE_PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) == at &&
              madvise(at, HUGE_PAGE, MADV_COLLAPSE) == 0;
    }
    if (room != MAP_FAILED)
        munmap(room, 2 * HUGE_PAGE);
    if (file >= 0)
        close(file);
    return can;
}

/* What they must be to have huge pages when they ask for them; NULL: nothing helps.  Advice alone
 * serves memory that comes after it, which what is reserved at once does not. */
static const char *condition(const char *huge, bool collapses)
{
    bool advises = strcmp(huge, "advise") == 0;
    if (strcmp(huge, "deny") == 0 || (!advises && !collapses))
        return NULL;
    if (advises && collapses)
        return "";
    return advises ? " and are sparse" : " and are not sparse";
}

static void say_huge(struct eddy_visit *visit, const char *what, const char *huge,
                     const char *remedy)
{
    const char *if_they = condition(huge, can_collapse());
    if (!is_any(huge, "never", "deny") && strcmp(huge, "advise") != 0)
        eddy_visit_say(visit, EDDY_FINDING_OK, "%s get huge pages (huge=%s)", what, huge);
    else if (if_they == NULL)
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "%s ask for huge pages (EDDY_RING_HUGE, EDDY_REGION_HUGE) in vain "
                       "(huge=%s); as root: %s",
                       what, huge, remedy);
    else
        eddy_visit_say(visit, EDDY_FINDING_OK,
                       "%s get huge pages if they ask for them%s (huge=%s); for all, as root: %s",
                       what, if_they, huge, remedy);
}

/* The mount decides for files, the kernel for what has no name; "deny" and "force" for both. */
static void check_huge(struct eddy_visit *visit, const char *dir)
{
    static const char kernel_remedy[] = "echo within_size >" THP "shmem_enabled";
    char kernel[32], remedy[PATH_MAX + 64];
    struct mount mount;
    if (!read_choice(THP "shmem_enabled", kernel)) {
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "this kernel has no transparent huge pages for shared memory: "
                       "EDDY_RING_HUGE and EDDY_REGION_HUGE change nothing");
        return;
    }
    if (read_mount(dir, &mount)) {
        snprintf(remedy, sizeof remedy, "mount -o remount,huge=within_size %s", mount.point);
        if (is_any(kernel, "deny", "force"))
            say_huge(visit, FOLDER_OBJECTS, kernel, kernel_remedy);
        else
            say_huge(visit, FOLDER_OBJECTS, mount.huge, remedy);
    }
    say_huge(visit, "regions without a name", kernel, kernel_remedy);
}

/* --- pages that are set aside ---------------------------------------------------------------- */

static void check_pages(struct eddy_visit *visit, unsigned kilobytes, const char *size)
{
    char path[128];
    uint64_t total = 0, spare = 0, surplus = 0;
    static const char folder[] = "/sys/kernel/mm/hugepages/hugepages-%ukB/%s";
    snprintf(path, sizeof path, folder, kilobytes, "nr_hugepages");
    if (!read_number(path, &total)) {
        eddy_visit_say(visit, EDDY_FINDING_OK, "this processor has no pages of %s", size);
        return;
    }
    snprintf(path, sizeof path, folder, kilobytes, "free_hugepages");
    (void)read_number(path, &spare);
    snprintf(path, sizeof path, folder, kilobytes, "nr_overcommit_hugepages");
    (void)read_number(path, &surplus);
    if (total + surplus > 0)
        eddy_visit_say(visit, EDDY_FINDING_OK,
                       "pages of %s set aside: %" PRIu64 ", of them free: %" PRIu64
                       ", made on demand: up to %" PRIu64,
                       size, total, spare, surplus);
    else
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "no pages of %s are set aside: a region that asks for them (page_bytes) "
                       "cannot be created; as root: echo COUNT "
                       ">/sys/kernel/mm/hugepages/hugepages-%ukB/nr_hugepages",
                       size, kilobytes);
}

/* --- limits ---------------------------------------------------------------------------------- */

static bool may_lock_anything(void)
{
    char line[256];
    uint64_t capabilities = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        sscanf(line, "CapEff: %" SCNx64, &capabilities);
    if (file != NULL)
        fclose(file);
    return (capabilities & UINT64_C(1) << CAP_IPC_LOCK) != 0;
}

static void check_locking(struct eddy_visit *visit)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return;
    if (limit.rlim_cur == RLIM_INFINITY || may_lock_anything())
        eddy_visit_say(visit, EDDY_FINDING_OK,
                       "regions of any size can be locked in memory (EDDY_REGION_LOCK)");
    else
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "a process can lock %" PRIu64
                       " KiB in memory: a larger region (EDDY_REGION_LOCK) stays unlocked, or with "
                       "EDDY_REGION_STRICT is refused; raise it with `ulimit -l`, LimitMEMLOCK= of "
                       "a service, or --ulimit memlock=-1 of a container",
                       (uint64_t)limit.rlim_cur / 1024);
}

static void check_mappings(struct eddy_visit *visit)
{
    uint64_t count = 0;
    if (!read_number("/proc/sys/vm/max_map_count", &count))
        return;
    if (count >= USUAL_MAPPINGS)
        eddy_visit_say(visit, EDDY_FINDING_OK,
                       "a process can have %" PRIu64
                       " mappings; a ring, region or slots segment takes a few, a topic about five",
                       count);
    else
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "a process can have only %" PRIu64
                       " mappings; a ring, region or slots segment takes a few, a topic about "
                       "five, and EDDY_ENOMEM says that there are no more; as root: sysctl "
                       "vm.max_map_count=%d",
                       count, USUAL_MAPPINGS);
}

void eddy_visit_memory(struct eddy_visit *visit)
{
    char dir[PATH_MAX];
    puts("memory that rings and regions may ask for:");
    if (visit->dir != NULL)
        snprintf(dir, sizeof dir, "%s", visit->dir);
    if (visit->dir != NULL || eddy_default_dir(dir, sizeof dir) == 0)
        check_huge(visit, dir);
    check_pages(visit, 2048, "2 MiB");
    check_pages(visit, 1048576, "1 GiB");
    check_locking(visit);
    check_mappings(visit);
}
