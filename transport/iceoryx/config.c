/* What iceoryx 2.0 says about its limits.  Programs size their arrays by these and Cyclone DDS
 * decides by two of them, so they stay as they were, although Eddy has most of these limits no
 * more.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "binding.h"
#include "runtime.h"

uint32_t iox_cfg_max_publishers(void)
{
    return 512;
}

uint32_t iox_cfg_max_subscribers_per_publisher(void)
{
    return 256;
}

uint32_t iox_cfg_max_chunks_allocated_per_publisher_simultaneously(void)
{
    return EDDY_IOX_LOANS;
}

uint64_t iox_cfg_max_publisher_history(void)
{
    return eddy_runtime_is_cyclone() ? EDDY_HISTORY_MAX : 16;
}

uint32_t iox_cfg_max_subscribers(void)
{
    return 1024;
}

uint32_t iox_cfg_max_chunks_held_per_subscriber_simultaneously(void)
{
    return 256;
}

uint32_t iox_cfg_max_subscriber_queue_capacity(void)
{
    return eddy_runtime_is_cyclone() ? EDDY_IOX_CYCLONE_CAPACITY : EDDY_IOX_QUEUE_CAPACITY;
}

uint32_t iox_cfg_max_number_of_condition_variables(void)
{
    return 1024;
}

uint32_t iox_cfg_max_number_of_notifiers_per_condition_variable(void)
{
    return 256;
}

uint32_t iox_cfg_max_number_of_attachments_per_waitset(void)
{
    return EDDY_IOX_EVENTS;
}

uint32_t iox_cfg_max_number_of_events_per_listener(void)
{
    return EDDY_IOX_EVENTS;
}

uint32_t iox_cfg_max_number_of_mempools(void)
{
    return 32;
}

uint32_t iox_cfg_max_shm_segments(void)
{
    return 100;
}

uint32_t iox_cfg_max_number_of_memory_provider(void)
{
    return 8;
}

uint32_t iox_cfg_max_number_of_memory_blocks_per_memory_provider(void)
{
    return 64;
}

uint32_t iox_cfg_chunk_default_user_payload_alignment(void)
{
    return IOX_C_CHUNK_DEFAULT_USER_PAYLOAD_ALIGNMENT;
}

uint32_t iox_cfg_no_user_header_size(void)
{
    return IOX_C_CHUNK_NO_USER_HEADER_SIZE;
}

uint32_t iox_cfg_no_user_header_alignment(void)
{
    return IOX_C_CHUNK_NO_USER_HEADER_ALIGNMENT;
}

uint32_t iox_cfg_max_process_number(void)
{
    return 300;
}

uint32_t iox_cfg_service_registry_capacity(void)
{
    return 1024;
}

uint32_t iox_cfg_max_findservice_result_size(void)
{
    return 1024;
}

uint32_t iox_cfg_max_runtime_name_length(void)
{
    return 100;
}
