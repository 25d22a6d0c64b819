/* server.c - adds up what its clients send.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>
#include <string.h>

static void answer(eddy_server *server, const struct eddy_request *request)
{
    const char *numbers = request->sample.data; /* where the client wrote them */
    size_t count = request->sample.size / sizeof(double);
    double sum = 0, number;
    for (size_t i = 0; i < count; i++) {
        memcpy(&number, numbers + i * sizeof number, sizeof number); /* looked at once */
        sum += number;
    }
    /* Who has no room for its answer is not waited for. */
    int result = eddy_server_write(server, request, &sum, sizeof sum, EDDY_POLL);
    if (result != EDDY_OK) {
        fprintf(stderr, "not answered: %s\n", eddy_strerror(result));
        example_check(eddy_server_refuse(server, request, result), "eddy_server_refuse");
        return;
    }
    printf("%zu numbers: %g\n", count, sum);
}

static uint64_t answer_all(eddy_server *server, uint64_t most)
{
    struct eddy_request request;
    uint64_t count = 0;
    int result = EDDY_EAGAIN;
    while (count < most && (result = eddy_server_take(server, EDDY_POLL, &request)) == EDDY_OK) {
        answer(server, &request);
        count++;
    }
    if (result != EDDY_EAGAIN)
        example_check(result, "eddy_server_take");
    return count;
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "adder"};
    example_parse(argc, argv, "Adds up what clients send.", &options);

    eddy_domain *domain = NULL;
    eddy_server *server = NULL;
    const struct eddy_topic_identity service = {.name = options.topic, .type = "doubles to double"};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_server_open(domain, &service, NULL, &server), "eddy_server_open");

    eddy_waitset *waitset = example_waitset(domain);
    example_check(
        eddy_waitset_attach_reader(waitset, eddy_server_reader(server), EDDY_WAIT_LEVEL, NULL),
        "eddy_waitset_attach_reader");
    uint64_t end = example_end(&options), most = options.count != 0 ? options.count : UINT64_MAX;
    uint64_t count = 0;
    while (count < most && eddy_now() < end && example_wait(waitset, end))
        count += answer_all(server, most - count);

    eddy_waitset_close(waitset);
    example_check(eddy_server_close(server), "eddy_server_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
