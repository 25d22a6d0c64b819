/* dds_functions.h - the functions of the libddsc that has loaded this library.  (internal)
 *
 * For dds.c and lookout.c alone; nothing is called before eddy_dds_is_found says that all are there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_DDS_FUNCTIONS_H
#define EDDY_ICEORYX_DDS_FUNCTIONS_H

#include "dds.h"

#include <dds/dds.h>

/* Each is declared as libddsc has it. */
/* clang-format off */
#define EDDY_DDS_FUNCTIONS(use) \
    use(dds_get_matched_publications) \
    use(dds_get_matched_publication_data) \
    use(dds_builtintopic_free_endpoint) \
    use(dds_get_topic) \
    use(dds_get_name) \
    use(dds_get_type_name) \
    use(dds_create_qos) \
    use(dds_delete_qos) \
    use(dds_get_qos) \
    use(dds_qget_reliability) \
    use(dds_qget_lifespan)\
    use(dds_qget_durability)\
    use(dds_qget_durability_service)\
    use(dds_get_children)\
    use(dds_get_guid) \
    use(dds_get_participant) \
    use(dds_create_reader) \
    use(dds_create_listener) \
    use(dds_delete_listener) \
    use(dds_lset_data_available) \
    use(dds_lset_data_on_readers) \
    use(dds_take) \
    use(dds_return_loan)
/* clang-format on */

#define EDDY_DDS_DECLARE(name) __typeof__(&(name)) name##_;
extern struct eddy_dds_functions {
    EDDY_DDS_FUNCTIONS(EDDY_DDS_DECLARE)
} eddy_dds;

bool eddy_dds_is_found(void);

/* From the order of the network, as answers have it, to that of a chunk's header. */
void eddy_dds_to_host_order(uint8_t guid[EDDY_DDS_GUID_BYTES]);

#endif
