/* udp_publish.c - the same over loopback UDP: one sendto for each reader.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "batches.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int out;
static int *in;
static struct sockaddr_in *addresses;
static unsigned reader_count;
static size_t size;
static uint64_t *buffer;

static void reader_open(unsigned r)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof addresses[r];
    in[r] = socket(AF_INET, SOCK_DGRAM, 0);
    if (in[r] < 0 || bind(in[r], (struct sockaddr *)&any, sizeof any) != 0 ||
        getsockname(in[r], (struct sockaddr *)&addresses[r], &length) != 0) {
        bench_fail("cannot open a UDP socket");
    }
}

static void all_open(unsigned count, size_t bytes)
{
    reader_count = count;
    size = bytes;
    in = calloc(count + 1, sizeof *in);
    addresses = calloc(count + 1, sizeof *addresses);
    buffer = calloc(1, bytes);
    out = socket(AF_INET, SOCK_DGRAM, 0);
    for (unsigned r = 0; r < count; r++) {
        reader_open(r);
    }
}

static void all_publish(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        *buffer = i;
        for (unsigned r = 0; r < reader_count; r++) {
            const struct sockaddr *to = (const struct sockaddr *)&addresses[r];
            if (sendto(out, buffer, size, 0, to, sizeof addresses[r]) != (ssize_t)size) {
                bench_fail("sendto refused %zu bytes", size);
            }
        }
    }
}

static void all_drain(unsigned count)
{
    for (unsigned r = 0; r < reader_count; r++) {
        for (unsigned i = 0; i < count; i++) {
            if (recv(in[r], buffer, size, MSG_DONTWAIT) != (ssize_t)size || *buffer != i) {
                bench_fail("reader %u lost sample %u", r, i);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static const struct batches_transport transport = {
        .open = all_open,
        .publish = all_publish,
        .drain = all_drain,
    };
    return batches_run(&transport, argc, argv);
}
