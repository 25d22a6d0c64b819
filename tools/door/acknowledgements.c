/* acknowledgements.c - keeps writers that do not use shared memory from taking samples for received
 * by readers that do, when they come from others.
 *
 * Cyclone DDS 0.10 takes everything for acknowledged by a reader that has an address of shared
 * memory here, also if the writer does not use it, so that what gets lost on the way is not sent
 * again, the first sample always: ddsi_entity_match.c, writer_add_connection, where it asks
 * prd->is_iceoryx and means use_iceoryx.  There is one thing that tells both apart afterwards, and
 * that is whether the reader counts as having replied to a heartbeat, as one does that is served by
 * shared memory.
 *
 * This function takes the place of the one in libddsc that puts a node into a tree, and looks at
 * what goes into a writer's tree of readers.  What is read there is checked before it is believed:
 * these structures are those of one build of Cyclone DDS 0.10 with shared memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/door/door.h"

/* What the others rest on, without saying so. */
#include <dds/ddsi/ddsi_entity.h>

#include <dds/ddsi/ddsi_endpoint.h>
#include <dds/ddsi/ddsi_entity_match.h>
#include <dds/ddsi/q_rtps.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(void *) insert;  /* libddsc's own */
static _Atomic(void *) readers; /* its definition of a writer's tree of readers, NULL: not known */

/* Of one that is as we know it. */
static void *find_readers(void *library)
{
    const ddsrt_avl_treedef_t *found = dlsym(library, "ddsi_wr_readers_treedef");
    if (found == NULL || dlsym(library, "add_xlocator_to_addrset") == NULL ||
        found->avlnodeoffset != offsetof(struct ddsi_wr_prd_match, avlnode) ||
        found->keyoffset != offsetof(struct ddsi_wr_prd_match, prd_guid))
        return NULL;
    return dlsym(library, "ddsi_wr_readers_treedef");
}

static void find(const void *caller)
{
    void *library = eddy_door_library_of(caller);
    if (library == NULL)
        return;
    atomic_store_explicit(&readers, find_readers(library), memory_order_relaxed);
    /* release: who sees the function sees the definition. */
    atomic_store_explicit(&insert, dlsym(library, "ddsrt_avl_insert_ipath"), memory_order_release);
    dlclose(library); /* it is running, and so stays */
}

/* The writer whose tree that is, NULL: it does not look like one. */
static const struct ddsi_writer *writer_of(const ddsrt_avl_tree_t *tree)
{
    const char *begin = (const char *)tree - offsetof(struct ddsi_writer, readers);
    enum ddsi_entity_kind kind;
    memcpy(&kind, begin, sizeof kind);
    return kind == DDSI_EK_WRITER ? (const void *)begin : NULL;
}

static void correct(const ddsrt_avl_tree_t *tree, struct ddsi_wr_prd_match *match)
{
    const struct ddsi_writer *writer = writer_of(tree);
    bool is_served = !match->is_reliable || match->has_replied_to_hb;
    if (writer == NULL || is_served || match->seq != MAX_SEQ_NUMBER)
        return;
    match->seq = writer->seq;
    match->last_seq = writer->seq;
}

void ddsrt_avl_insert_ipath(const ddsrt_avl_treedef_t *td, ddsrt_avl_tree_t *tree, void *node,
                            ddsrt_avl_ipath_t *path)
{
    __typeof__(&ddsrt_avl_insert_ipath) own;
    void *function = atomic_load_explicit(&insert, memory_order_acquire);
    if (function == NULL) {
        find(__builtin_return_address(0));
        function = atomic_load_explicit(&insert, memory_order_acquire);
    }
    if (function == NULL)
        abort(); /* it has been called by nobody */
    if (td == atomic_load_explicit(&readers, memory_order_relaxed))
        correct(tree, node);
    memcpy(&own, &function, sizeof own);
    own(td, tree, node, path);
}
