/* registry.h - the file of a domain: who takes part, who sleeps on which bell.  (internal)
 *
 * What is in it is for people and for hints; who lives, the kernel knows (participant.h).
 *
 * Threads: any.
 * Crash:   a lone participant that joins sweeps the folder.          spec/registry.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_REGISTRY_H
#define EDDY_REGISTRY_H

#include "allocator/lock.h"
#include "allocator/segment/format.h"
#include "allocator/wait/orphans.h"

#include <stdbool.h>

#define EDDY_REGISTRY_FILE    "registry"
#define EDDY_REGISTRY_LAYOUT  5u
#define EDDY_PARTICIPANTS_MAX 16384u
#define EDDY_BELLS_MAX        4096u
#define EDDY_NEWS_WORDS       30u
#define EDDY_NEWS_BITS        (EDDY_NEWS_WORDS * 64)
#define EDDY_SEAT_OF_ID(id)   ((uint32_t)((id)&0xffffff))
#define EDDY_EPOCH_SHIFT      24

struct eddy_participant {
    _Atomic uint64_t id;
    int32_t pid;
    uint32_t uid;
    uint64_t pid_namespace;
    char name[40];
};
/* clang-format off */
EDDY_AT(eddy_participant, id, 0, 8);     /* its process, with the seat         joiners */
EDDY_AT(eddy_participant, pid, 8, 4);    /* its process                        people */
EDDY_AT(eddy_participant, uid, 12, 4);   /* its process                        people */
EDDY_AT(eddy_participant, pid_namespace, 16, 8); /* its process                people */
EDDY_AT(eddy_participant, name, 24, 40); /* its process                        people */
EDDY_SIZE(eddy_participant, 64);
/* clang-format on */

struct eddy_bell_seat {
    _Atomic uint64_t owner;
    _Atomic uint32_t bell;
    uint32_t spare_word;
    _Atomic uint64_t news[EDDY_NEWS_WORDS];
};
/* clang-format off */
EDDY_AT(eddy_bell_seat, owner, 0, 8); /* wait sets, by CAS                  wait sets */
EDDY_AT(eddy_bell_seat, bell, 8, 4);  /* its wait set, ringers              writers */
EDDY_AT(eddy_bell_seat, news, 16, 240); /* writers set, its wait set clears    its wait set */
EDDY_SIZE(eddy_bell_seat, 256);
/* clang-format on */

struct eddy_registry {
    struct eddy_head head;
    uint8_t boot[16];
    uint64_t spare_head[57];
    _Atomic uint64_t sleeping[EDDY_BELLS_MAX / 64];
    _Atomic uint64_t taken[EDDY_PARTICIPANTS_MAX / 64];
    _Atomic uint32_t turn;
    uint32_t spare_turn[15];
    struct eddy_orphans orphans;
    uint64_t spare_tail[119];
    struct eddy_participant participants[EDDY_PARTICIPANTS_MAX];
    struct eddy_bell_seat bells[EDDY_BELLS_MAX];
};
/* clang-format off */
EDDY_AT(eddy_registry, head, 0, 40);                   /* see head                    see head */
EDDY_AT(eddy_registry, boot, 40, 16);                  /* creator                     people */
EDDY_AT(eddy_registry, sleeping, 0x200, 512);          /* wait sets, their own bit    writers */
EDDY_AT(eddy_registry, taken, 0x400, 2048);            /* participants; hints         joiners */
EDDY_AT(eddy_registry, turn, 0xc00, 4);                /* joiners; a hint             joiners */
EDDY_AT(eddy_registry, orphans, 0xc40, 8);             /* see below                   see below */
EDDY_AT(eddy_registry, participants, 0x1000, 1048576); /* see above */
EDDY_AT(eddy_registry, bells, 0x101000, 1048576);      /* see above */
/* clang-format on */

/* Locks are on bytes far behind the end of the file. */
#define EDDY_LOCK_GATE  (1ll << 39) /* shared: joining; exclusive: sweeping, file by file */
#define EDDY_LOCK_DOOR  (EDDY_LOCK_GATE + 1) /* shared: wants to join; sweeping ends */
#define EDDY_LOCK_NAMES (1ll << 41)          /* + hash of a topic's key: opening or closing it */

/* Opens and maps the registry of a folder, creating it if asked; else it is looked at, read-only.  EDDY_ENOENT, EDDY_ESEGMENT,
 * EDDY_EVERSION, ... */
int eddy_registry_open(int dir, bool create, int *fd, struct eddy_registry **registry);
void eddy_registry_unmap(struct eddy_registry *registry);

/* Backs a part of the registry with memory. */
int eddy_registry_reserve(int fd, uint64_t offset, uint64_t bytes);

#endif
