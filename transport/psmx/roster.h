/* roster.h - which writers DDS knows, and which it has known.  (internal)
 *
 * A sample of a writer that DDS does not know is one of a writer that it will find in a moment, or
 * of one that has left: over the network, too, what it wrote before comes first.  DDS itself tells:
 * a reader of its builtin topic of writers, one for each participant, writes down who comes and who
 * leaves.  It tells of our own writers before it tells the others: those linger (writer.c).
 *
 * Threads: noting: threads of DDS, with locks of DDS held, so it only writes down.  Asking: the
 *          instance's thread.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_ROSTER_H
#define EDDY_PSMX_ROSTER_H

#include "instance.h"

enum psmx_known { PSMX_NEVER_SEEN, PSMX_IS_THERE, PSMX_HAS_LEFT };

struct psmx_roster *psmx_roster_create(struct psmx_home *home);
void psmx_roster_destroy(struct psmx_roster *roster);

/* Lets the participant of a reader of DDS tell, too. */
void psmx_roster_watch(struct psmx_roster *roster, int32_t reader);
/* Lets all participants of this process tell that do not yet: of a writer's nothing else is known. */
void psmx_roster_watch_all(struct psmx_roster *roster);
/* From then on nobody tells. */
void psmx_roster_close(struct psmx_roster *roster);

enum psmx_known psmx_roster_knows(struct psmx_roster *roster, const struct psmx_guid *writer);

#endif
