/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/foreign/server.h"

#include "allocator/error.h"
#include "allocator/thread.h"
#include "allocator/wait/futex.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 128u     /* the one that came first goes for another; it may come again */
#define CONNECT_NAP     1000000u /* ns, when too many ask at once */
#define ORDER_PATIENCE  5000000000u /* ns that our own thread may take */
#define SHORT_NAP_MS    100         /* when no descriptor is free */

struct given {
    uint64_t memory;
    struct eddy_kept file;
};

struct eddy_server {
    const struct eddy_domain *domain;
    uint64_t secret;
    char name[EDDY_EXPORT_ROOM];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool began, apart; /* under the lock: whether it has a table of its own */
    /* The thread's alone from then on. */
    struct eddy_kept listening, connections[CONNECTIONS_MAX];
    struct pollfd polled[1 + CONNECTIONS_MAX];
    uint32_t connected, given_count, given_room;
    struct given *given;
    bool is_short; /* of descriptors, just now */
};

/* --- connections ----------------------------------------------------------------------------- */

static void drop_connection(struct eddy_server *s, uint32_t i)
{
    eddy_kept_end(&s->connections[i]);
    s->connected--;
    memmove(&s->connections[i], &s->connections[i + 1],
            (s->connected - i) * sizeof *s->connections);
}

static void accept_one(struct eddy_server *s)
{
    int fd = accept4(eddy_kept_fd(&s->listening), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    s->is_short =
        fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS);
    if (s->is_short && s->connected > 0)
        drop_connection(s, 0);
    if (fd < 0)
        return;
    if (s->connected == CONNECTIONS_MAX)
        drop_connection(s, 0);
    eddy_kept_begin(&s->connections[s->connected++], fd, NULL, 0);
}

/* Who does not listen is let go of: it finds the connection ended, and asks again. */
static bool send_to(const struct eddy_kept *connection, enum eddy_foreign_word word,
                    uint64_t memory, int error, int fd)
{
    const struct eddy_foreign_message m = {
        .magic = EDDY_MESSAGE_MAGIC, .word = word, .error = error, .memory = memory};
    return eddy_foreign_send(eddy_kept_fd(connection), &m, fd);
}

/* --- what is given --------------------------------------------------------------------------- */

static struct given *find_given(struct eddy_server *s, uint64_t memory)
{
    for (uint32_t i = 0; i < s->given_count; i++)
        if (s->given[i].memory == memory)
            return &s->given[i];
    return NULL;
}

static int add_given(struct eddy_server *s, uint64_t memory, int fd)
{
    if (s->given_count == s->given_room) {
        uint32_t room = s->given_room ? 2 * s->given_room : 16;
        struct given *more = reallocarray(s->given, room, sizeof *more);
        if (!more)
            return EDDY_ENOMEM;
        s->given = more;
        s->given_room = room;
    }
    struct given *g = &s->given[s->given_count++];
    g->memory = memory;
    eddy_kept_begin(&g->file, fd, NULL, 0);
    return EDDY_OK;
}

static void remove_given(struct eddy_server *s, uint64_t memory)
{
    struct given *g = find_given(s, memory);
    if (!g)
        return;
    eddy_kept_end(&g->file);
    *g = s->given[--s->given_count];
    for (uint32_t i = s->connected; i-- > 0;)
        if (!send_to(&s->connections[i], EDDY_FOREIGN_GONE, memory, 0, -1))
            drop_connection(s, i);
}

/* --- messages -------------------------------------------------------------------------------- */

/* Takes what came with it. */
static bool obey(struct eddy_server *s, struct eddy_kept *from,
                 const struct eddy_foreign_message *m, int *fd)
{
    int error = EDDY_OK;
    struct eddy_kept owner = *from; /* the list moves */
    if (m->word == EDDY_FOREIGN_ADD && *fd >= 0) {
        error = add_given(s, m->memory, *fd);
        if (!error)
            *fd = -1;
    } else if (m->word == EDDY_FOREIGN_REMOVE) {
        remove_given(s, m->memory);
    }
    return send_to(&owner, EDDY_FOREIGN_DONE, m->memory, error, -1);
}

static bool answer(struct eddy_server *s, const struct eddy_kept *from, uint64_t memory)
{
    const struct given *g = find_given(s, memory);
    int fd = g ? eddy_kept_fd(&g->file) : -1;
    return send_to(from, fd >= 0 ? EDDY_FOREIGN_HERE : EDDY_FOREIGN_NOT_HERE, memory, 0, fd);
}

/* False: it is to be dropped. */
static bool hear(struct eddy_server *s, struct eddy_kept *from)
{
    struct eddy_foreign_message m = {0};
    int socket = eddy_kept_fd(from), fd = -1;
    int error = socket < 0 ? EDDY_EPEERGONE : eddy_foreign_receive(socket, &m, &fd);
    bool stays = error == EDDY_EAGAIN;
    if (!error && m.word == EDDY_FOREIGN_ASK)
        stays = answer(s, from, m.memory);
    else if (!error && m.secret == s->secret)
        stays = obey(s, from, &m, &fd);
    if (fd >= 0)
        close(fd);
    return stays;
}

/* --- the thread ------------------------------------------------------------------------------ */

/* A frame that is cancelled never tells AddressSanitizer that it has gone, so it must not tell that it
 * was there. */
#define MAY_BE_CANCELLED __attribute__((no_sanitize("address"), no_sanitize_address))

/* The one place where it ends. */
MAY_BE_CANCELLED static int wait_for_some(struct eddy_server *s)
{
    nfds_t first = s->is_short ? 1 : 0; /* else it would be told of who waits, again and again */
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    int rc = poll(s->polled + first, 1 + s->connected - first, s->is_short ? SHORT_NAP_MS : -1);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    return rc;
}

static void set_polled(struct eddy_server *s)
{
    s->polled[0] = (struct pollfd){.fd = eddy_kept_fd(&s->listening), .events = POLLIN};
    for (uint32_t i = 0; i < s->connected; i++)
        s->polled[1 + i] =
            (struct pollfd){.fd = eddy_kept_fd(&s->connections[i]), .events = POLLIN};
}

/* From the last to the first, as they move up; a new one comes behind all, and is heard next time. */
static void hear_all(struct eddy_server *s)
{
    for (uint32_t i = s->connected; i-- > 0;)
        if (i < s->connected && s->polled[1 + i].revents && !hear(s, &s->connections[i]) &&
            i < s->connected)
            drop_connection(s, i);
    if (s->is_short || s->polled[0].revents)
        accept_one(s);
}

static void close_all(void *server)
{
    struct eddy_server *s = server;
    while (s->connected > 0)
        drop_connection(s, s->connected - 1);
    while (s->given_count > 0)
        eddy_kept_end(&s->given[--s->given_count].file);
    eddy_kept_end(&s->listening);
}

static void begin(struct eddy_server *s)
{
    bool apart = eddy_descriptors_keep(eddy_kept_fd(&s->listening));
    pthread_mutex_lock(&s->lock);
    s->began = true;
    s->apart = apart;
    pthread_cond_signal(&s->told);
    pthread_mutex_unlock(&s->lock);
}

MAY_BE_CANCELLED static void *serve(void *server)
{
    struct eddy_server *s = server;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    begin(s);
    pthread_cleanup_push(close_all, s);
    for (;;) {
        set_polled(s);
        if (wait_for_some(s) >= 0)
            hear_all(s);
    }
    pthread_cleanup_pop(0);
    return NULL;
}

/* --- starting and stopping ------------------------------------------------------------------- */

static int start_thread(struct eddy_server *s)
{
    int rc = eddy_thread_start(&s->thread, NULL, serve, s);
    if (rc != 0)
        return eddy_fail(EDDY_ESYS,
                         "cannot start the thread that hands memory over (%s); see ulimit -u",
                         strerror(rc));
    pthread_mutex_lock(&s->lock);
    while (!s->began)
        pthread_cond_wait(&s->told, &s->lock);
    bool apart = s->apart;
    pthread_mutex_unlock(&s->lock);
    if (apart) { /* ours is a copy; its own is told by the same number */
        struct eddy_kept ours = s->listening;
        eddy_kept_end(&ours);
    }
    return EDDY_OK;
}

static void free_server(struct eddy_server *s)
{
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->told);
    free(s->given);
    free(s);
}

int eddy_server_start(const struct eddy_domain *d, uint64_t exporter, struct eddy_server **server)
{
    struct eddy_server *s = calloc(1, sizeof *s);
    int fd = -1;
    if (!s)
        return eddy_fail(EDDY_ENOMEM, "no memory for an exporter");
    s->domain = d;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->told, NULL);
    eddy_export_name(d->id, exporter, s->name);
    int error = getrandom(&s->secret, sizeof s->secret, 0) == (ssize_t)sizeof s->secret
                    ? eddy_export_listen(d, s->name, &fd)
                    : eddy_fail_errno("no random numbers for an exporter");
    if (!error) {
        eddy_kept_begin(&s->listening, fd, NULL, 0);
        error = start_thread(s);
        if (error) {
            (void)unlinkat(eddy_domain_folder(d), s->name, 0);
            eddy_kept_end(&s->listening);
        }
    }
    if (error) {
        free_server(s);
        return error;
    }
    *server = s;
    return EDDY_OK;
}

void eddy_server_stop(struct eddy_server *s, bool forked)
{
    if (!s)
        return;
    if (!forked) {
        (void)unlinkat(eddy_domain_folder(s->domain), s->name, 0);
        pthread_cancel(s->thread);
        pthread_join(s->thread, NULL);
    }
    free_server(s);
}

/* --- orders ---------------------------------------------------------------------------------- */

static int connect_to(const struct eddy_server *s, uint64_t deadline, int *fd)
{
    int error = eddy_export_connect(s->domain, s->name, fd);
    while (error == EDDY_EAGAIN && eddy_now() < deadline) {
        eddy_nap(CONNECT_NAP);
        error = eddy_export_connect(s->domain, s->name, fd);
    }
    if (error == EDDY_EPEERGONE)
        return eddy_fail(EDDY_ENOENT,
                         "the domain's files in %s were removed while it is in use; close it and "
                         "open it anew",
                         s->domain->dir);
    return error == EDDY_EAGAIN ? eddy_fail(EDDY_EBUSY, "too many ask for memory just now") : error;
}

static int hear_done(int socket, uint64_t deadline)
{
    struct eddy_foreign_message m = {0};
    int fd = -1, error = EDDY_EAGAIN;
    /* What is removed it is told, too, as everybody is. */
    while ((error == EDDY_EAGAIN || (!error && m.word != EDDY_FOREIGN_DONE)) &&
           eddy_foreign_wait(socket, deadline)) {
        if (fd >= 0)
            close(fd);
        error = eddy_foreign_receive(socket, &m, &fd);
    }
    if (fd >= 0)
        close(fd);
    error = !error && m.word != EDDY_FOREIGN_DONE ? EDDY_EAGAIN : error;
    if (error)
        return eddy_fail(EDDY_ESYS, "the thread that hands memory over did not take an order; is "
                                    "there a descriptor left (ulimit -n)?");
    return m.error ? eddy_fail(EDDY_ENOMEM, "no memory to export one more") : EDDY_OK;
}

static int order(struct eddy_server *s, enum eddy_foreign_word word, uint64_t memory, int fd)
{
    const struct eddy_foreign_message m = {
        .magic = EDDY_MESSAGE_MAGIC, .word = word, .secret = s->secret, .memory = memory};
    uint64_t deadline = eddy_deadline(ORDER_PATIENCE);
    int socket = -1;
    int error = connect_to(s, deadline, &socket);
    if (error)
        return error;
    error = eddy_foreign_send(socket, &m, fd) ? hear_done(socket, deadline)
                                              : eddy_fail_errno("cannot hand a descriptor over");
    close(socket);
    return error;
}

int eddy_server_add(struct eddy_server *s, uint64_t memory, int fd)
{
    return order(s, EDDY_FOREIGN_ADD, memory, fd);
}

int eddy_server_remove(struct eddy_server *s, uint64_t memory)
{
    return order(s, EDDY_FOREIGN_REMOVE, memory, -1);
}
