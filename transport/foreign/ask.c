/* Asking other processes for their memory.  spec/foreign.md, "Handing over"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/wait/futex.h"
#include "transport/foreign/importer.h"

#include <stdlib.h>
#include <unistd.h>

#define LOOK_AGAIN  100000000u /* ns between looks whether the other side lives */
#define CONNECT_NAP 1000000u   /* ns, when too many ask at once */

/* --- whom one asks --------------------------------------------------------------------------- */

static struct eddy_peer *find_peer(struct eddy_importer *i, const struct eddy_imported_key *key)
{
    struct eddy_peer *p = i->peers;
    while (p && (p->exporter != key->exporter || p->participant != key->participant))
        p = p->next;
    return p;
}

static bool is_of(const struct eddy_imported *m, const struct eddy_peer *p)
{
    return m->key.exporter == p->exporter && m->key.participant == p->participant;
}

/* All that came from it goes as soon as it is not used: it is gone, or has let go of us, and then it
 * can be asked again. */
static void drop_peer(struct eddy_importer *i, struct eddy_peer *p)
{
    struct eddy_peer **at = &i->peers;
    for (uint32_t b = 0; b < EDDY_IMPORT_BUCKETS; b++)
        for (struct eddy_imported *m = i->buckets[b], *next; m; m = next) {
            next = m->next;
            if (is_of(m, p))
                eddy_imported_end(m);
        }
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    eddy_kept_end(&p->connection);
    free(p);
}

static int make_peer(struct eddy_importer *i, const struct eddy_imported_key *key, int fd,
                     struct eddy_peer **peer)
{
    struct eddy_peer *p = calloc(1, sizeof *p);
    if (!p) {
        close(fd);
        return eddy_fail(EDDY_ENOMEM, "no memory to ask for memory of another");
    }
    p->participant = key->participant;
    p->exporter = key->exporter;
    eddy_kept_begin(&p->connection, fd, NULL, 0);
    p->next = i->peers;
    i->peers = p;
    *peer = p;
    return EDDY_OK;
}

static int connect_peer(struct eddy_importer *i, const struct eddy_imported_key *key,
                        uint64_t deadline, struct eddy_peer **peer)
{
    char name[EDDY_EXPORT_ROOM];
    int fd = -1;
    *peer = find_peer(i, key);
    if (*peer)
        return EDDY_OK;
    eddy_export_name(key->participant, key->exporter, name);
    int error = eddy_export_connect(i->domain, name, &fd);
    while (error == EDDY_EAGAIN && eddy_now() < deadline) {
        eddy_nap(CONNECT_NAP);
        error = eddy_export_connect(i->domain, name, &fd);
    }
    if (error == EDDY_EAGAIN && deadline != EDDY_POLL)
        error = EDDY_ETIMEDOUT;
    return error ? error : make_peer(i, key, fd, peer);
}

/* --- what they say --------------------------------------------------------------------------- */

static int fail_not_here(void)
{
    return eddy_fail(EDDY_EPEERGONE,
                     "the program whose memory this is does not export it any more");
}

/* What was not asked for, or has come already, is not taken. */
static int take(struct eddy_imported *m, const struct eddy_foreign_message *said, int fd)
{
    bool asked = m && !m->is_here;
    int error = EDDY_OK;
    if (asked && said->word == EDDY_FOREIGN_HERE && fd >= 0) {
        error = eddy_imported_admit(m, fd);
        fd = -1;
    } else if (said->word == EDDY_FOREIGN_HERE) {
        error = eddy_fail(EDDY_ESEGMENT, "memory came without a descriptor, or twice");
    } else if (said->word == EDDY_FOREIGN_NOT_HERE) {
        error = fail_not_here();
    } else if (said->word == EDDY_FOREIGN_GONE && m && m->is_here) {
        eddy_imported_end(m);
    }
    if (fd >= 0)
        close(fd);
    if (error && asked)
        eddy_imported_free(m);
    return error;
}

/* EDDY_EAGAIN: nothing more; what is said of `awaited`; and the peer may be gone then: */
#define PEER_ENDED 1

static int hear_one(struct eddy_importer *i, struct eddy_peer *p, uint64_t awaited)
{
    struct eddy_foreign_message said = {0};
    int fd = -1, socket = eddy_kept_fd(&p->connection);
    int error = socket < 0 ? EDDY_EPEERGONE : eddy_foreign_receive(socket, &said, &fd);
    if (error == EDDY_EAGAIN)
        return error;
    if (error) {
        drop_peer(i, p);
        return error == EDDY_ESEGMENT ? error : PEER_ENDED;
    }
    const struct eddy_imported_key key = {p->participant, p->exporter, said.memory};
    error = take(eddy_imported_find(i, &key), &said, fd);
    return said.memory == awaited ? error : EDDY_OK;
}

void eddy_importer_hear(struct eddy_importer *i)
{
    for (struct eddy_peer *p = i->peers, *next; p; p = next) {
        next = p->next;
        int heard = EDDY_OK;
        while (heard != EDDY_EAGAIN && heard != PEER_ENDED && heard != EDDY_ESEGMENT)
            heard = hear_one(i, p, 0);
    }
}

/* --- asking ---------------------------------------------------------------------------------- */

static int send_ask(struct eddy_importer *i, struct eddy_peer *p,
                    const struct eddy_imported_key *key)
{
    const struct eddy_foreign_message ask = {
        .magic = EDDY_MESSAGE_MAGIC, .word = EDDY_FOREIGN_ASK, .memory = key->memory};
    if (!eddy_imported_make(i, key))
        return eddy_fail(EDDY_ENOMEM, "no memory to ask for memory of another");
    if (eddy_foreign_send(eddy_kept_fd(&p->connection), &ask, -1))
        return EDDY_OK;
    drop_peer(i, p);
    return PEER_ENDED;
}

/* A child of the other side may keep the connection open when that is dead. */
static int fail_if_dead(struct eddy_importer *i, struct eddy_peer *p)
{
    if (eddy_domain_knows_alive(i->domain, p->participant))
        return EDDY_OK;
    drop_peer(i, p);
    return PEER_ENDED;
}

static int wait_for_answer(struct eddy_importer *i, struct eddy_peer *p,
                           const struct eddy_imported_key *key, uint64_t deadline,
                           struct eddy_imported **imported)
{
    for (;;) {
        int error = hear_one(i, p, key->memory);
        struct eddy_imported *m = eddy_imported_find(i, key);
        if (m && m->is_here) {
            *imported = m;
            return EDDY_OK;
        }
        if (error != EDDY_OK && error != EDDY_EAGAIN)
            return error;
        uint64_t next = eddy_deadline(LOOK_AGAIN);
        if (error == EDDY_EAGAIN &&
            !eddy_foreign_wait(eddy_kept_fd(&p->connection), next < deadline ? next : deadline)) {
            if (eddy_now() >= deadline)
                return deadline == EDDY_POLL ? EDDY_EAGAIN : EDDY_ETIMEDOUT;
            error = fail_if_dead(i, p);
            if (error)
                return error;
        }
    }
}

int eddy_importer_ask(struct eddy_importer *i, const struct eddy_imported_key *key,
                      uint64_t deadline, struct eddy_imported **imported)
{
    int error = PEER_ENDED;
    /* It may have let go of us since it was asked last; from a second connection no more is heard. */
    for (int tries = 0; tries < 2 && error == PEER_ENDED; tries++) {
        struct eddy_peer *p;
        error = connect_peer(i, key, deadline, &p);
        if (!error && !eddy_imported_find(i, key))
            error = send_ask(i, p, key);
        if (!error)
            error = wait_for_answer(i, p, key, deadline, imported);
    }
    return error == PEER_ENDED
               ? eddy_fail(EDDY_EPEERGONE, "the program whose memory this is has ended")
               : error;
}
