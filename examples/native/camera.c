/* camera.c - frames in a driver's own buffers, which go back to the driver when no reader has them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>

#define KEPT_BACK 2u /* buffers that the driver needs to go on filling */

/* What goes with each frame. */
struct frame_info {
    uint64_t number;
    uint64_t bytes;
};

struct camera {
    struct driver *driver;
    eddy_exporter *exporter;
    uint64_t memories[64];
    uint64_t published, refused;
};

/* The last reader is done: the driver may fill it again. */
static void requeue(void *context, void *piece)
{
    const struct camera *camera = context;
    driver_queue(camera->driver, (unsigned)(uintptr_t)piece);
}

static void export_buffers(struct camera *camera)
{
    for (unsigned i = 0; i < driver_count(camera->driver); i++)
        example_check(eddy_exporter_add(camera->exporter, driver_buffer(camera->driver, i), 0,
                                        &camera->memories[i]),
                      "eddy_exporter_add");
}

/* A frame that readers have no room for goes straight back: the driver is not to run dry. */
static void publish(struct camera *camera, unsigned index, uint64_t bytes)
{
    const struct frame_info info = {camera->published + camera->refused, bytes};
    const struct eddy_export frame = {.memory = camera->memories[index],
                                      .size = bytes,
                                      .piece = (void *)(uintptr_t)index,
                                      .data = &info,
                                      .data_size = sizeof info};
    int error = eddy_exporter_publish(camera->exporter, &frame, NULL, EDDY_POLL);
    if (error == EDDY_EAGAIN) {
        camera->refused++;
        driver_queue(camera->driver, index);
        return;
    }
    example_check(error, "eddy_exporter_publish");
    camera->published++;
}

static void run(struct camera *camera, const struct example_options *options, eddy_domain *domain)
{
    eddy_waitset *waitset = example_waitset(domain);
    uint64_t end = example_end(options);
    while (example_wait(waitset, EDDY_POLL) && eddy_now() < end &&
           (options->count == 0 || camera->published < options->count)) {
        unsigned index;
        uint64_t bytes;
        if (driver_dequeue(camera->driver, 100, &index, &bytes))
            publish(camera, index, bytes);
        else
            example_check(eddy_exporter_collect(camera->exporter, UINT32_MAX, EDDY_POLL),
                          "eddy_exporter_collect");
    }
    /* Readers are given a second to let go of what they have. */
    (void)eddy_exporter_collect(camera->exporter, 0, eddy_deadline(1000000000));
    printf("published %llu, refused %llu, still out %u\n", (unsigned long long)camera->published,
           (unsigned long long)camera->refused, eddy_exporter_out(camera->exporter));
    eddy_waitset_close(waitset);
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "frames", .rate = 30};
    example_parse(
        argc, argv,
        "Publishes a camera's frames without a copy: those of the V4L2 device that CAMERA "
        "names, else of one that it plays itself.  Start it with viewer.",
        &options);
    struct camera camera = {.driver = driver_open(getenv("CAMERA"), options.rate)};
    eddy_domain *domain = NULL;
    eddy_writer *writer = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = "frames"};
    const struct eddy_exporter_options exporting = {
        .returned = requeue, .context = &camera, .limit = driver_count(camera.driver) - KEPT_BACK};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_writer_open(domain, &topic, NULL, &writer), "eddy_writer_open");
    example_check(eddy_exporter_open(writer, &exporting, &camera.exporter), "eddy_exporter_open");
    export_buffers(&camera);
    run(&camera, &options, domain);
    example_check(eddy_exporter_close(camera.exporter), "eddy_exporter_close");
    example_check(eddy_writer_close(writer), "eddy_writer_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    driver_close(camera.driver);
    return 0;
}
