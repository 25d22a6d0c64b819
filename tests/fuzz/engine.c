/* engine.c - the input is a sequence of calls on topics, slots, rings and regions, and of changes
 * to the shared memory between them: every call ends, with a result or an error.
 *
 * One process plays all parts, by two participants.  With HAUNT among the calls another thread
 * changes the same memory meanwhile, so that what is looked at twice may differ.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS = 200 };

struct world world;

static volatile unsigned sum;

void read_all(const void *data, size_t bytes)
{
    const volatile uint8_t *at = data;
    for (size_t i = 0; i < bytes; i += 32)
        sum += at[i];
    if (bytes)
        sum += at[bytes - 1];
}

void is_an_answer(int error)
{
    if (error > 0 || error < EDDY_ENOTREADY)
        abort();
}

/* --- looking and clearing -------------------------------------------------------------------- */

static void look_in(struct input *in)
{
    eddy_snapshot *snapshot = NULL;
    struct eddy_gc_report report;
    int error = eddy_snapshot_take(NULL, &snapshot);
    is_an_answer(error);
    if (!error)
        eddy_snapshot_free(snapshot);
    if (input_byte(in) & 1)
        is_an_answer(eddy_gc(NULL, &report));
}

static void scribble(struct input *in)
{
    folder_scribble(in, false);
}

static void scribble_on_flinks(struct input *in)
{
    folder_scribble(in, true);
}

static void haunt(struct input *in)
{
    folder_haunt(input_number(in, 2));
}

static void leave(void)
{
    for (int i = 0; i < 3; i++)
        eddy_reader_close(world.readings[i].reader);
    while (world.chunk_count)
        eddy_ring_release(world.consumer, &world.chunks[--world.chunk_count]);
    eddy_waitset_close(world.waitset);
    eddy_ring_close(world.producer);
    eddy_ring_close(world.consumer);
    for (int i = 0; i < 2; i++) {
        eddy_writer_close(world.writers[i]);
        eddy_slots_close(world.slots[i]);
        eddy_region_close(world.regions[i]);
        eddy_domain_close(world.domains[i]);
    }
    memset(&world, 0, sizeof world);
}

static void (*const calls[])(struct input *) = {
    open_domains, open_writer, open_reader, publish,          take,         release,
    publish,      take,        scribble,    wait_for_samples, close_writer, close_reader,
    open_slots,   write_slots, read_slots,  change_readers,   scribble,     open_ring,
    produce,      consume,     close_ring,  use_region,       look_in,      scribble_on_flinks,
    scribble,     haunt};

/* The first byte gives the scene that the calls find: bits for both participants, a writer and two
 * readers, slots, a ring. */
static void set_the_scene(uint8_t scene)
{
    static const uint8_t numbers[] = {0, 1, 32, 0, 2, 1, 3, 22, 22, 7, 7, 3};
    struct input in = {numbers, sizeof numbers};
    open_domains(&in);
    open_domains(&in);
    if (scene & 1) {
        open_writer(&in);
        open_reader(&in);
        open_reader(&in);
    }
    if (scene & 2) {
        open_slots(&in);
        open_slots(&in);
    }
    if (scene & 4)
        open_ring(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    folder_clear();
    set_the_scene(input_byte(&in));
    for (int n = 0; n < CALLS && in.left; n++)
        calls[input_byte(&in) % (sizeof calls / sizeof *calls)](&in);
    leave();
    folder_calm();
    return 0;
}
