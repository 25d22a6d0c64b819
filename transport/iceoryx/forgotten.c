/* Loans that are out when their publisher goes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "publisher.h"
#include "runtime.h"

#include <stdatomic.h>
#include <stdlib.h>

/* A writer that does nothing, until the process ends. */
struct keeper {
    eddy_writer *writer;
    struct keeper *next;
};
static _Atomic(struct keeper *) keepers;

static void list_keeper(struct keeper *keeper)
{
    keeper->next = atomic_load(&keepers);
    while (!atomic_compare_exchange_weak(&keepers, &keeper->next, keeper)) {
    }
}

void eddy_publisher_keep_mapped(iox_pub_t pub)
{
    struct eddy_topic_identity topic = eddy_service_topic(&pub->service);
    eddy_domain *domain;
    struct keeper *keeper = pub->used == 0 ? NULL : calloc(1, sizeof *keeper);
    if (keeper == NULL || eddy_runtime_enter(&domain) != EDDY_OK) {
        free(keeper);
        return;
    }
    eddy_say(EDDY_LOG_WARN, "publisher of %s: closed with loans out; release them first",
             topic.name);
    if (eddy_writer_open(domain, &topic, NULL, &keeper->writer) == EDDY_OK) {
        list_keeper(keeper);
    } else {
        eddy_runtime_leave();
        free(keeper);
    }
}
