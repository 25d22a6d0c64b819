/* consumer.c - publishes a sample and takes it: the smallest program that uses all of Eddy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <string.h>

static int check(int error, const char *what)
{
    if (error != 0)
        fprintf(stderr, "%s: %s (%s)\n", what, eddy_last_error(), eddy_strerror(error));
    return error;
}

static int exchange(eddy_writer *writer, eddy_reader *reader)
{
    static const char text[] = "hello";
    struct eddy_loan loan;
    struct eddy_sample sample;
    if (check(eddy_writer_loan(writer, sizeof text, EDDY_FOREVER, &loan), "loan") != 0)
        return 1;
    memcpy(loan.data, text, sizeof text);
    if (check(eddy_writer_publish(writer, &loan, sizeof text, EDDY_FOREVER), "publish") != 0 ||
        check(eddy_reader_wait(reader, eddy_deadline(1000000000)), "wait") != 0 ||
        check(eddy_reader_take(reader, &sample), "take") != 0)
        return 1;
    printf("sample %llu: %s\n", (unsigned long long)sample.sn, (const char *)sample.data);
    int same = sample.size == sizeof text && memcmp(sample.data, text, sizeof text) == 0;
    return check(eddy_reader_release(reader, &sample), "release") != 0 || !same;
}

int main(void)
{
    const struct eddy_topic_identity topic = {.name = "consumer"};
    eddy_domain *domain = NULL;
    eddy_writer *writer = NULL;
    eddy_reader *reader = NULL;
    int failed = check(eddy_domain_open(NULL, &domain), "domain") != 0 ||
                 check(eddy_writer_open(domain, &topic, NULL, &writer), "writer") != 0 ||
                 check(eddy_reader_open(domain, &topic, NULL, &reader), "reader") != 0 ||
                 exchange(writer, reader) != 0;
    eddy_reader_close(reader);
    eddy_writer_close(writer);
    if (domain != NULL)
        eddy_domain_close(domain);
    return failed;
}
