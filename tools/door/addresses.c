/* addresses.c - keeps acknowledgements from getting lost where one side alone uses shared memory.
 *
 * A reader or writer that may use shared memory has that address and one of the network.  Cyclone
 * DDS 0.10 sends acknowledgements, heartbeats and retransmissions for one endpoint to the address
 * at the root of its tree of them, and drops what is for shared memory.  With two in it, the root
 * is the one that was added first, and that is the address of shared memory; with more, it is one
 * in the middle, and that is a network's, since shared memory sorts last.  So whenever an address
 * of the network comes to it, that of shared memory is taken out and added again, after the other.
 *
 * This function takes the place of the one in libddsc that adds an address: of all libraries that
 * have a function, the loader chooses the one that is preloaded.  Nothing else changes: samples go
 * where all addresses in the set say, in whichever order they came.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/door/door.h"

#include <dds/ddsi/ddsi_locator.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#define KIND_SHARED_MEMORY 16 /* NN_LOCATOR_KIND_SHEM of dds/ddsi/q_protocol.h */

/* As dds/ddsi/q_addrset.h declares them; it needs more of C than we allow ourselves. */
struct addrset;
struct ddsi_domaingv;
typedef void change_address(const struct ddsi_domaingv *gv, struct addrset *as,
                            const ddsi_xlocator_t *loc);
typedef void each_address(struct addrset *as, void (*visit)(const ddsi_xlocator_t *loc, void *arg),
                          void *arg);
__attribute__((visibility("default"))) change_address add_xlocator_to_addrset;

/* Those of the libddsc that has called. */
struct functions {
    const void *base; /* of that library */
    change_address *add, *remove;
    each_address *each;
};

struct search {
    bool found;
    ddsi_xlocator_t shared_memory;
};

static void look_at(const ddsi_xlocator_t *address, void *argument)
{
    struct search *search = argument;
    if (address->c.kind != KIND_SHARED_MEMORY)
        return;
    search->found = true;
    search->shared_memory = *address;
}

static void *function_in(void *library, const char *name)
{
    return library != NULL ? dlsym(library, name) : NULL;
}

/* There is always one: it has called. */
static void find(const void *caller, struct functions *functions)
{
    Dl_info info = {0};
    void *library = eddy_door_library_of(caller);
    void *found[] = {function_in(library, "add_xlocator_to_addrset"),
                     function_in(library, "remove_from_addrset"),
                     function_in(library, "addrset_forall")};
    memcpy(&functions->add, &found[0], sizeof functions->add);
    memcpy(&functions->remove, &found[1], sizeof functions->remove);
    memcpy(&functions->each, &found[2], sizeof functions->each);
    functions->base = dladdr(caller, &info) != 0 ? info.dli_fbase : NULL;
    if (library != NULL)
        dlclose(library); /* it is running, and so stays */
}

/* A process has one libddsc, but for odd ones, whose others are looked up each time. */
static struct functions functions_of(const void *caller)
{
    static struct functions known;
    static _Atomic(int) state; /* 0: nothing known, 1: being written, 2: known */
    struct functions functions;
    Dl_info info;
    if (atomic_load_explicit(&state, memory_order_acquire) == 2 && dladdr(caller, &info) != 0 &&
        info.dli_fbase == known.base)
        return known;
    find(caller, &functions);
    int nothing = 0;
    if (atomic_compare_exchange_strong(&state, &nothing, 1)) {
        known = functions;
        atomic_store_explicit(&state, 2, memory_order_release);
    }
    return functions;
}

void add_xlocator_to_addrset(const struct ddsi_domaingv *gv, struct addrset *as,
                             const ddsi_xlocator_t *loc)
{
    struct functions functions = functions_of(__builtin_return_address(0));
    struct search search = {0};
    if (functions.add == NULL)
        return;
    functions.add(gv, as, loc);
    if (loc->c.kind == KIND_SHARED_MEMORY || functions.remove == NULL || functions.each == NULL)
        return;
    functions.each(as, look_at, &search);
    if (search.found) {
        functions.remove(gv, as, &search.shared_memory);
        functions.add(gv, as, &search.shared_memory);
    }
}
