/* Regions over a Unix socket: one message of fixed size, and with it one descriptor.
 * spec/regions.md, "Sending"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/region/region.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAGIC UINT64_C(0x316e676572646465) /* "eddregn1" */
#define MOST_FDS      253                          /* that the kernel puts into one message */

#ifndef SCM_PIDFD /* Linux 6.5 */
#define SCM_PIDFD 0x04
#endif

struct message {
    uint64_t magic;
    uint64_t bytes; /* that the sender maps */
    uint32_t map;   /* enum eddy_map */
    uint32_t spare; /* zero */
};

/* --- the socket ------------------------------------------------------------------------------ */

static int check_socket(int socket, int *type)
{
    int family;
    socklen_t bytes = sizeof family;
    if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &bytes) != 0 || family != AF_UNIX)
        return eddy_fail(EDDY_EINVAL, "descriptor %d is no Unix socket", socket);
    bytes = sizeof *type;
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, type, &bytes) != 0)
        return eddy_fail_errno("cannot look at socket %d", socket);
    return EDDY_OK;
}

static int milliseconds_until(uint64_t deadline)
{
    uint64_t now = eddy_now();
    if (deadline == EDDY_FOREVER)
        return -1;
    uint64_t left = deadline > now ? (deadline - now + 999999) / 1000000 : 0;
    return left > 1000000 ? 1000000 : (int)left;
}

/* EDDY_EAGAIN and EDDY_ETIMEDOUT are answers, without a sentence. */
static int wait_for(int socket, short events, uint64_t deadline)
{
    struct pollfd p = {.fd = socket, .events = events};
    for (;;) {
        int rc = poll(&p, 1, milliseconds_until(deadline));
        if (rc > 0)
            return EDDY_OK;
        if (rc < 0 && errno != EINTR)
            return eddy_fail_errno("cannot wait for socket %d", socket);
        if (eddy_now() >= deadline)
            return deadline == EDDY_POLL ? EDDY_EAGAIN : EDDY_ETIMEDOUT;
    }
}

static bool is_passing(int number)
{
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

static int fail_socket(const char *what)
{
    int number = errno;
    if (number == EPIPE || number == ECONNRESET || number == ECONNREFUSED)
        return eddy_fail(EDDY_EPEERGONE, "cannot %s a region: the other side is gone", what);
    if (number == ENOTCONN || number == EDESTADDRREQ || number == EINVAL)
        return eddy_fail(EDDY_EINVAL, "cannot %s a region: the socket is not connected", what);
    return eddy_fail_errno("cannot %s a region", what);
}

/* --- sending --------------------------------------------------------------------------------- */

/* A descriptor with no more rights than asked for; to be closed if it is not the region's own. */
static int reduced(const struct eddy_region *r, int mine, enum eddy_map map, int *fd)
{
    char own[40];
    *fd = mine;
    if (map == EDDY_MAP_READ_WRITE || !r->may_write)
        return EDDY_OK;
    snprintf(own, sizeof own, "/proc/self/fd/%d", mine);
    *fd = open(own, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? EDDY_OK : eddy_fail_errno("cannot open a region again for reading alone");
}

static ssize_t send_part(int socket, const void *data, size_t bytes, const int *fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)data, bytes};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd) {
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), fd, sizeof *fd);
    }
    return sendmsg(socket, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The descriptor goes with the first byte; a stream may take the rest later. */
static int send_all(int socket, const struct message *m, int fd, uint64_t deadline)
{
    size_t sent = 0;
    while (sent < sizeof *m) {
        ssize_t rc = send_part(socket, (const char *)m + sent, sizeof *m - sent, sent ? NULL : &fd);
        if (rc < 0 && !is_passing(errno))
            return fail_socket("send");
        sent += rc > 0 ? (size_t)rc : 0;
        int error = rc < 0 ? wait_for(socket, POLLOUT, deadline) : EDDY_OK;
        if (error)
            return error;
    }
    return EDDY_OK;
}

int eddy_region_send(const eddy_region *r, int socket, enum eddy_map map, uint64_t deadline)
{
    EDDY_UNCANCELLED;
    int type, fd, mine = eddy_region_file(r);
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    if (map != EDDY_MAP_READ && map != EDDY_MAP_READ_WRITE)
        return eddy_fail(EDDY_EINVAL, "a region is sent EDDY_MAP_READ_WRITE or EDDY_MAP_READ");
    if (map == EDDY_MAP_READ_WRITE && (!r->may_write || eddy_region_seals(mine) & EDDY_SEAL_WRITE))
        return eddy_fail(EDDY_EACCES, "the right to write to this region is not ours to send");
    int error = check_socket(socket, &type);
    if (!error)
        error = reduced(r, mine, map, &fd);
    if (error)
        return error;
    struct message m = {MESSAGE_MAGIC, eddy_region_bytes(r), (uint32_t)map, 0};
    error = send_all(socket, &m, fd, deadline);
    if (fd != mine)
        close(fd);
    return error;
}

/* --- receiving ------------------------------------------------------------------------------- */

struct parcel {
    struct message message;
    size_t got;
    int fd;        /* -1: none */
    bool is_wrong; /* no message of ours */
};

/* Keeps the first descriptor; closes all others, and notes that there were any. */
static void take_fds(struct parcel *p, const struct cmsghdr *c)
{
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        bool wanted = c->cmsg_type == SCM_RIGHTS && p->fd < 0;
        if (wanted)
            p->fd = fd;
        else
            close(fd);
        p->is_wrong |= c->cmsg_type == SCM_RIGHTS && !wanted;
    }
}

static ssize_t receive_part(int socket, struct parcel *p)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(MOST_FDS * sizeof(int)) + 256]; /* and credentials, if asked for */
    } control;
    struct iovec part = {(char *)&p->message + p->got, sizeof p->message - p->got};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    ssize_t rc = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (rc < 0)
        return rc;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == SOL_SOCKET &&
            (c->cmsg_type == SCM_RIGHTS || c->cmsg_type == SCM_PIDFD))
            take_fds(p, c);
    p->is_wrong |= m.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
    p->got += (size_t)rc;
    return rc;
}

/* One packet is the message or is not; a stream may bring it in parts. */
static int receive_all(int socket, int type, struct parcel *p, uint64_t deadline)
{
    while (p->got < sizeof p->message && !p->is_wrong) {
        ssize_t rc = receive_part(socket, p);
        if (rc < 0 && !is_passing(errno))
            return fail_socket("receive");
        if (rc == 0 && type != SOCK_DGRAM && p->got == 0)
            return eddy_fail(EDDY_EPEERGONE, "no region came: the other side has closed");
        p->is_wrong |= rc >= 0 && p->got < sizeof p->message && (type != SOCK_STREAM || rc == 0);
        int error = rc < 0 ? wait_for(socket, POLLIN, deadline) : EDDY_OK;
        if (error)
            return error;
    }
    return EDDY_OK;
}

static int unpack(const struct parcel *p)
{
    const struct message *m = &p->message;
    struct stat status = {0};
    bool is_short = p->fd < 0 || fstat(p->fd, &status) != 0 || (uint64_t)status.st_size < m->bytes;
    const char *wrong = p->is_wrong                 ? "has another size or several descriptors"
                        : m->magic != MESSAGE_MAGIC ? "does not begin as one"
                        : p->fd < 0                 ? "has no descriptor"
                        : m->map > 1 || m->spare || is_short ? "is malformed"
                                                             : NULL;
    if (wrong)
        return eddy_fail(EDDY_ESEGMENT, "what came over the socket is no region: it %s", wrong);
    return EDDY_OK;
}

int eddy_region_receive_sized(int socket, const struct eddy_region_options *options,
                              size_t options_size, uint64_t deadline, eddy_region **region)
{
    EDDY_UNCANCELLED;
    struct eddy_region_options o;
    struct parcel p = {.fd = -1};
    int type;
    int error = eddy_region_take_view(&o, options, options_size);
    if (!error)
        error = check_socket(socket, &type);
    if (!error)
        error = receive_all(socket, type, &p, deadline);
    if (!error)
        error = unpack(&p);
    if (!error)
        return eddy_region_attach_fd(p.fd, 0, &o, region);
    if (p.fd >= 0)
        close(p.fd);
    return error;
}
