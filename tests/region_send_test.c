/* region_send_test.c - regions over Unix sockets: rights, deadlines, lost peers, and junk.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/region.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

static const struct eddy_region_options reading = {.map = EDDY_MAP_READ};
static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
enum { TYPES = 3 };

struct ends {
    int near, far;
};

static struct ends connect_pair(int type)
{
    int pair[2];
    check(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) == 0);
    return (struct ends){pair[0], pair[1]};
}

static void disconnect(struct ends ends)
{
    close(ends.near);
    close(ends.far);
}

static eddy_region *receive(int socket, const struct eddy_region_options *options)
{
    eddy_region *region = NULL;
    must(eddy_region_receive(socket, options, patience(), &region));
    check(region != NULL);
    return region;
}

/* --- the message ----------------------------------------------------------------------------- */

/* What eddy_region_send would have sent, to be spoiled. */
struct raw {
    union {
        unsigned char bytes[64];
        uint64_t words[8];
    };
    size_t size;
};

static ssize_t raw_send(int socket, const struct raw *raw, const int *fds, size_t count)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(300 * sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)raw->bytes, raw->size};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (count) {
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
    }
    return sendmsg(socket, &m, MSG_NOSIGNAL);
}

/* The true message, learnt from a true sending. */
static struct raw learn(const eddy_region *region)
{
    struct raw raw = {.size = 0};
    struct ends ends = connect_pair(SOCK_SEQPACKET);
    must(eddy_region_send(region, ends.near, EDDY_MAP_READ_WRITE, EDDY_POLL));
    ssize_t got = recv(ends.far, raw.bytes, sizeof raw.bytes, 0); /* the descriptor goes */
    check(got > 0 && got < 60);
    raw.size = (size_t)got;
    disconnect(ends);
    return raw;
}

/* --- what comes, comes whole ----------------------------------------------------------------- */

static void guest(int wire, void *argument)
{
    int socket = *(int *)argument;
    eddy_region *region = receive(socket, NULL);
    same(eddy_region_bytes(region), 5000);
    same(get(region, 4999), 17);
    put(region, 0, 18);
    wire_say(wire, WIRE_DONE);
    wire_expect(wire, WIRE_GO); /* it is gone there, and good here */
    same(get(region, 4999), 17);
    must(eddy_region_close(region));
}

static void another_process_gets_the_same_memory(void **state)
{
    (void)state;
    for (int t = 0; t < TYPES; t++) {
        eddy_region *region = create_nameless(5000, 0);
        struct ends ends = connect_pair(types[t]);
        put(region, 4999, 17);
        struct child child = child_start(guest, &ends.far);
        must(eddy_region_send(region, ends.near, EDDY_MAP_READ_WRITE, patience()));
        wire_expect(child.wire, WIRE_DONE);
        same(get(region, 0), 18);
        must(eddy_region_close(region));
        wire_say(child.wire, WIRE_GO);
        child_join(&child);
        disconnect(ends);
    }
}

static void the_right_to_read_is_no_right_to_write(void **state)
{
    (void)state;
    struct ends ends = connect_pair(SOCK_STREAM);
    eddy_region *region = create_nameless(100, 0), *far = NULL;
    must(eddy_region_send(region, ends.near, EDDY_MAP_READ, EDDY_POLL));
    must(eddy_region_send(region, ends.near, EDDY_MAP_READ, EDDY_POLL));
    must_fail(eddy_region_receive(ends.far, NULL, EDDY_POLL, &far), EDDY_EACCES);
    far = receive(ends.far, &reading);
    check(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, eddy_region_fd(far), 0) == MAP_FAILED);
    must_fail(eddy_region_protect(far, EDDY_MAP_READ_WRITE), EDDY_EACCES);
    /* Nor can it be passed on. */
    must_fail(eddy_region_send(far, ends.near, EDDY_MAP_READ_WRITE, EDDY_POLL), EDDY_EACCES);
    must(eddy_region_send(far, ends.near, EDDY_MAP_READ, EDDY_POLL));
    eddy_region *third = receive(ends.far, &reading);
    same(info_of(third).inode, info_of(region).inode);
    must(eddy_region_close(third));
    must(eddy_region_close(far));
    must(eddy_region_seal(region, EDDY_SEAL_WRITE));
    must_fail(eddy_region_send(region, ends.near, EDDY_MAP_READ_WRITE, EDDY_POLL), EDDY_EACCES);
    must(eddy_region_close(region));
    disconnect(ends);
}

static void regions_with_names_are_sent_as_well(void **state)
{
    (void)state;
    struct ends ends = connect_pair(SOCK_STREAM);
    eddy_domain *domain = open_domain();
    eddy_region *region = create_named(domain, "a", 77);
    must(eddy_region_send(region, ends.near, EDDY_MAP_READ_WRITE, EDDY_POLL));
    eddy_region *far = receive(ends.far, NULL);
    same(eddy_region_bytes(far), 77);
    must_fail(eddy_region_own(far), EDDY_EINVAL);
    must(eddy_region_close(far));
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
    disconnect(ends);
}

static void many_come_in_the_order_they_were_sent(void **state)
{
    (void)state;
    struct ends ends = connect_pair(SOCK_STREAM);
    for (uint64_t i = 1; i <= 50; i++) {
        eddy_region *region = create_nameless(i, 0);
        must(eddy_region_send(region, ends.near, EDDY_MAP_READ_WRITE, EDDY_POLL));
        must(eddy_region_close(region));
    }
    for (uint64_t i = 1; i <= 50; i++) {
        eddy_region *far = receive(ends.far, NULL);
        same(eddy_region_bytes(far), i);
        must(eddy_region_close(far));
    }
    disconnect(ends);
}

static void a_stream_may_bring_it_in_parts(void **state)
{
    (void)state;
    struct ends ends = connect_pair(SOCK_STREAM);
    eddy_region *region = create_nameless(100, 0);
    struct raw whole = learn(region), part = whole;
    int fd = eddy_region_fd(region);
    part.size = 5;
    check(raw_send(ends.near, &part, &fd, 1) == 5);
    memmove(part.bytes, whole.bytes + 5, whole.size - 5);
    part.size = whole.size - 5;
    check(raw_send(ends.near, &part, NULL, 0) == (ssize_t)part.size);
    eddy_region *far = receive(ends.far, NULL);
    must(eddy_region_close(far));
    must(eddy_region_close(region));
    disconnect(ends);
}

/* --- junk ------------------------------------------------------------------------------------ */

static void is_refused(int type, const struct raw *raw, const int *fds, size_t count)
{
    eddy_region *far = NULL;
    struct ends ends = connect_pair(type);
    unsigned before = open_descriptors();
    check(raw_send(ends.near, raw, fds, count) == (ssize_t)raw->size);
    if (type == SOCK_STREAM)
        shutdown(ends.near, SHUT_WR); /* nothing more will come */
    must_fail(eddy_region_receive(ends.far, NULL, patience(), &far), EDDY_ESEGMENT);
    check(far == NULL);
    same(open_descriptors(), before);
    disconnect(ends);
}

static void whatever_else_comes_is_refused_and_nothing_kept(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(100, 0);
    int fds[200];
    for (int i = 0; i < 200; i++)
        fds[i] = eddy_region_fd(region);
    for (int t = 0; t < TYPES; t++) {
        struct raw good = learn(region), bad = good;
        is_refused(types[t], &good, NULL, 0); /* no descriptor */
        is_refused(types[t], &good, fds, 2);
        is_refused(types[t], &good, fds, 200);
        for (size_t bit = 0; bit < 64; bit += 7) { /* not its magic */
            bad.words[0] = good.words[0] ^ UINT64_C(1) << bit;
            is_refused(types[t], &bad, fds, 1);
        }
        bad = good;
        bad.words[1] = 101; /* longer than the file is */
        is_refused(types[t], &bad, fds, 1);
        bad.words[1] = UINT64_MAX;
        is_refused(types[t], &bad, fds, 1);
        bad = good;
        bad.bytes[16] = 2; /* no such right */
        is_refused(types[t], &bad, fds, 1);
        for (bad = good, bad.size = 1; bad.size < good.size; bad.size++) /* truncated */
            is_refused(types[t], &bad, fds, 1);
        bad.size = good.size + 1;
        if (types[t] != SOCK_STREAM)
            is_refused(types[t], &bad, fds, 1);
    }
    must(eddy_region_close(region));
}

static void so_is_what_is_no_region_behind_a_true_message(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(100, 0), *far = NULL;
    struct raw raw = learn(region);
    int empty = memfd_create("empty", MFD_CLOEXEC), folder = open("/", O_RDONLY | O_CLOEXEC);
    is_refused(SOCK_SEQPACKET, &raw, &empty, 1);
    raw.words[1] = 0;
    struct ends ends = connect_pair(SOCK_SEQPACKET);
    unsigned before = open_descriptors();
    check(raw_send(ends.near, &raw, &empty, 1) > 0);
    must_fail(eddy_region_receive(ends.far, NULL, EDDY_POLL, &far), EDDY_ENOTREADY);
    check(raw_send(ends.near, &raw, &folder, 1) > 0);
    must_fail(eddy_region_receive(ends.far, NULL, EDDY_POLL, &far), EDDY_EACCES);
    same(open_descriptors(), before);
    disconnect(ends);
    close(empty);
    close(folder);
    must(eddy_region_close(region));
}

static void senders_who_show_their_papers_are_welcome(void **state)
{
    (void)state;
    int yes = 1;
    struct ends ends = connect_pair(SOCK_STREAM);
    check(setsockopt(ends.far, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0);
    eddy_region *region = create_nameless(100, 0);
    must(eddy_region_send(region, ends.near, EDDY_MAP_READ_WRITE, EDDY_POLL));
    must(eddy_region_close(receive(ends.far, NULL)));
    must(eddy_region_close(region));
    disconnect(ends);
}

/* --- time and death -------------------------------------------------------------------------- */

static void nothing_comes_until_the_deadline(void **state)
{
    (void)state;
    eddy_region *far = NULL;
    for (int t = 0; t < TYPES; t++) {
        struct ends ends = connect_pair(types[t]);
        must_fail(eddy_region_receive(ends.far, NULL, EDDY_POLL, &far), EDDY_EAGAIN);
        uint64_t start = eddy_now();
        must_fail(eddy_region_receive(ends.far, NULL, eddy_deadline(30 * MILLISECOND), &far),
                  EDDY_ETIMEDOUT);
        check(eddy_now() - start >= 30 * MILLISECOND);
        disconnect(ends);
    }
}

static void a_full_socket_takes_no_more_until_the_deadline(void **state)
{
    (void)state;
    for (int t = 0; t < TYPES; t++) {
        struct ends ends = connect_pair(types[t]);
        eddy_region *region = create_nameless(100, 0);
        unsigned before = open_descriptors();
        int error = EDDY_OK;
        for (int i = 0; !error && i < 100000; i++)
            error = eddy_region_send(region, ends.near, EDDY_MAP_READ_WRITE, EDDY_POLL);
        must_fail(error, EDDY_EAGAIN);
        uint64_t start = eddy_now();
        must_fail(
            eddy_region_send(region, ends.near, EDDY_MAP_READ, eddy_deadline(30 * MILLISECOND)),
            EDDY_ETIMEDOUT);
        check(eddy_now() - start >= 30 * MILLISECOND);
        same(open_descriptors(), before);
        must(eddy_region_close(receive(ends.far, NULL)));
        must(eddy_region_close(region));
        disconnect(ends);
    }
}

static void late_sender(int wire, void *argument)
{
    int socket = *(int *)argument;
    eddy_region *region = create_nameless(100, 0);
    wire_expect(wire, WIRE_GO);
    must(eddy_region_send(region, socket, EDDY_MAP_READ_WRITE, patience()));
    must(eddy_region_close(region));
}

static void who_waits_gets_what_comes_late(void **state)
{
    (void)state;
    struct ends ends = connect_pair(SOCK_STREAM);
    struct child child = child_start(late_sender, &ends.near);
    wire_say(child.wire, WIRE_GO);
    must(eddy_region_close(receive(ends.far, NULL)));
    child_join(&child);
    disconnect(ends);
}

static void a_peer_that_is_gone_is_told(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(100, 0), *far = NULL;
    for (int t = 0; t < TYPES; t++) {
        struct ends ends = connect_pair(types[t]);
        close(ends.far);
        must_fail(eddy_region_send(region, ends.near, EDDY_MAP_READ, patience()), EDDY_EPEERGONE);
        if (types[t] != SOCK_DGRAM) /* which has no end */
            must_fail(eddy_region_receive(ends.near, NULL, patience(), &far), EDDY_EPEERGONE);
        close(ends.near);
    }
    must(eddy_region_close(region));
}

static void only_unix_sockets_will_do(void **state)
{
    (void)state;
    eddy_region *region = create_nameless(100, 0), *far = NULL;
    int pipes[2], internet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int lonely = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(pipe(pipes) == 0);
    int bad[] = {pipes[1], internet, lonely, -1};
    for (int i = 0; i < 4; i++) {
        must_fail(eddy_region_send(region, bad[i], EDDY_MAP_READ, EDDY_POLL), EDDY_EINVAL);
        must_fail(eddy_region_receive(bad[i], NULL, EDDY_POLL, &far), EDDY_EINVAL);
    }
    must_fail(eddy_region_send(region, lonely, (enum eddy_map)3, EDDY_POLL), EDDY_EINVAL);
    close(pipes[0]);
    close(pipes[1]);
    close(internet);
    close(lonely);
    must(eddy_region_close(region));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(another_process_gets_the_same_memory),
        WORLD_TEST(the_right_to_read_is_no_right_to_write),
        WORLD_TEST(regions_with_names_are_sent_as_well),
        WORLD_TEST(many_come_in_the_order_they_were_sent),
        WORLD_TEST(a_stream_may_bring_it_in_parts),
        WORLD_TEST(whatever_else_comes_is_refused_and_nothing_kept),
        WORLD_TEST(so_is_what_is_no_region_behind_a_true_message),
        WORLD_TEST(senders_who_show_their_papers_are_welcome),
        WORLD_TEST(nothing_comes_until_the_deadline),
        WORLD_TEST(a_full_socket_takes_no_more_until_the_deadline),
        WORLD_TEST(who_waits_gets_what_comes_late),
        WORLD_TEST(a_peer_that_is_gone_is_told),
        WORLD_TEST(only_unix_sockets_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
