/* client.c - has `server` add up the numbers of its command line: client [--seconds=S] NUMBER...
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 100 };

struct question {
    double seconds; /* then it gives up */
    double numbers[MOST];
    size_t count;
};

static double number(const char *text)
{
    char *end = NULL;
    double value = text ? strtod(text, &end) : 0;
    if (end == NULL || end == text || *end != '\0') {
        fprintf(stderr, "usage: client [--seconds S] NUMBER...\n");
        exit(EXIT_FAILURE);
    }
    return value;
}

static struct question read_question(char **arguments)
{
    struct question q = {.seconds = 5};
    for (; *arguments; arguments++)
        if (strcmp(*arguments, "--seconds") == 0)
            q.seconds = number(*++arguments);
        else if (q.count < MOST)
            q.numbers[q.count++] = number(*arguments);
    return q;
}

/* True if there is to be another try: the server has died while it had this in work. */
static bool ask(eddy_client *client, const struct question *q, uint64_t deadline)
{
    struct eddy_answer answer;
    double sum = 0;
    int result =
        eddy_client_call(client, q->numbers, q->count * sizeof *q->numbers, deadline, &answer);
    if (result == EDDY_EPEERGONE) {
        printf("the server is gone; asking another\n");
        return true;
    }
    example_check(result, "eddy_client_call");
    if (answer.sample.size == sizeof sum)
        memcpy(&sum, answer.sample.data, sizeof sum);
    printf("sum: %g\n", sum);
    example_check(eddy_client_release(client, &answer), "eddy_client_release");
    return false;
}

int main(int argc, char **argv)
{
    (void)argc;
    const struct question question = read_question(argv + 1);
    eddy_domain *domain = NULL;
    eddy_client *client = NULL;
    const struct eddy_topic_identity service = {.name = "adder", .type = "doubles to double"};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_client_open(domain, &service, NULL, &client), "eddy_client_open");

    uint64_t deadline = eddy_deadline((uint64_t)(question.seconds * 1e9));
    while (ask(client, &question, deadline)) {
    }

    example_check(eddy_client_close(client), "eddy_client_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
