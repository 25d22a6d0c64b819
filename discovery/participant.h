/* participant.h - seats in the registry, and who lives.  (internal)
 *
 *   seat free -- lock its claim, then the byte of a new epoch --> taken -- the lock goes --> free
 *
 * A participant is alive as long as the kernel knows its lock (allocator/life/life.h): on the byte
 * that its seat and epoch name, in a file that few seats share.  So asking for one costs the same
 * with any number of others, and nothing that anybody writes into the registry or anywhere else
 * decides who lives.  Its id is seat and epoch, never used again.
 *
 * Threads: any.
 * Crash:   the lock goes; the seat's bit among those that are taken stays until somebody finds the
 *          seat free.                                              spec/registry.md, "Life"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PARTICIPANT_H
#define EDDY_PARTICIPANT_H

#include "allocator/life/life.h"
#include "discovery/registry.h"

/* The seats of one file: so many locks the kernel may have to look through. */
#define EDDY_LIFE_SEATS 32u
#define EDDY_LIFE_FILES (EDDY_PARTICIPANTS_MAX / EDDY_LIFE_SEATS)

/* Takes a seat for good.  `registry_fd` is of the same registry, to back the seat's page.
 * EDDY_ELIMIT: all are taken by the living. */
int eddy_participant_enter(int dir, int registry_fd, struct eddy_registry *registry, uint64_t *id,
                           struct eddy_life *life);
/* In good order. */
void eddy_participant_leave(struct eddy_registry *registry, uint64_t id, struct eddy_life *life);

/* Is a participant alive?  True, too, if that cannot be known: no descriptors, no rights. */
bool eddy_participant_alive(int dir, uint64_t id);

/* Its process, as it says, if the seat is still this one's: pid and name. */
void eddy_participant_name(const struct eddy_participant *participant, uint64_t id, int32_t *pid,
                           char name[40]);

/* True if the system says that its process is stopped, by a signal or a debugger.  False, too, if it
 * is in another PID namespace, or /proc is not mounted. */
bool eddy_participant_stopped(const struct eddy_registry *registry, uint64_t id);
/* Which PID namespace this process is in; 0: /proc is not mounted. */
uint64_t eddy_pid_namespace(void);

/* True if anybody lives but `self`, which may be 0.  `registry`: where to look first, or NULL. */
bool eddy_participants_live(int dir, const struct eddy_registry *registry, uint64_t self);

/* The file that a participant's life is locked in, and the name of one. */
static inline uint32_t eddy_life_file_of(uint64_t id)
{
    return EDDY_SEAT_OF_ID(id) % EDDY_PARTICIPANTS_MAX / EDDY_LIFE_SEATS;
}
#define EDDY_LIFE_NAME 32
void eddy_life_file_name(uint32_t file, char name[EDDY_LIFE_NAME]);
/* True if a file is one that lives are locked in. */
bool eddy_life_file_is(const char *name);
/* Removes them.  The gate is held exclusively, and nobody lives. */
void eddy_life_files_remove(int dir);

#endif
