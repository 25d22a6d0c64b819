/* qos.h - which endpoints go through Eddy, and who may talk to whom.  (internal)
 *
 * Threads: any; all of it is a function of what is given.        spec/psmx.md, "What goes where"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_QOS_H
#define EDDY_PSMX_QOS_H

#include "cyclone.h"
#include "options.h"
#include "wire.h"

/* Whether the plug-in serves it.  Whatever it does not, Cyclone DDS sends over the network.  At a
 * topic only its type is looked at, so that what is said of an endpoint is never more than what was
 * said of its topic. */
bool psmx_qos_is_served(const struct psmx_cyclone *cyclone, const struct psmx_options *options,
                        enum psmx_role role, psmx_properties properties,
                        const struct psmx_qos *qos);

void psmx_qos_policies(const struct psmx_cyclone *cyclone, enum psmx_role role,
                       const struct psmx_qos *qos, struct psmx_policies *policies);

/* How many samples of each instance a writer keeps for late readers; 0: none. */
uint32_t psmx_qos_history(const struct psmx_cyclone *cyclone, const struct psmx_qos *qos);

/* A reader that is owed what was written before it came, by writers that keep it. */
bool psmx_qos_wants_history(const struct psmx_cyclone *cyclone, const struct psmx_qos *qos);

/* A writer whose samples must not be overwritten: reliable, and with KEEP_ALL.  Its longest wait. */
bool psmx_qos_waits(const struct psmx_cyclone *cyclone, const struct psmx_qos *qos,
                    uint64_t *wait_ns);

/* The partitions of an endpoint that is served, each once; "" is the default one. */
struct psmx_partitions {
    unsigned count; /* 1 at least */
    const char *names[PSMX_PARTITIONS];
    char **given; /* by DDS */
    uint32_t given_count;
};
void psmx_qos_partitions(const struct psmx_cyclone *cyclone, const struct psmx_qos *qos,
                         struct psmx_partitions *partitions);
void psmx_partitions_free(const struct psmx_cyclone *cyclone, struct psmx_partitions *partitions);

/* True if the reader's cache may refuse samples for want of room. */
bool psmx_qos_is_limited(const struct psmx_cyclone *cyclone, const struct psmx_qos *qos);

/* What a writer offers suffices for what a reader asks; DDS has the same rules. */
bool psmx_policies_match(const struct psmx_policies *offered, const struct psmx_policies *asked);

/* Whether a sample can be handed to a reader as it is. */
enum psmx_fit {
    PSMX_FITS,
    PSMX_FITS_IF_MATCHED, /* types may differ in what is not seen here: ask DDS */
    PSMX_FITS_NOT
};
enum psmx_fit psmx_shape_fits(const struct psmx_shape *written, const struct psmx_shape *wanted,
                              uint32_t state);

#endif
