/* match.c - whether DDS connects a writer and a reader at all (see judge.h).
 *
 * Rules of the DDS specification, "Requested/Offered": the reader asks, the writer offers; plus
 * those of X-Types for data representation.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/judge.h"

#include <fnmatch.h>
#include <string.h>

/* Adds a reason of two names. */
static void add_names(struct eddy_why_verdict *verdict, enum eddy_why_code code, const char *asked,
                      const char *offered)
{
    struct eddy_why_reason *reason = eddy_why_add(verdict, code, EDDY_SIDE_PAIR, EDDY_GRADE_LOST);
    reason->first = asked;
    reason->second = offered;
}

/* The same of two durations. */
static void add_times(struct eddy_why_verdict *verdict, enum eddy_why_code code, int64_t asked,
                      int64_t offered)
{
    struct eddy_why_reason *reason = eddy_why_add(verdict, code, EDDY_SIDE_PAIR, EDDY_GRADE_LOST);
    reason->number = (uint64_t)asked;
    reason->other = (uint64_t)offered;
}

static const char *name_of(const char *const *names, int32_t count, int32_t value)
{
    return value >= 0 && value < count ? names[value] : "an unknown kind";
}

static void match_kinds(struct eddy_why_verdict *verdict, const struct eddy_why_qos *asked,
                        const struct eddy_why_qos *offered)
{
    static const char *const durabilities[] = {"VOLATILE", "TRANSIENT_LOCAL", "TRANSIENT",
                                               "PERSISTENT"};
    static const char *const livelinesses[] = {"AUTOMATIC", "MANUAL_BY_PARTICIPANT",
                                               "MANUAL_BY_TOPIC"};
    if (asked->reliability > offered->reliability)
        add_names(verdict, EDDY_WHY_ASKED_RELIABILITY, "RELIABLE", "BEST_EFFORT");
    if (asked->durability > offered->durability)
        add_names(verdict, EDDY_WHY_ASKED_DURABILITY, name_of(durabilities, 4, asked->durability),
                  name_of(durabilities, 4, offered->durability));
    if (asked->liveliness > offered->liveliness)
        add_names(verdict, EDDY_WHY_ASKED_LIVELINESS, name_of(livelinesses, 3, asked->liveliness),
                  name_of(livelinesses, 3, offered->liveliness));
    if (asked->ownership != offered->ownership)
        add_names(verdict, EDDY_WHY_ASKED_OWNERSHIP,
                  asked->ownership == EDDY_DDS_SHARED ? "SHARED" : "EXCLUSIVE",
                  offered->ownership == EDDY_DDS_SHARED ? "SHARED" : "EXCLUSIVE");
    if (asked->destination_order > offered->destination_order)
        add_names(verdict, EDDY_WHY_ASKED_ORDER, "BY_SOURCE_TIMESTAMP", "BY_RECEPTION_TIMESTAMP");
    if (asked->access_scope > offered->access_scope ||
        asked->coherent_access > offered->coherent_access ||
        asked->ordered_access > offered->ordered_access)
        add_names(verdict, EDDY_WHY_ASKED_PRESENTATION, "", "");
}

static void match_times(struct eddy_why_verdict *verdict, const struct eddy_why_qos *asked,
                        const struct eddy_why_qos *offered)
{
    if (asked->deadline < offered->deadline)
        add_times(verdict, EDDY_WHY_ASKED_DEADLINE, asked->deadline, offered->deadline);
    if (asked->latency_budget < offered->latency_budget)
        add_times(verdict, EDDY_WHY_ASKED_LATENCY, asked->latency_budget, offered->latency_budget);
    if (asked->lease < offered->lease)
        add_times(verdict, EDDY_WHY_ASKED_LEASE, asked->lease, offered->lease);
}

/* Of two names at most one may be a pattern. */
static bool names_overlap(const char *a, const char *b)
{
    bool a_is_pattern = strpbrk(a, "*?") != NULL, b_is_pattern = strpbrk(b, "*?") != NULL;
    if (a_is_pattern && b_is_pattern)
        return false;
    return b_is_pattern ? fnmatch(b, a, FNM_NOESCAPE) == 0 : fnmatch(a, b, FNM_NOESCAPE) == 0;
}

/* No partition is the one without a name. */
static bool partitions_overlap(const struct eddy_why_qos *a, const struct eddy_why_qos *b)
{
    static const char *const nameless[] = {""};
    size_t a_count = a->partition_count > 0 ? a->partition_count : 1;
    size_t b_count = b->partition_count > 0 ? b->partition_count : 1;
    const char *const *a_names = a->partition_count > 0 ? a->partitions : nameless;
    const char *const *b_names = b->partition_count > 0 ? b->partitions : nameless;
    for (size_t i = 0; i < a_count; i++)
        for (size_t k = 0; k < b_count; k++)
            if (names_overlap(a_names[i], b_names[k]))
                return true;
    return false;
}

/* A writer writes in its first; what is not said is not compared. */
static bool representations_fit(const struct eddy_why_qos *asked,
                                const struct eddy_why_qos *offered)
{
    bool fit = asked->representation_count == 0 || offered->representation_count == 0;
    for (uint32_t i = 0; !fit && i < asked->representation_count; i++)
        fit = asked->representations[i] == offered->representations[0];
    return fit;
}

/* Types of different versions may fit if they can be extended; DDS decides that, and does not tell.
 * Cyclone DDS 11 compares what is in types that it knows, whatever their names. */
static bool types_fit(const struct eddy_why_type *a, const struct eddy_why_type *b, bool is_newer)
{
    if (!a->is_known || !b->is_known || a->size == 0 || b->size == 0)
        return true;
    return a->is_appendable || b->is_appendable ||
           memcmp(is_newer ? a->shape : a->id, is_newer ? b->shape : b->id, sizeof a->id) == 0;
}

static bool names_fit(const struct eddy_why_endpoint *writer,
                      const struct eddy_why_endpoint *reader, bool is_newer)
{
    bool are_known = writer->type_facts.is_known && reader->type_facts.is_known;
    return strcmp(writer->type, reader->type) == 0 || (is_newer && are_known);
}

bool eddy_why_match(struct eddy_why_verdict *verdict)
{
    const struct eddy_why_endpoint *writer = verdict->writer, *reader = verdict->reader;
    size_t before = verdict->reason_count;
    bool is_newer = eddy_why_is_newer(reader);
    if (!names_fit(writer, reader, is_newer))
        add_names(verdict, EDDY_WHY_TYPE_NAMES, reader->type, writer->type);
    else if (!types_fit(&writer->type_facts, &reader->type_facts, is_newer))
        add_names(verdict, EDDY_WHY_TYPES, writer->type, "");
    match_kinds(verdict, &reader->qos, &writer->qos);
    match_times(verdict, &reader->qos, &writer->qos);
    if (!partitions_overlap(&reader->qos, &writer->qos))
        eddy_why_add(verdict, EDDY_WHY_PARTITIONS, EDDY_SIDE_PAIR, EDDY_GRADE_LOST);
    if (!representations_fit(&reader->qos, &writer->qos))
        eddy_why_add(verdict, EDDY_WHY_REPRESENTATION, EDDY_SIDE_PAIR, EDDY_GRADE_LOST);
    return verdict->reason_count == before;
}
