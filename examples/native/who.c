/* who.c - prints who comes to a topic, goes, dies, is stopped.
 *
 * It takes part with a reader that has stopped: nobody waits for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(enum eddy_change change)
{
    switch (change) {
    case EDDY_CAME:
        return "came";
    case EDDY_GONE:
        return "gone";
    case EDDY_DIED:
        return "died";
    case EDDY_STOPPED:
        return "stopped";
    case EDDY_CONTINUED:
        return "continued";
    case EDDY_LET_GO:
        return "let go of";
    case EDDY_CAME_BACK:
        return "came back";
    }
    return "changed in a way that a later Eddy knows";
}

/* Others write it. */
static void print_plain(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int c = ((const unsigned char *)bytes)[i];
        putchar(c < 128 && isprint(c) ? c : '.');
    }
}

static uint64_t print_all(eddy_watch *watch)
{
    struct eddy_member_change change;
    uint64_t count = 0;
    int result;
    for (; (result = eddy_watch_take(watch, &change)) == EDDY_OK; count++) {
        printf("%s %u of ", change.is_writer ? "writer" : "reader", change.seat);
        print_plain(change.name, strlen(change.name));
        printf(" (pid %d): %s", (int)change.pid, name_of(change.change));
        if (change.blob != NULL) {
            printf("; it says: ");
            print_plain(change.blob, change.blob_size);
        }
        putchar('\n');
    }
    if (result != EDDY_EAGAIN)
        example_check(result, "eddy_watch_take");
    return count;
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "greeting"};
    example_parse(argc, argv, "Prints who comes to the topic of talker and goes.", &options);

    eddy_domain *domain = NULL;
    eddy_reader *reader = NULL;
    eddy_watch *watch = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = "text"};
    const struct eddy_reader_options unheeded = {.reliability = EDDY_BEST_EFFORT};
    const struct eddy_watch_options each_half_second = {.stops_ns = 500000000};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_reader_open(domain, &topic, &unheeded, &reader), "eddy_reader_open");
    example_check(eddy_reader_stop(reader), "eddy_reader_stop");
    example_check(eddy_reader_watch(reader, &each_half_second, &watch), "eddy_reader_watch");

    eddy_waitset *waitset = example_waitset(domain);
    example_check(
        eddy_waitset_attach_event(waitset, eddy_watch_event(watch), EDDY_WAIT_LEVEL, NULL),
        "eddy_waitset_attach_event");
    uint64_t end = example_end(&options), most = options.count != 0 ? options.count : UINT64_MAX;
    for (uint64_t count = 0; count < most && eddy_now() < end && example_wait(waitset, end);)
        count += print_all(watch);

    eddy_waitset_close(waitset);
    example_check(eddy_watch_close(watch), "eddy_watch_close");
    example_check(eddy_reader_close(reader), "eddy_reader_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
