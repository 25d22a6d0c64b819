/* cyclone.c - see cyclone.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/cyclone.h"

#include "tools/place.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct symbol {
    const char *name;
    size_t at; /* in struct eddy_cyclone */
    bool may_miss;
};

#define FIELD(field) offsetof(struct eddy_cyclone, field)

static const struct symbol symbols[] = {
    {"dds_create_participant", FIELD(create_participant), false},
    {"dds_create_reader", FIELD(create_reader), false},
    {"dds_take", FIELD(take), false},
    {"dds_return_loan", FIELD(return_loan), false},
    {"dds_delete", FIELD(delete_entity), false},
    {"dds_get_domainid", FIELD(get_domainid), false},
    {"dds_get_guid", FIELD(get_guid), false},
    {"dds_strretcode", FIELD(strretcode), false},
    {"dds_alloc", FIELD(alloc), false},
    {"dds_free", FIELD(free), false},
    {"dds_qget_prop", FIELD(qget_prop), false},
    {"dds_qget_reliability", FIELD(qget_reliability), false},
    {"dds_qget_durability", FIELD(qget_durability), false},
    {"dds_qget_durability_service", FIELD(qget_durability_service), false},
    {"dds_qget_history", FIELD(qget_history), false},
    {"dds_qget_deadline", FIELD(qget_deadline), false},
    {"dds_qget_latency_budget", FIELD(qget_latency_budget), false},
    {"dds_qget_liveliness", FIELD(qget_liveliness), false},
    {"dds_qget_ownership", FIELD(qget_ownership), false},
    {"dds_qget_destination_order", FIELD(qget_destination_order), false},
    {"dds_qget_presentation", FIELD(qget_presentation), false},
    {"dds_qget_partition", FIELD(qget_partition), false},
    {"dds_qget_data_representation", FIELD(qget_data_representation), true},
    {"dds_builtintopic_get_endpoint_type_info", FIELD(get_endpoint_type_info), true},
    {"dds_create_topic_descriptor", FIELD(create_topic_descriptor), true},
    {"ddsi_typeinfo_typeid", FIELD(typeinfo_typeid), true},
    {"ddsi_typeid_get_equivalence_hash", FIELD(typeid_hash), true},
};

/* By the names that its makers, Debian and a build from source give it. */
static void *open_library(bool prefers_newer)
{
    static const char *const names[] = {"libddsc.so.11", "libddsc.so.0", "libddsc.so.0debian",
                                        "libddsc.so", "libddsc.so.11"};
    void *library = NULL;
    for (size_t i = !prefers_newer; library == NULL && i < sizeof names / sizeof names[0]; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fprintf(stderr,
                "eddy why: Cyclone DDS is not where the loader looks (%s); put the folder of "
                "libddsc.so.0 or libddsc.so.11 into LD_LIBRARY_PATH, as ROS 2's setup.bash does\n",
                dlerror());
    return library;
}

bool eddy_cyclone_load(const char *stand_in, bool prefers_newer, struct eddy_cyclone *cyclone)
{
    if (dlopen(stand_in, RTLD_NOW | RTLD_GLOBAL) == NULL) {
        fprintf(stderr, "eddy why: cannot load the stand-in library: %s\n", dlerror());
        return false;
    }
    void *library = open_library(prefers_newer);
    for (size_t i = 0; library != NULL && i < sizeof symbols / sizeof symbols[0]; i++) {
        void *function = dlsym(library, symbols[i].name);
        if (function == NULL && !symbols[i].may_miss) {
            fprintf(stderr,
                    "eddy why: this Cyclone DDS has no %s; a version 0.10 or 11 is needed\n",
                    symbols[i].name);
            return false;
        }
        memcpy((char *)cyclone + symbols[i].at, &function, sizeof function);
    }
    cyclone->is_newer = library != NULL && dlsym(library, EDDY_PLACE_NEWER_SYMBOL) != NULL;
    return library != NULL;
}
