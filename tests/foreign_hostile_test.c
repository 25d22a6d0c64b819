/* foreign_hostile_test.c - records and answers that are not what they should be: an error in time, nothing
 * mapped that could be taken away, and no descriptor left open.  spec/foreign.md, "What is believed"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/foreign.h"
#include "support/thread.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { HERE = 2, NOT_HERE = 3, GONE = 4, MEMORY = 7 };
#define EXPORTER UINT64_C(0x1234)

struct record {
    char magic[8];
    uint64_t exporter, memory, offset, size, spare;
};
struct message {
    char magic[8];
    uint32_t word, error;
    uint64_t secret, memory;
};

static struct pair pair;
static eddy_importer *importer;
static char path[100];

/* --- records --------------------------------------------------------------------------------- */

static const struct record good = {
    .magic = "feurope1", .exporter = EXPORTER, .memory = MEMORY, .size = FRAME};

static int import_record(const void *record, size_t bytes)
{
    struct eddy_loan loan;
    struct eddy_sample sample;
    struct eddy_import import;
    const struct eddy_loan_options shape = {.header_size = bytes};
    must(eddy_writer_loan_with(pair.writer, &shape, patience(), &loan));
    if (bytes)
        memcpy(loan.header, record, bytes);
    must(eddy_writer_publish(pair.writer, &loan, 0, patience()));
    must(eddy_reader_take(pair.reader, &sample));
    int error = eddy_importer_map(importer, &sample, patience(), &import);
    if (!error) {
        check(holds(&import, 9));
        must(eddy_importer_unmap(importer, &import));
    }
    must(eddy_reader_release(pair.reader, &sample));
    return error;
}

/* --- answers --------------------------------------------------------------------------------- */

/* What is said to whoever asks, as often as it is asked. */
struct answer {
    struct message message;
    size_t bytes;
    int fds[3];
    unsigned fd_count, times;
    bool hangs_up;
};
static struct answer answer;
static int listening = -1;
static pthread_t server;

static void say_once(int socket)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof answer.fds)];
    } control = {0};
    char packet[256] = "";
    memcpy(packet, &answer.message, sizeof answer.message);
    struct iovec part = {packet, answer.bytes};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (answer.fd_count) {
        size_t bytes = answer.fd_count * sizeof *answer.fds;
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(bytes);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(bytes);
        memcpy(CMSG_DATA(&control.head), answer.fds, bytes);
    }
    (void)sendmsg(socket, &m, MSG_NOSIGNAL);
}

/* Until who asks has gone; a listener that is shut down accepts nobody. */
static void *answer_all(void *unused)
{
    for (int socket; (socket = accept(listening, NULL, NULL)) >= 0; close(socket)) {
        struct message asked;
        while (recv(socket, &asked, sizeof asked, 0) > 0 && !answer.hangs_up)
            for (unsigned i = 0; i < answer.times; i++)
                say_once(socket);
    }
    return unused;
}

static void set_up(uint32_t flags)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pair = pair_open(NULL, NULL);
    must(eddy_importer_open(pair.domain, &(struct eddy_importer_options){.flags = flags},
                            &importer));
    snprintf(path, sizeof path, "%s/%016llx.%016llx.export", world_dir(),
             (unsigned long long)eddy_reader_participant(pair.reader),
             (unsigned long long)EXPORTER);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    listening = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    check(bind(listening, (struct sockaddr *)&address, sizeof address) == 0);
    check(listen(listening, 8) == 0);
    server = thread_start(answer_all, NULL);
}

static void tear_down(void)
{
    must(eddy_importer_close(importer));
    shutdown(listening, SHUT_RDWR);
    thread_join(server);
    close(listening);
    unlink(path);
    pair_close(&pair);
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void answer_with(uint32_t word, int fd)
{
    answer = (struct answer){.message = {"ffgnmsg1", word, 0, 0, MEMORY},
                             .bytes = sizeof answer.message,
                             .times = 1,
                             .fds = {fd, fd, fd},
                             .fd_count = fd >= 0};
}

/* --- tests ----------------------------------------------------------------------------------- */

static void records_are_checked(void **state)
{
    (void)state;
    struct buffer buffer = buffer_make(MFD_ALLOW_SEALING);
    buffer_fill(&buffer, 9);
    check(fcntl(buffer.fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    set_up(0);
    answer_with(HERE, buffer.fd);
    struct record r = good;
    must_fail(import_record(NULL, 0), EDDY_EINVAL);
    must_fail(import_record(&r, 8), EDDY_EINVAL);
    r.magic[0] = 0;
    must_fail(import_record(&r, sizeof r), EDDY_EINVAL);
    must(import_record(&good, sizeof good));
    static const uint64_t bad[][2] = {{0, FRAME + 1},     {1, FRAME},      {FRAME + 1, 0},
                                      {UINT64_MAX, 1},    {1, UINT64_MAX}, {FRAME, 1},
                                      {UINT64_MAX - 1, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        r = good;
        r.offset = bad[i][0];
        r.size = bad[i][1];
        must_fail(import_record(&r, sizeof r), EDDY_ESEGMENT);
    }
    r = good;
    r.exporter++;
    must_fail(import_record(&r, sizeof r), EDDY_EPEERGONE);
    tear_down();
    buffer_drop(&buffer);
}

static void expect(int error)
{
    unsigned before = descriptors();
    must_fail(import_record(&good, sizeof good), error);
    uint64_t bytes;
    must(eddy_importer_trim(importer, &bytes));
    same(bytes, 0);
    must(eddy_importer_close(importer));
    must(eddy_importer_open(pair.domain, NULL, &importer));
    check(descriptors() <= before + 1); /* the other end of a connection may stay for a moment */
}

/* What is wrong with each, and what comes of it. */
static const struct {
    size_t bytes;
    uint32_t word;
    char magic;
    bool hangs_up;
    unsigned fd_count, times;
    int error;
} wrong[] = {
    {32, HERE, 'f', false, 0, 1, EDDY_ESEGMENT},      {32, HERE, 'f', false, 2, 1, EDDY_ESEGMENT},
    {32, HERE, 'f', false, 3, 20, EDDY_ESEGMENT},     {31, HERE, 'f', false, 1, 1, EDDY_ESEGMENT},
    {100, HERE, 'f', false, 1, 1, EDDY_ESEGMENT},     {32, HERE, 'x', false, 1, 1, EDDY_ESEGMENT},
    {1, HERE, 'f', false, 3, 1, EDDY_ESEGMENT},       {0, HERE, 'f', false, 1, 1, EDDY_EPEERGONE},
    {32, NOT_HERE, 'f', false, 1, 1, EDDY_EPEERGONE}, {32, HERE, 'f', true, 1, 1, EDDY_EPEERGONE},
};

static void answers_are_checked(void **state)
{
    (void)state;
    struct buffer buffer = buffer_make(MFD_ALLOW_SEALING);
    check(fcntl(buffer.fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    set_up(0);
    for (unsigned round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            answer_with(wrong[i].word, buffer.fd);
            answer.message.magic[0] = wrong[i].magic;
            answer.bytes = wrong[i].bytes;
            answer.fd_count = wrong[i].fd_count;
            answer.times = wrong[i].times;
            answer.hangs_up = wrong[i].hangs_up;
            expect(wrong[i].error);
        }
    tear_down();
    buffer_drop(&buffer);
}

/* Words that mean nothing, or not to us, and memory that was not asked for: until the deadline. */
static void noise_is_waited_through(void **state)
{
    (void)state;
    struct buffer buffer = buffer_make(MFD_ALLOW_SEALING);
    check(fcntl(buffer.fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    set_up(0);
    for (uint32_t word = 0; word < 10; word++) {
        answer_with(word, buffer.fd);
        answer.times = 5;
        if (word == HERE)
            answer.message.memory++;
        if (word == NOT_HERE)
            continue;
        struct eddy_sample sample;
        struct eddy_import import;
        struct eddy_loan loan;
        const struct eddy_loan_options shape = {.header_size = sizeof good};
        must(eddy_writer_loan_with(pair.writer, &shape, patience(), &loan));
        memcpy(loan.header, &good, sizeof good);
        must(eddy_writer_publish(pair.writer, &loan, 0, patience()));
        must(eddy_reader_take(pair.reader, &sample));
        int error = eddy_importer_map(importer, &sample, eddy_deadline(2 * MILLISECOND), &import);
        same(error, EDDY_ETIMEDOUT);
        must(eddy_reader_release(pair.reader, &sample));
        must(eddy_importer_close(importer));
        must(eddy_importer_open(pair.domain, NULL, &importer));
    }
    tear_down();
    buffer_drop(&buffer);
}

static void what_comes_twice_is_taken_once(void **state)
{
    (void)state;
    uint64_t bytes;
    struct buffer buffer = buffer_make(MFD_ALLOW_SEALING);
    buffer_fill(&buffer, 9);
    check(fcntl(buffer.fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    set_up(0);
    answer_with(HERE, buffer.fd);
    answer.times = 3;
    must(import_record(&good, sizeof good));
    for (uint64_t hung = eddy_deadline(20 * MILLISECOND); eddy_now() < hung;) {
        must(eddy_importer_trim(importer, &bytes)); /* which hears the rest */
        same(bytes, FRAME);
    }
    must(import_record(&good, sizeof good));
    tear_down();
    buffer_drop(&buffer);
}

/* What could be made shorter under us, or is no memory. */
static void only_what_stays_is_mapped(void **state)
{
    (void)state;
    struct buffer open = buffer_make(MFD_ALLOW_SEALING), closed = buffer_make(0);
    int ends[2];
    check(pipe(ends) == 0);
    const int others[] = {open.fd,
                          closed.fd,
                          ends[0],
                          fileno(tmpfile()),
                          openat(AT_FDCWD, "/dev/zero", O_RDONLY),
                          openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY)};
    set_up(0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        answer_with(HERE, others[i]);
        expect(EDDY_EACCES);
    }
    tear_down();
    set_up(EDDY_IMPORT_UNSEALED); /* who says so has it */
    buffer_fill(&open, 9);
    answer_with(HERE, open.fd);
    must(import_record(&good, sizeof good));
    tear_down();
    buffer_drop(&open);
    buffer_drop(&closed);
}

static void what_cannot_be_sealed_is_not_exported_by_mistake(void **state)
{
    (void)state;
    uint64_t memory;
    eddy_exporter *exporter;
    struct buffer closed = buffer_make(0), open = buffer_make(MFD_ALLOW_SEALING);
    pair = pair_open(NULL, NULL);
    must(eddy_exporter_open(pair.writer, NULL, &exporter));
    must_fail(eddy_exporter_add(exporter, closed.fd, 0, &memory), EDDY_EACCES);
    says("MFD_ALLOW_SEALING");
    must_fail(eddy_exporter_add(exporter, -1, 0, &memory), EDDY_ESYS);
    must_fail(eddy_exporter_add(exporter, open.fd, 8, &memory), EDDY_EINVAL);
    must(eddy_exporter_add(exporter, closed.fd, EDDY_EXPORT_UNSEALED, &memory));
    must(eddy_exporter_add(exporter, open.fd, 0, &memory));
    check(ftruncate(open.fd, 1) != 0);
    const struct eddy_export outside[] = {{.memory = memory, .offset = 1, .size = FRAME},
                                          {.memory = memory, .offset = UINT64_MAX, .size = 2}};
    for (int i = 0; i < 2; i++)
        must_fail(eddy_exporter_publish(exporter, &outside[i], NULL, EDDY_POLL), EDDY_ETOOBIG);
    must(eddy_exporter_close(exporter));
    pair_close(&pair);
    buffer_drop(&closed);
    buffer_drop(&open);
}

static void what_is_no_socket_is_not_asked(void **state)
{
    (void)state;
    world_is_dirty();
    set_up(0);
    unlink(path);
    must_fail(import_record(&good, sizeof good), EDDY_EPEERGONE);
    check(symlink("/run/some.socket", path) == 0);
    must_fail(import_record(&good, sizeof good), EDDY_EACCES);
    unlink(path);
    check(mkfifo(path, 0600) == 0);
    must_fail(import_record(&good, sizeof good), EDDY_EACCES);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(records_are_checked),
        WORLD_TEST(answers_are_checked),
        WORLD_TEST(noise_is_waited_through),
        WORLD_TEST(what_comes_twice_is_taken_once),
        WORLD_TEST(only_what_stays_is_mapped),
        WORLD_TEST(what_cannot_be_sealed_is_not_exported_by_mistake),
        WORLD_TEST(what_is_no_socket_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
