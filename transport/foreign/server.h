/* server.h - the thread of an exporter, which hands descriptors over.  (internal)
 *
 *   start -> add, remove, ... -> stop
 *
 * It has a table of descriptors of its own, where the kernel gives it one: what the program closes
 * stays open here, and no child inherits it.  So it is spoken to by the socket that all others use, with
 * a secret.
 *
 * Threads: one at a time.
 * Crash:   the kernel closes what it had; the socket's name stays until somebody clears it away.
 *                                                          spec/foreign.md, "Handing over"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FOREIGN_SERVER_H
#define EDDY_FOREIGN_SERVER_H

#include "transport/foreign/foreign.h"

struct eddy_server;

/* `exporter` is its number, by which others find it. */
int eddy_server_start(const struct eddy_domain *domain, uint64_t exporter,
                      struct eddy_server **server);

/* In a forked child nothing but memory goes.  NULL is allowed. */
void eddy_server_stop(struct eddy_server *server, bool forked);

/* From now on it hands this descriptor, of which it gets a copy, to whoever asks for `memory`. */
int eddy_server_add(struct eddy_server *server, uint64_t memory, int fd);

/* Not any more, and who is connected hears of it. */
int eddy_server_remove(struct eddy_server *server, uint64_t memory);

#endif
