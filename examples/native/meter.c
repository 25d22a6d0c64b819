/* meter.c - takes the readings of sensor in groups, and says each second what came.
 *
 * The second comes from a timerfd, which is on the wait set beside the reader: any descriptor that
 * poll(2) takes can be there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "reading.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct second {
    uint64_t count, inside, last, oldest; /* age in nanoseconds of the oldest when it was taken */
};

static void note(struct second *second, const struct eddy_sample *sample)
{
    uint64_t age = eddy_now() - sample->time;
    second->count++;
    second->inside += strcmp((const char *)sample->key, "inside") == 0;
    second->last = sample->word;
    second->oldest = age > second->oldest ? age : second->oldest;
}

/* What others write there may be anything. */
static bool is_reading(const struct eddy_sample *sample)
{
    static const uint32_t all = EDDY_WITH_KEY | EDDY_WITH_WORD | EDDY_WITH_TIME;
    return sample->size == sizeof(struct reading) && (sample->with & all) == all &&
           sample->key[15] == 0;
}

static void take_all(eddy_reader *reader, struct second *second)
{
    struct eddy_sample samples[READING_GROUP];
    size_t count = 0;
    int result;
    while ((result = eddy_reader_take_many(reader, samples, READING_GROUP, &count)) == EDDY_OK) {
        for (size_t i = 0; i < count; i++)
            if (is_reading(&samples[i]))
                note(second, &samples[i]);
        example_check(eddy_reader_release_many(reader, samples, count), "eddy_reader_release_many");
    }
    if (result != EDDY_EAGAIN)
        example_check(result, "eddy_reader_take_many");
}

static int new_timer(void)
{
    const struct itimerspec each_second = {.it_interval.tv_sec = 1, .it_value.tv_sec = 1};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0 || timerfd_settime(timer, 0, &each_second, NULL) != 0) {
        perror("timerfd");
        exit(EXIT_FAILURE);
    }
    return timer;
}

/* Says so if the second is over. */
static bool is_over(int timer, struct second *second)
{
    uint64_t expirations;
    if (read(timer, &expirations, sizeof expirations) != sizeof expirations)
        return false;
    printf("%llu readings, %llu of them inside; the last is number %llu; %llu us old at most\n",
           (unsigned long long)second->count, (unsigned long long)second->inside,
           (unsigned long long)second->last, (unsigned long long)second->oldest / 1000);
    *second = (struct second){0};
    return true;
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "readings"};
    example_parse(argc, argv, "Says each second what came from sensor.", &options);

    eddy_domain *domain = NULL;
    eddy_reader *reader = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = READING_TYPE};
    const struct eddy_reader_options much = {.depth = 1024};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_reader_open(domain, &topic, &much, &reader), "eddy_reader_open");

    eddy_waitset *waitset = example_waitset(domain);
    int timer = new_timer();
    example_check(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, reader),
                  "eddy_waitset_attach_reader");
    example_check(eddy_waitset_attach_fd(waitset, timer, POLLIN, NULL), "eddy_waitset_attach_fd");
    uint64_t end = example_end(&options), most = options.count != 0 ? options.count : UINT64_MAX;
    struct second second = {0};
    for (uint64_t said = 0; said < most && eddy_now() < end && example_wait(waitset, end);) {
        take_all(reader, &second);
        said += is_over(timer, &second);
    }

    eddy_waitset_close(waitset);
    close(timer);
    example_check(eddy_reader_close(reader), "eddy_reader_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
