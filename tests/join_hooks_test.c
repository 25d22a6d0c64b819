/* join_hooks_test.c - what runs when a region is mapped and unmapped, and what it may do.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "join_standin.h"
#include "support/world.h"

#include <stdio.h>

/* One region's hooks: what they were told, and what they join and leave. */
struct hook {
    struct hook *needs; /* joined by attach, left by detach */
    const char *name;
    void *gives;            /* the handle; else the hook itself */
    bool refuses;           /* attach returns NULL */
    int refusal, nested;    /* what it stores; what joining `needs` returned */
    int attached, detached; /* how often */
    struct eddy_join_info in, out;
    void *needed; /* handle of `needs` */
};

static int join_hook(struct hook *hook, void **handle);

static void *attach(void *context, const struct eddy_join_info *info, int *error)
{
    struct hook *hook = context;
    hook->attached++;
    hook->in = *info;
    memset((void *)(uintptr_t)info, 0xee, sizeof *info); /* it is but a copy */
    if (hook->needs) {
        hook->nested = join_hook(hook->needs, &hook->needed);
        if (hook->nested) {
            *error = hook->nested;
            return NULL;
        }
    }
    if (hook->refuses) {
        if (hook->refusal)
            *error = hook->refusal;
        return NULL;
    }
    return hook->gives ? hook->gives : hook;
}

static void detach(void *context, const struct eddy_join_info *info)
{
    struct hook *hook = context;
    hook->detached++;
    hook->out = *info;
    memset((void *)(uintptr_t)info, 0xee, sizeof *info);
    if (hook->needed)
        must(eddy_leave(hook->needed));
    hook->needed = NULL;
}

static int join_hook(struct hook *hook, void **handle)
{
    struct eddy_join_options options = {.attach = attach, .detach = detach, .context = hook};
    return standin_join(hook->name, &options, NULL, handle);
}

/* --- when they run --------------------------------------------------------------------------- */

static void hooks_run_once_when_it_is_mapped_and_unmapped(void **state)
{
    (void)state;
    struct hook first = {.name = "x1"}, second = {.name = "x1"};
    void *handle;
    must(join_hook(&first, &handle));
    check(handle == &first);
    must(join_hook(&second, &handle));
    check(handle == &first);
    must(eddy_leave(handle));
    same(first.detached, 0);
    must(eddy_leave(handle));
    same(first.attached, 1);
    same(first.detached, 1);
    same(second.attached + second.detached, 0);
}

static void hooks_are_told_of_the_region(void **state)
{
    (void)state;
    struct hook hook = {.name = "x1"};
    struct eddy_join_info info;
    void *handle;
    must(join_hook(&hook, &handle));
    must(eddy_join_find_handle(handle, &info));
    must(eddy_leave(handle));
    info.references = -1;
    check(memcmp(&info, &hook.out, sizeof info) == 0);
    info.handle = NULL; /* not known before attach has returned it */
    check(memcmp(&info, &hook.in, sizeof info) == 0);
}

static void an_attach_hook_that_refuses_undoes_the_join(void **state)
{
    (void)state;
    struct hook hook = {.name = "x1", .refuses = true};
    must_fail(join_hook(&hook, NULL), EDDY_ESYS);
    says("x1");
    same(standin.unmaps, 1);
    same(hook.detached, 0);
    hook.refusal = EDDY_ETYPE;
    must_fail(join_hook(&hook, NULL), EDDY_ETYPE);
    hook.refusal = 12345; /* no error of ours */
    must_fail(join_hook(&hook, NULL), EDDY_ESYS);
    must_fail(eddy_join_find("x1", NULL), EDDY_ENOENT);
}

static void a_handle_that_is_in_use_undoes_the_join(void **state)
{
    (void)state;
    struct hook first = {.name = "x1"}, second = {.name = "x2", .gives = &first};
    void *handle;
    must(join_hook(&first, &handle));
    must_fail(join_hook(&second, NULL), EDDY_EEXIST);
    says("x1");
    same(second.detached, 1); /* each attach has its detach */
    same(standin.unmaps, 1);
    struct eddy_join_info info;
    must(eddy_join_find_handle(handle, &info));
    check(strcmp(info.name, "x1") == 0);
    must(eddy_leave(handle));
}

/* --- queries while they run ------------------------------------------------------------------ */

static struct eddy_join_info seen;
static char handle_of_looker;

static void look(const struct eddy_join_info *info)
{
    must(eddy_join_find(info->name, &seen));
    check(memcmp(&seen, info, sizeof seen) == 0);
    must(eddy_join_find_address((char *)info->address + info->bytes - 1, 1, &seen));
    check(memcmp(&seen, info, sizeof seen) == 0);
    same(seen.references, -1);
}

static void *look_at_attach(void *context, const struct eddy_join_info *info, int *error)
{
    (void)context, (void)error;
    look(info);
    must_fail(standin_join(info->name, NULL, NULL, NULL), EDDY_ELOOP);
    must_fail(eddy_leave(info->address), EDDY_ENOENT);
    return &handle_of_looker;
}

static void look_at_detach(void *context, const struct eddy_join_info *info)
{
    (void)context;
    look(info);
    must(eddy_join_find_handle(&handle_of_looker, NULL));
    must_fail(standin_join(info->name, NULL, NULL, NULL), EDDY_ELOOP);
    must_fail(eddy_leave(&handle_of_looker), EDDY_ELOOP);
}

static void who_looks_while_a_hook_runs_sees_that_it_does(void **state)
{
    (void)state;
    struct eddy_join_options options = {.attach = look_at_attach, .detach = look_at_detach};
    void *handle;
    must(standin_join("x1", &options, NULL, &handle));
    must(eddy_leave(handle));
}

/* --- nests and circles ----------------------------------------------------------------------- */

static void a_region_brings_along_those_that_it_needs(void **state)
{
    (void)state;
    struct hook c = {.name = "x3"}, b = {.name = "x2", .needs = &c},
                a = {.name = "x1", .needs = &b};
    void *handle, *direct;
    must(join_hook(&a, &handle));
    must(join_hook(&c, &direct));
    same(references_of("x1"), 1);
    same(references_of("x2"), 1);
    same(references_of("x3"), 2);
    must(eddy_leave(handle));
    same(standin.mapped, 1);
    must(eddy_leave(direct));
    same(c.detached, 1);
}

/* Whichever of the two the tables take out first, and however they are built. */
static void regression_a_nested_leave_leaves_no_ghost(void **state)
{
    (void)state;
    static struct hook hooks[64];
    static char names[64][8];
    memset(hooks, 0, sizeof hooks);
    for (unsigned i = 0; i < 64; i++) {
        snprintf(names[i], sizeof names[i], "x%u", i);
        hooks[i].name = names[i];
        hooks[i].needs = i ? &hooks[i - 1] : NULL;
    }
    for (int round = 0; round < 3; round++) {
        void *handle;
        must(join_hook(&hooks[63], &handle));
        same(eddy_join_list(NULL, 0), 64);
        must(eddy_leave(handle));
        same(eddy_join_list(NULL, 0), 0);
        same(standin.mapped, 0);
    }
}

static void a_circle_is_refused_and_undone(void **state)
{
    (void)state;
    struct hook c = {.name = "x3"}, b = {.name = "x2", .needs = &c},
                a = {.name = "x1", .needs = &b};
    c.needs = &a;
    must_fail(join_hook(&a, NULL), EDDY_ELOOP);
    same(c.nested, EDDY_ELOOP);
    same(eddy_join_list(NULL, 0), 0);
    same(standin.maps, 3);
    same(standin.unmaps, 3);
    c.needs = NULL;
    void *handle;
    must(join_hook(&a, &handle));
    must(eddy_leave(handle));
}

static void a_circle_through_another_name_is_refused(void **state)
{
    (void)state;
    struct hook other = {.name = "y1"}, a = {.name = "x1", .needs = &other};
    must_fail(join_hook(&a, NULL), EDDY_ELOOP);
    same(other.attached, 0);
    same(eddy_join_list(NULL, 0), 0);
}

/* --- a handle whose memory is used again ----------------------------------------------------- */

static char recycled;

static void *attach_recycled(void *context, const struct eddy_join_info *info, int *error)
{
    (void)context, (void)info, (void)error;
    return &recycled;
}

/* As if it freed its handle, and the next malloc gave the same address. */
static void detach_and_join_next(void *context, const struct eddy_join_info *info)
{
    (void)info;
    struct eddy_join_options options = {.attach = attach_recycled};
    must(standin_join(context, &options, NULL, NULL));
}

static void the_handle_of_one_that_is_being_left_may_be_used_again(void **state)
{
    (void)state;
    char next[] = "x2";
    struct eddy_join_options options = {
        .attach = attach_recycled, .detach = detach_and_join_next, .context = next};
    struct eddy_join_info info;
    must(standin_join("x1", &options, NULL, NULL));
    must(eddy_leave(&recycled));
    must(eddy_join_find_handle(&recycled, &info));
    check(strcmp(info.name, "x2") == 0);
    must(eddy_leave(&recycled));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STANDIN_TEST(hooks_run_once_when_it_is_mapped_and_unmapped),
        STANDIN_TEST(hooks_are_told_of_the_region),
        STANDIN_TEST(an_attach_hook_that_refuses_undoes_the_join),
        STANDIN_TEST(a_handle_that_is_in_use_undoes_the_join),
        STANDIN_TEST(who_looks_while_a_hook_runs_sees_that_it_does),
        STANDIN_TEST(a_region_brings_along_those_that_it_needs),
        STANDIN_TEST(regression_a_nested_leave_leaves_no_ghost),
        STANDIN_TEST(a_circle_is_refused_and_undone),
        STANDIN_TEST(a_circle_through_another_name_is_refused),
        STANDIN_TEST(the_handle_of_one_that_is_being_left_may_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
