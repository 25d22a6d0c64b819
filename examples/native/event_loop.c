/* event_loop.c - prints the lines of `talker` and what is typed, in one loop of epoll.
 *
 * Any loop that can poll on a descriptor does: libuv, libevent, sd-event, asyncio.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static uint64_t print_all(eddy_reader *reader)
{
    struct eddy_sample sample;
    uint64_t count = 0;
    int result;
    while ((result = eddy_reader_take(reader, &sample)) == EDDY_OK) {
        printf("heard: %.*s\n", (int)sample.size, (const char *)sample.data);
        example_check(eddy_reader_release(reader, &sample), "eddy_reader_release");
        count++;
    }
    if (result != EDDY_EAGAIN)
        example_check(result, "eddy_reader_take");
    return count;
}

static void echo(int loop)
{
    char line[256];
    ssize_t length = read(STDIN_FILENO, line, sizeof line);
    if (length > 0)
        printf("typed: %.*s", (int)length, line);
    else /* no more is typed */
        (void)epoll_ctl(loop, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

static int milliseconds_until(uint64_t end)
{
    uint64_t now = eddy_now(), left = end > now ? (end - now) / 1000000 + 1 : 0;
    return end == EDDY_FOREVER ? -1 : left < 1000000 ? (int)left : 1000000;
}

static int loop_of(int descriptor)
{
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event samples = {.events = EPOLLIN, .data.fd = descriptor};
    struct epoll_event typed = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &samples) != 0) {
        perror("epoll");
        exit(EXIT_FAILURE);
    }
    (void)epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &typed); /* a plain file needs no waiting */
    return loop;
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "greeting"};
    example_parse(argc, argv, "Prints the lines of talker, and what is typed.", &options);

    eddy_domain *domain = NULL;
    eddy_reader *reader = NULL;
    int descriptor = -1;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = "text"};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_reader_open(domain, &topic, NULL, &reader), "eddy_reader_open");
    eddy_waitset *waitset = example_waitset(domain);
    example_check(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, reader),
                  "eddy_waitset_attach_reader");
    example_check(eddy_waitset_fd(waitset, &descriptor), "eddy_waitset_fd");

    int loop = loop_of(descriptor);
    uint64_t most = options.count != 0 ? options.count : UINT64_MAX, heard = 0;
    uint64_t end = example_end(&options);
    for (bool goes_on = true; goes_on && heard < most && eddy_now() < end;) {
        struct epoll_event event;
        if (epoll_wait(loop, &event, 1, milliseconds_until(end)) != 1)
            continue;
        if (event.data.fd != descriptor) {
            echo(loop);
            continue;
        }
        /* Also of use when it finds nothing: then the descriptor is readable no longer. */
        goes_on = example_wait(waitset, EDDY_POLL);
        heard += print_all(reader);
    }

    close(loop);
    eddy_waitset_close(waitset);
    example_check(eddy_reader_close(reader), "eddy_reader_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
