/* The sockets by which descriptors go from process to process.  spec/foreign.md, "Handing over"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/point.h"
#include "allocator/whose.h"
#include "transport/foreign/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG  64
#define MOST_FDS 253 /* that the kernel puts into one message */

void eddy_export_name(uint64_t participant, uint64_t exporter, char name[EDDY_EXPORT_ROOM])
{
    snprintf(name, EDDY_EXPORT_ROOM, "%016llx.%016llx.export", (unsigned long long)participant,
             (unsigned long long)exporter);
}

/* --- where ----------------------------------------------------------------------------------- */

/* The path of a domain's folder may be longer than the address of a socket.  False: there is no way. */
static bool make_address(const struct eddy_domain *d, const char *name, struct sockaddr_un *address)
{
    int folder = eddy_domain_folder(d);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (folder < 0)
        return false;
    int length = access("/proc/self/fd", X_OK) == 0
                     ? snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s",
                                folder, name)
                     : snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", d->dir, name);
    errno = ENAMETOOLONG;
    return length < (int)sizeof address->sun_path;
}

/* -1 with errno. */
static int bind_to(const struct eddy_domain *d, const char *name, int fd)
{
    struct sockaddr_un address;
    if (!make_address(d, name, &address))
        return -1;
    int rc = bind(fd, (struct sockaddr *)&address, sizeof address);
    EDDY_POINT("export:bound");
    return rc;
}

/* Mode and group of the domain's files, whatever the umask.  -1 with errno. */
static int give_to_domain(int folder, const char *name)
{
    struct eddy_whose whose = eddy_whose_of(folder);
    if (fchmodat(folder, name, eddy_whose_mode(&whose), 0) != 0)
        return -1;
    return whose.groups ? fchownat(folder, name, (uid_t)-1, whose.group, AT_SYMLINK_NOFOLLOW) : 0;
}

/* Nobody can connect before it listens, so its mode counts from the first on. */
static int bind_as_domains(const struct eddy_domain *d, const char *name, int fd)
{
    bool listens = bind_to(d, name, fd) == 0 && give_to_domain(eddy_domain_folder(d), name) == 0 &&
                   listen(fd, BACKLOG) == 0;
    int error = listens
                    ? EDDY_OK
                    : eddy_fail_errno("cannot make %s/%s to hand descriptors over", d->dir, name);
    EDDY_POINT("export:listens");
    return error;
}

int eddy_export_listen(const struct eddy_domain *d, const char *name, int *fd)
{
    *fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return eddy_fail_errno("cannot open a socket to hand descriptors over");
    int error = bind_as_domains(d, name, *fd);
    if (error) {
        (void)unlinkat(eddy_domain_folder(d), name, 0);
        close(*fd);
    }
    return error;
}

static int check_socket(const struct eddy_domain *d, const char *name)
{
    struct stat status;
    int folder = eddy_domain_folder(d);
    struct eddy_whose whose = eddy_whose_of(folder);
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT
                   ? eddy_fail(EDDY_EPEERGONE, "the program whose memory this is has ended or "
                                               "closed its exporter")
                   : eddy_fail_errno("cannot look at %s/%s", d->dir, name);
    if (!S_ISSOCK(status.st_mode) || !eddy_whose_has(&whose, &status))
        return eddy_fail(EDDY_EACCES, "%s/%s is no socket of this domain's users", d->dir, name);
    return EDDY_OK;
}

int eddy_export_connect(const struct eddy_domain *d, const char *name, int *fd)
{
    struct sockaddr_un address;
    int error = check_socket(d, name);
    if (error)
        return error;
    *fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return eddy_fail_errno("cannot open a socket to ask for memory");
    if (make_address(d, name, &address) &&
        connect(*fd, (struct sockaddr *)&address, sizeof address) == 0)
        return EDDY_OK;
    int number = errno;
    close(*fd);
    errno = number;
    if (number == EAGAIN)
        return EDDY_EAGAIN;
    if (number == ECONNREFUSED || number == ENOENT)
        return eddy_fail(EDDY_EPEERGONE, "the program whose memory this is has ended");
    return eddy_fail_errno("cannot connect to %s/%s", d->dir, name);
}

/* --- messages -------------------------------------------------------------------------------- */

bool eddy_foreign_send(int socket, const struct eddy_foreign_message *message, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)message, sizeof *message};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    ssize_t rc;
    do
        rc = sendmsg(socket, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (rc < 0 && errno == EINTR);
    return rc == (ssize_t)sizeof *message;
}

/* Keeps the first descriptor and closes others.  Returns how many there were. */
static size_t take_fds(const struct cmsghdr *c, int *kept)
{
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        if (*kept < 0)
            *kept = fd;
        else
            close(fd);
    }
    return count;
}

int eddy_foreign_receive(int socket, struct eddy_foreign_message *message, int *fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(MOST_FDS * sizeof(int))];
    } control;
    struct iovec part = {message, sizeof *message};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    ssize_t rc;
    size_t fds = 0;
    *fd = -1;
    do
        rc = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? EDDY_EAGAIN : EDDY_EPEERGONE;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            fds += take_fds(c, fd);
    if (rc == (ssize_t)sizeof *message && fds <= 1 && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
        message->magic == EDDY_MESSAGE_MAGIC)
        return EDDY_OK;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return rc == 0 ? EDDY_EPEERGONE
                   : eddy_fail(EDDY_ESEGMENT, "what came in place of memory is no message of it");
}

bool eddy_foreign_wait(int socket, uint64_t deadline)
{
    struct pollfd p = {.fd = socket, .events = POLLIN};
    for (;;) {
        uint64_t now = eddy_now();
        uint64_t left = deadline > now ? (deadline - now + 999999) / 1000000 : 0;
        int rc = poll(&p, 1, left > 1000 ? 1000 : (int)left);
        if (rc > 0 || (rc < 0 && errno != EINTR))
            return true;
        if (eddy_now() >= deadline)
            return false;
    }
}
