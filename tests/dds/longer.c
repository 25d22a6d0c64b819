/* longer.c - a writer of T whose type is a later version of the nodes'.
 *
 *   dds_longer DOMAIN -> "ready", and waits until its standard input ends
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "longer_types.h"

#include <dds/dds.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    dds_domainid_t domain = argc > 1 ? (dds_domainid_t)strtoul(argv[1], NULL, 10) : 0;
    dds_entity_t participant = dds_create_participant(domain, NULL, NULL);
    dds_entity_t topic = dds_create_topic(participant, &shapes_Appendable_desc, "T", NULL, NULL);
    dds_qos_t *qos = dds_create_qos();
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 8);
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_SECS(10));
    dds_entity_t writer = dds_create_writer(participant, topic, qos, NULL);
    dds_delete_qos(qos);
    if (writer < 0) {
        fprintf(stderr, "dds_longer: %s\n", dds_strretcode(writer));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    dds_delete(participant);
    return 0;
}
