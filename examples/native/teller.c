/* teller.c - publishes what is typed, with a name in front: three pieces become one sample.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/* Without the end of the line. */
static bool read_line(char *line, int room)
{
    if (!fgets(line, room, stdin))
        return false;
    line[strcspn(line, "\n")] = 0;
    return true;
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "greeting"};
    example_parse(argc, argv, "Publishes lines that are typed; start it with listener.", &options);

    eddy_domain *domain = NULL;
    eddy_writer *writer = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = "text"};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_writer_open(domain, &topic, NULL, &writer), "eddy_writer_open");

    const char *user = getenv("USER");
    char name[64], line[256], says[] = " says: ";
    snprintf(name, sizeof name, "%s", user ? user : "somebody");
    uint64_t end = example_end(&options), count = 0;
    while ((options.count == 0 || count < options.count) && eddy_now() < end &&
           read_line(line, sizeof line)) {
        const struct iovec pieces[] = {
            {name, strlen(name)}, {says, strlen(says)}, {line, strlen(line) + 1}};
        example_check(eddy_writer_write_pieces(writer, pieces, 3, EDDY_FOREVER),
                      "eddy_writer_write_pieces");
        count++;
    }

    example_check(eddy_writer_close(writer), "eddy_writer_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
