/* group_rules_test.c - whom and what a group's folder lets in, and what no folder of a group is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/layout.h"
#include "support/group.h"
#include "support/look.h"
#include "support/payload.h"
#include "support/region.h"

#include <dirent.h>
#include <eddy/slots.h>

/* --- folders --------------------------------------------------------------------------------- */

/* The domain is refused to whoever runs this, in each way to name it; the sentence has `word`. */
static void is_refused(int wire, void *word)
{
    (void)wire;
    eddy_domain *domain = NULL;
    eddy_snapshot *snapshot = NULL;
    eddy_slots *slots = NULL;
    struct eddy_gc_report report;
    must_fail(eddy_domain_open(NULL, &domain), EDDY_EACCES);
    says(word);
    must_fail(eddy_domain_open(&(struct eddy_domain_options){.dir = world_dir()}, &domain),
              EDDY_EACCES);
    says(word);
    must_fail(eddy_snapshot_take(NULL, &snapshot), EDDY_EACCES);
    says(word);
    must_fail(eddy_gc(NULL, &report), EDDY_EACCES);
    says(word);
    must_fail(eddy_slots_attach(NULL, in_world("slots.flink"), NULL, &slots), EDDY_EACCES);
    says(word);
    must_fail(eddy_slots_create(NULL, in_world("slots.flink"),
                                &(struct eddy_slots_options){.slot_count = 1, .slot_capacity = 1},
                                &slots),
              EDDY_EACCES);
    says(word);
}

static void is_accepted(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct pair pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 64, 1, 1);
    payload_take(pair.reader);
    pair_close(&pair);
}

static void who_is_not_of_the_group_is_refused(void **state)
{
    (void)state;
    need_others();
    static const mode_t modes[] = {02770, 02775};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        make_groups(world_dir(), ALICE, modes[i]);
        run_as(ALICE, is_accepted, NULL);
        run_as(BOB, is_accepted, NULL);
        run_as(0, is_accepted, NULL);
        run_as(MALLORY, is_refused, "join that group");
    }
}

static void a_folder_that_is_not_set_up_for_a_group_is_refused(void **state)
{
    (void)state;
    need_others();
    /* not set-group-id; for everybody; sticky, so that nobody could clear away; half of it */
    static const mode_t modes[] = {0770, 0775, 02777, 02772, 03770, 02720, 02730};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        make_groups(world_dir(), ALICE, modes[i]);
        run_as(ALICE, is_refused, "2770");
        run_as(0, is_refused, "2770");
        if ((modes[i] & 050) == 050)
            run_as(BOB, is_refused, "2770");
    }
}

static void without_its_mode_a_folder_stays_its_owners(void **state)
{
    (void)state;
    need_others();
    static const mode_t modes[] = {0700, 02700, 02750, 02755};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        make_groups(world_dir(), ALICE, modes[i]);
        run_as(ALICE, is_accepted, NULL);
        if (modes[i] & 050)
            run_as(BOB, is_refused, "belongs to user");
    }
}

static void open_fails(int wire, void *word)
{
    (void)wire;
    eddy_domain *domain = NULL;
    must_fail(eddy_domain_open(NULL, &domain), EDDY_EACCES);
    says(word);
}

/* Whose name is guessed is made by whoever comes first, for a group that both are in. */
static void the_default_folder_is_never_a_groups(void **state)
{
    (void)state;
    need_others();
    static const uid_t owners[] = {ALICE, BOB, 0};
    char dir[64];
    snprintf(dir, sizeof dir, "/dev/shm/eddy-%u", (unsigned)BOB);
    world_remove_tree(dir);
    check(mkdir(dir, 0700) == 0);
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        make_groups(dir, owners[i], 02770);
        unsetenv("EDDY_DIR");
        run_as(BOB, open_fails, (void *)(uintptr_t)dir);
        setenv("EDDY_DIR", dir, 1);
        run_as(BOB, open_fails, (void *)(uintptr_t)dir);
    }
    world_remove_tree(dir);
    setenv("EDDY_DIR", world_dir(), 1);
}

/* --- files ----------------------------------------------------------------------------------- */

static void make_all_kinds(int wire, void *mask)
{
    umask(*(mode_t *)mask);
    struct pair pair = pair_open(NULL, NULL);
    eddy_region *region = create_named(pair.domain, "region", 1);
    eddy_slots *slots;
    struct eddy_slots_options options = {.slot_count = 1, .slot_capacity = 1};
    payload_publish(pair.writer, 8u << 20, 1, 1);
    must(eddy_slots_create(pair.domain, in_world("slots.flink"), &options, &slots));
    eddy_ring *ring = ring_create(pair.domain, "ring");
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    must(eddy_ring_close(ring));
    must(eddy_slots_close(slots));
    must(eddy_region_close(region));
    pair_close(&pair);
}

static void makes_what_is_the_groups(uid_t user, mode_t mask)
{
    struct child child = child_as(user, make_all_kinds, &mask);
    wire_expect(child.wire, WIRE_READY);
    /* Registry, topic (3), and two for each of the rest. */
    check(world_files_are(0660, user, GROUP) >= 10);
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
    world_must_be_empty();
}

static void all_files_are_the_groups_whatever_the_umask(void **state)
{
    (void)state;
    need_others();
    static const mode_t masks[] = {0, 022, 0277, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        makes_what_is_the_groups(i % 2 ? ALICE : 0, masks[i]);
}

static bool makers; /* a file is of its maker's group, as on some file systems that are not local */

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
    va_end(more);
    int fd = __real_openat(dir, name, flags, mode);
    if (makers && (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE))
        check(fchown(fd, (uid_t)-1, getegid()) == 0);
    return fd;
}

static void a_file_system_need_not_know_of_set_group_id(void **state)
{
    (void)state;
    need_others();
    makers = true;
    makes_what_is_the_groups(ALICE, 022);
    makes_what_is_the_groups(0, 022);
    make_groups(world_dir(), MALLORY, 02770);
    run_as(MALLORY, open_fails, (void *)(uintptr_t) "join that group"); /* he cannot give it */
    makers = false;
}

static void host(int wire, void *argument)
{
    (void)argument;
    struct pair pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 64, 1, 1);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void join_fails(int wire, void *word)
{
    (void)wire;
    eddy_domain *domain = NULL;
    eddy_reader *reader = NULL;
    struct eddy_topic_identity name = {.name = "pair"};
    int error = eddy_domain_open(NULL, &domain);
    if (error == EDDY_OK)
        error = eddy_reader_open(domain, &name, NULL, &reader);
    must_fail(error, EDDY_EACCES);
    says(word);
}

/* The folder is the owner's to take away, but what members made in it is theirs. */
static void an_owner_outside_of_the_group_gets_no_members_files(void **state)
{
    (void)state;
    need_others();
    make_groups(world_dir(), MALLORY, 02770);
    run_as(MALLORY, is_accepted, NULL);
    struct child child = child_as(ALICE, host, NULL);
    wire_expect(child.wire, WIRE_READY);
    run_as(MALLORY, join_fails, (void *)(uintptr_t) "be of that group");
    run_as(BOB, is_accepted, NULL);
    child_kill(&child);
    run_as(BOB, is_accepted, NULL);
}

/* What is wrong with a file of the domain. */
struct wrong {
    uid_t user;
    gid_t group;
    mode_t mode;
    const char *word;
};

static void spoil(int dir, const char *file, const struct wrong *wrong)
{
    check(fchownat(dir, file, wrong->user, wrong->group, AT_SYMLINK_NOFOLLOW) == 0);
    check(fchmodat(dir, file, wrong->mode, 0) == 0);
    run_as(BOB, join_fails, (void *)(uintptr_t)wrong->word);
    check(fchownat(dir, file, ALICE, GROUP, AT_SYMLINK_NOFOLLOW) == 0);
    check(fchmodat(dir, file, 0660, 0) == 0);
    run_as(BOB, is_accepted, NULL);
}

static void spoil_each(const struct wrong *wrong)
{
    char files[4][64];
    unsigned count = 0;
    DIR *dir = opendir(world_dir());
    check(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) && count < 4;)
        if (entry->d_name[0] != '.' && !strstr(entry->d_name, ".x"))
            snprintf(files[count++], sizeof files[0], "%.63s", entry->d_name);
    same(count, 3); /* registry, flink, control file */
    for (unsigned i = 0; i < count; i++)
        spoil(dirfd(dir), files[i], wrong);
    closedir(dir);
}

static void files_that_are_not_the_groups_are_refused(void **state)
{
    (void)state;
    need_others();
    static const struct wrong wrongs[] = {
        {MALLORY, MALLORY, 0666, "chgrp"}, /* would let anybody in */
        {ALICE, ALICE, 0640, "to you"},    /* a user's own */
        {BOB, BOB, 0660, "chgrp"},         /* even if it is who asks */
        {ALICE, GROUP, 0662, "others than its group"},
        {ALICE, GROUP, 0600, "chmod it to 0660"},
    };
    struct child child = child_as(ALICE, host, NULL);
    wire_expect(child.wire, WIRE_READY);
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
        spoil_each(&wrongs[i]);
    child_kill(&child);
    run_as(BOB, is_accepted, NULL);
}

/* Rubbish that looks like Eddy's, but is not of the group. */
static void strangers_files_are_not_cleared_away(void **state)
{
    (void)state;
    need_others();
    char file[64];
    snprintf(file, sizeof file, "%s", in_world("0123456789abcdef0123456789abcdef.seg"));
    int fd = open(file, O_CREAT | O_EXCL | O_WRONLY, 0660);
    static const uint64_t magic = EDDY_MAGIC_CONTROL;
    check(write(fd, &magic, sizeof magic) == sizeof magic && fchmod(fd, 0660) == 0);
    close(fd);
    check(chown(file, ALICE, MALLORY) == 0);
    run_as(BOB, is_accepted, NULL);
    check(is_there(file));
    check(chown(file, ALICE, GROUP) == 0);
    run_as(BOB, is_accepted, NULL);
    check(!is_there(file));
}

/* --- regions --------------------------------------------------------------------------------- */

static void lend_two(int wire, void *argument)
{
    (void)argument;
    struct eddy_region_options private = {.bytes = 1, .mode = 0600};
    eddy_domain *domain = open_domain();
    eddy_region *own, *region = create_named(domain, "region", 1);
    must(eddy_region_create(domain, "own", &private, &own));
    same(info_of(region).mode, 0660);
    same(info_of(own).mode, 0600);
    same(mode_of(eddy_region_path(own)), 0600);
    must(eddy_region_disown(region)); /* it is kept now */
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    must(eddy_region_own(region));
    must(eddy_region_close(region));
    region = create_named(domain, "region", 1);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void a_mode_that_was_asked_for_counts(eddy_domain *domain)
{
    eddy_region *region = NULL;
    must_fail(eddy_region_attach(domain, "own", NULL, &region), EDDY_EACCES);
    says("0660");
    check(region == NULL);
}

static void inherit(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_region *region = attach_named(domain, "region");
    a_mode_that_was_asked_for_counts(domain);
    must_fail(eddy_region_own(region), EDDY_EACCES);
    says("user 54321");
    must(eddy_region_close(region));
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    region = attach_named(domain, "region");
    must_fail(eddy_region_own(region), EDDY_EBUSY);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO); /* its owner is dead */
    must(eddy_region_own(region));
    must_fail(eddy_region_disown(region), EDDY_EACCES);
    says("user 54321");
    check(info_of(region).owned);
    check(is_there(eddy_region_path(region)));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void only_who_created_a_region_says_whether_it_is_kept(void **state)
{
    (void)state;
    need_others();
    struct child lender = child_as(ALICE, lend_two, NULL);
    wire_expect(lender.wire, WIRE_READY);
    struct child heir = child_as(BOB, inherit, NULL);
    wire_expect(heir.wire, WIRE_READY);
    wire_say(lender.wire, WIRE_GO);
    wire_expect(lender.wire, WIRE_READY);
    wire_say(heir.wire, WIRE_GO);
    wire_expect(heir.wire, WIRE_READY);
    child_kill(&lender);
    wire_say(heir.wire, WIRE_GO);
    child_join(&heir);
    world_must_be_empty();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GROUP_TEST(who_is_not_of_the_group_is_refused),
        GROUP_TEST(a_folder_that_is_not_set_up_for_a_group_is_refused),
        GROUP_TEST(without_its_mode_a_folder_stays_its_owners),
        GROUP_TEST(the_default_folder_is_never_a_groups),
        GROUP_TEST(all_files_are_the_groups_whatever_the_umask),
        GROUP_TEST(a_file_system_need_not_know_of_set_group_id),
        GROUP_TEST(an_owner_outside_of_the_group_gets_no_members_files),
        GROUP_TEST(files_that_are_not_the_groups_are_refused),
        GROUP_TEST(strangers_files_are_not_cleared_away),
        GROUP_TEST(only_who_created_a_region_says_whether_it_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
