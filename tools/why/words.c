/* words.c - see words.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/words.h"

#include "tools/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In the sentences: $S the side, "the reader"; $O the other side; $1 and $2 names; $N and $M numbers;
 * $T and $U the same as times; $B and $C as sizes; $P and $Q partitions of the writer, the reader,
 * $R those of the side. */
struct words {
    const char *name, *said, *advice;
};

#define USE_KEEP_LAST "use KEEP_LAST, as deep as the most samples that may wait"

#define ICEORYX_ADVICE                                                                             \
    "something put its folder before Eddy's in LD_LIBRARY_PATH (or an RPATH, or LD_PRELOAD): "     \
    "`eddy run` has to come last, after setup.bash"

#define REMOVED_ADVICE                                                                             \
    "start it again; if it happens when a user logs out, that is systemd's RemoveIPC: set "        \
    "RemoveIPC=no in logind.conf, or EDDY_DIR"

static const struct words table[EDDY_WHY_CODE_COUNT] = {
    [EDDY_WHY_NO_WRITER] = {"no-writer", "nobody writes this topic in this DDS domain",
                            "start the writer; is its topic's name the same, and its DDS domain "
                            "(ROS_DOMAIN_ID, CYCLONEDDS_DOMAIN_ID)?"},
    [EDDY_WHY_NO_READER] = {"no-reader", "nobody reads this topic in this DDS domain",
                            "start the reader; is its topic's name the same, and its DDS domain "
                            "(ROS_DOMAIN_ID, CYCLONEDDS_DOMAIN_ID)?"},
    [EDDY_WHY_UNDISCOVERED] = {"undiscovered",
                               "$S is in Eddy, but nobody answers for it in the discovery of this "
                               "DDS domain; Cyclone DDS drops samples of writers that it does not "
                               "know",
                               "let discovery reach it: the same network interface, multicast or "
                               "<Peers>, the same DDS domain; if it is stopped, let it go on"},
    [EDDY_WHY_WAITS_FOR_DAEMON] = {"waits-for-daemon",
                                   "$1, pid $N, takes no part in DDS: it was started for Eddy, has "
                                   "loaded the real iceoryx, $2, in its place, and waits for the "
                                   "daemon RouDi",
                                   ICEORYX_ADVICE},
    [EDDY_WHY_HOLDS_REMOVED] = {"holds-removed",
                                "$1, pid $N, has files in $2 open that were removed, where nobody "
                                "else meets it, and does not answer in the discovery of this DDS "
                                "domain",
                                REMOVED_ADVICE},
    [EDDY_WHY_TYPE_NAMES] = {"type-names",
                             "DDS does not connect them: the reader's type is $1, the writer's $2",
                             "use one type on both sides"},
    [EDDY_WHY_TYPES] = {"types",
                        "DDS does not connect them: the type $1 is not the same on both sides, and "
                        "it is not one that may be extended",
                        "build both from the same IDL"},
    [EDDY_WHY_ASKED_RELIABILITY] = {"asked-reliability",
                                    "DDS does not connect them: the reader asks for reliability "
                                    "$1, the writer offers $2",
                                    "make the writer RELIABLE, or the reader BEST_EFFORT"},
    [EDDY_WHY_ASKED_DURABILITY] = {"asked-durability",
                                   "DDS does not connect them: the reader asks for durability $1, "
                                   "the writer offers $2",
                                   "make the writer $1, or the reader $2"},
    [EDDY_WHY_ASKED_PRESENTATION] = {"asked-presentation",
                                     "DDS does not connect them: the reader asks for more in its "
                                     "presentation policy than the writer offers",
                                     "give both the same presentation policy"},
    [EDDY_WHY_ASKED_DEADLINE] = {"asked-deadline",
                                 "DDS does not connect them: the reader asks for a sample each $T "
                                 "(deadline), the writer offers $U",
                                 "give the writer a deadline of $T or less, or the reader a longer "
                                 "one"},
    [EDDY_WHY_ASKED_LATENCY] = {"asked-latency-budget",
                                "DDS does not connect them: the reader asks for a latency budget "
                                "of $T, the writer offers $U",
                                "give both the same latency budget"},
    [EDDY_WHY_ASKED_OWNERSHIP] = {"asked-ownership",
                                  "DDS does not connect them: the reader's ownership is $1, the "
                                  "writer's $2",
                                  "give both the same ownership"},
    [EDDY_WHY_ASKED_LIVELINESS] = {"asked-liveliness",
                                   "DDS does not connect them: the reader asks for liveliness $1, "
                                   "the writer offers $2",
                                   "make the writer's $1, or the reader's $2"},
    [EDDY_WHY_ASKED_LEASE] = {"asked-lease",
                              "DDS does not connect them: the reader asks for a sign of life each "
                              "$T (liveliness lease), the writer offers $U",
                              "give the writer a lease of $T or less, or the reader a longer one"},
    [EDDY_WHY_ASKED_ORDER] = {"asked-destination-order",
                              "DDS does not connect them: the reader asks for destination order "
                              "$1, the writer offers $2",
                              "give both the same destination order"},
    [EDDY_WHY_PARTITIONS] = {"partitions",
                             "DDS does not connect them: their partitions have no name in common, "
                             "the writer's are $P, the reader's $Q",
                             "put both into one partition, if they are meant to meet"},
    [EDDY_WHY_REPRESENTATION] = {"representation",
                                 "DDS does not connect them: the writer's data representation "
                                 "(XCDR1, XCDR2) is none that the reader takes",
                                 "give both the same data representation"},
    [EDDY_WHY_HISTORY] = {"history", "$S's history is KEEP_ALL, which keeps it off shared memory",
                          USE_KEEP_LAST},
    [EDDY_WHY_DURABILITY] = {"durability",
                             "$S's durability is $1, which keeps it off shared memory",
                             "use VOLATILE or TRANSIENT_LOCAL"},
    [EDDY_WHY_DEPTH] = {"depth",
                        "$S keeps $N samples for late readers (TRANSIENT_LOCAL and its "
                        "durability_service), which keeps it off shared memory: it takes $M",
                        "set the history depth of durability_service to $M or less"},
    [EDDY_WHY_LIVELINESS] = {"liveliness",
                             "$S's liveliness is manual, which keeps it off shared memory",
                             "use AUTOMATIC"},
    [EDDY_WHY_DEADLINE] = {"deadline", "$S has a deadline ($T), which keeps it off shared memory",
                           "use no deadline"},
    [EDDY_WHY_SEVERAL_PARTITIONS] = {"several-partitions",
                                     "$S is in several partitions, or in a pattern of them, $R, "
                                     "which keeps it off shared memory",
                                     "name its partitions, 16 at most; one of a writer with "
                                     "KEEP_ALL or TRANSIENT_LOCAL"},
    [EDDY_WHY_KEEPS_ALL] =
        {"keeps-all",
         "$S keeps all its samples for late readers (TRANSIENT_LOCAL, and "
         "KEEP_ALL in its durability_service), which keeps it off shared memory: "
         "it takes $M of each instance",
         "set durability_service to KEEP_LAST with a depth of $M or less"},
    [EDDY_WHY_EVOLVING] =
        {"evolving-type",
         "$S's type has a fixed form in memory and may evolve (appendable, "
         "mutable or with an @optional member), which keeps it off shared memory: "
         "another version may have another size",
         "make the type @final, without @optional"},
    [EDDY_WHY_ONE_SIDED] = {"one-sided",
                            "only the writer uses shared memory, and its Cyclone DDS sends what is "
                            "for the reader there: what `eddy run` preloads against that is "
                            "missing in the writer's process",
                            "leave LD_PRELOAD as `eddy run` sets it, or set RedundantNetworking "
                            "to true in the writer's CYCLONEDDS_URI"},
    [EDDY_WHY_OTHER_HOST] = {"other-host",
                             "$S is on another host, $1 (or in a container that cannot be seen "
                             "into)",
                             "nothing, if it is another host; containers meet in Eddy if they "
                             "share the folder, see eddy(7)"},
    [EDDY_WHY_OTHER_DDS] = {"other-dds",
                            "$S's DDS is not Cyclone DDS, which alone knows this shared memory",
                            "with ROS 2, set RMW_IMPLEMENTATION=rmw_cyclonedds_cpp"},
    [EDDY_WHY_OUT_OF_SIGHT] = {"out-of-sight",
                               "$S's process cannot be seen from here: it is in another PID "
                               "namespace, and not in this folder",
                               "containers meet in Eddy if they share the folder, see eddy(7)"},
    [EDDY_WHY_OTHER_USER] = {"other-user",
                             "$S belongs to user $N and is not in this folder: a folder belongs to "
                             "one user",
                             "make a folder for a group and set EDDY_DIR for both, see eddy(7); "
                             "as that user or root `eddy why` sees more"},
    [EDDY_WHY_NO_LIBRARY] = {"no-library",
                             "$S's process has no libddsc loaded: its Cyclone DDS is linked into "
                             "it",
                             "link it with the shared library"},
    [EDDY_WHY_BUILT_WITHOUT] = {"built-without",
                                "$S's Cyclone DDS, $1, was built without shared memory",
                                "use one that was built with ENABLE_SHM=ON"},
    [EDDY_WHY_ICEORYX] = {"iceoryx", "$S has loaded the real iceoryx, $1, in the place of Eddy",
                          ICEORYX_ADVICE},
    [EDDY_WHY_NOT_LAUNCHED] = {"not-launched",
                               "$S was not started with `eddy run` or after `eddy env`",
                               "start it so: eddy run -- PROGRAM"},
    [EDDY_WHY_SWITCHED_OFF] = {"switched-off", "$S's settings turn shared memory off",
                               "take <Enable>false</Enable> out of <SharedMemory> in "
                               "CYCLONEDDS_URI and the files that it names"},
    [EDDY_WHY_NO_DOMAIN] = {"no-domain",
                            "$S's process has no folder open in Eddy, although it is set up for "
                            "it: it could not open one, or has only started",
                            "look at what it says on its standard error, and ask `eddy doctor`"},
    [EDDY_WHY_REMOVED] = {"removed",
                          "the files in $1 were removed while $S used them; who came later cannot "
                          "meet it there",
                          REMOVED_ADVICE},
    [EDDY_WHY_FULL] = {"full", "$S is not in Eddy: the file system of $1 is full",
                       "make room: `eddy gc`, a larger tmpfs (--shm-size), or EDDY_DIR on another"},
    [EDDY_WHY_NOT_OPEN] = {"not-open",
                           "$S is not in Eddy, although its process is, in $1, and the policies "
                           "that discovery shows allow it: it ignores local peers (ignorelocal), "
                           "or could not be opened",
                           "use ignorelocal NONE; else look at what the program says on its "
                           "standard error"},
    [EDDY_WHY_NO_PLUGIN] =
        {"no-plugin", "$S's Cyclone DDS is 11, and has not loaded Eddy's plug-in",
         "start it so: eddy run -- PROGRAM; or name the plug-in in its settings, "
         "see eddy-psmx(5)"},
    [EDDY_WHY_OTHER_PLUGIN] =
        {"other-plugin",
         "$S's settings name a plug-in that is not Eddy's, $1, and `eddy run` "
         "leaves such settings as they are",
         "take that PubSubMessageExchange out of CYCLONEDDS_URI, or put Eddy's "
         "in its place, see eddy-psmx(5)"},
    [EDDY_WHY_NOT_SERVED] = {"not-served",
                             "$S is not in Eddy, although its process is, in $1, and the policies "
                             "that discovery shows allow it: the plug-in's options keep its type "
                             "off (SERIALIZED, KEYED_TOPICS), or it could not be opened",
                             "look at the plug-in's options, see eddy-psmx(5); else at what the "
                             "program says on its standard error"},
    [EDDY_WHY_FOLDERS] = {"folders",
                          "they are in Eddy in different folders, the writer in $1, the reader in "
                          "$2",
                          "give both the same EDDY_DIR (a group's folder for two users)"},
    [EDDY_WHY_SCOPES] = {"scopes",
                         "they are in Eddy in different scopes, the writer in $1, the reader in $2",
                         "start both with `eddy run`, with the same CYCLONEDDS_DOMAIN_ID, and "
                         "take <Prefix> out of CYCLONEDDS_URI"},
    [EDDY_WHY_LOCATORS] = {"locators",
                           "their settings have different locators, $1 and $2, so that Cyclone DDS "
                           "sends each sample over the network, too",
                           "take <Locator> out of CYCLONEDDS_URI: `eddy run` sets it"},
    [EDDY_WHY_GENERATIONS] =
        {"generations",
         "the writer's Cyclone DDS is $1, the reader's $2: each generation has "
         "a way of its own through Eddy",
         "run both on the same Cyclone DDS"},
    [EDDY_WHY_STOPPED] = {"stopped", "$S's process is stopped (SIGSTOP, or a debugger)",
                          "let it go on: kill -CONT"},
    [EDDY_WHY_DEAD] = {"dead", "$S's process is dead",
                       "start it again; `eddy gc` clears away what it left"},
    [EDDY_WHY_MISSED] = {"missed",
                         "the reader has missed $N samples: it was more than its $M behind",
                         "give the reader a deeper history, or a faster program"},
    [EDDY_WHY_GIVEN_UP] = {"given-up",
                           "$N samples for the reader were given up: its Cyclone DDS did not get "
                           "to know their writer in time, or does not connect the two",
                           "let discovery reach the writer: the same network interface, multicast "
                           "or <Peers>"},
    [EDDY_WHY_WAITING] = {"waiting",
                          "$N samples for the reader are held back: its Cyclone DDS does not know "
                          "their writer yet, or does not connect the two",
                          "wait a moment; if they stay, let discovery reach the writer"},
    [EDDY_WHY_BEHIND] = {"behind", "the reader has $N samples yet to take, of at most $M",
                         "nothing, unless that number grows: then the reader is too slow"},
    [EDDY_WHY_MEMORY_FULL] = {"memory-full", "the topic has used $B of the $C that it may grow to",
                              "allow more with EDDY_MAX_BYTES"},
    [EDDY_WHY_PRESUMED] = {"presumed",
                           "that they are is not seen but concluded: this user may not look into "
                           "$1",
                           "run `eddy why` as the user whose folder it is"},
    [EDDY_WHY_ROS_GRAPH] = {"ros-graph",
                            "this is ROS 2's own list of nodes, which it reads with KEEP_ALL: it "
                            "is meant to go over the network",
                            "nothing"},
    [EDDY_WHY_STRING_KEY] = {"string-key",
                             "the type has a string as key: Cyclone DDS 0.10.$N crashes on it with "
                             "any shared memory",
                             "use Cyclone DDS 0.10.4 or later, or turn shared memory off for both"},
    [EDDY_WHY_OPTIONAL] = {"optional",
                           "the type has an @optional member and otherwise a fixed size: Cyclone "
                           "DDS 0.10 crashes on it with any shared memory",
                           "take @optional out, or turn shared memory off for both"},
    [EDDY_WHY_LONGER_TYPE] = {"longer-type",
                              "the writer's version of the type is longer, $N bytes, than the "
                              "reader's, $M: with any shared memory Cyclone DDS 0.10 overwrites "
                              "the reader's memory",
                              "build both from the same IDL"},
    [EDDY_WHY_OTHER_TYPE] = {"other-type", "their types are of different versions",
                             "build both from the same IDL"},
    [EDDY_WHY_KEYS] = {"keys",
                       "with any shared memory Cyclone DDS 0.10.$N does not find instances by "
                       "dds_lookup_instance, and swaps the bytes of keys of ended instances",
                       "use Cyclone DDS 0.10.4 or later, if the program needs that"},
};

const char *eddy_why_code_name(enum eddy_why_code code)
{
    return table[code].name;
}

const char *eddy_why_path_name(enum eddy_why_path path)
{
    static const char *const names[] = {"Eddy", "process", "network", "none"};
    return names[path];
}

/* --- filling in ------------------------------------------------------------------------------ */

static void say_side(FILE *out, enum eddy_why_side side, bool other)
{
    bool writer = (side == EDDY_SIDE_WRITER) != other;
    fputs(writer ? "the writer" : "the reader", out);
}

static void say_time(FILE *out, uint64_t nanoseconds)
{
    if (nanoseconds == (uint64_t)EDDY_DDS_INFINITE)
        fputs("none", out);
    else
        fprintf(out, "%g s", (double)nanoseconds / 1e9);
}

static void say_partitions(FILE *out, const struct eddy_why_endpoint *endpoint)
{
    const struct eddy_why_qos *qos = &endpoint->qos;
    if (qos->partition_count == 0)
        fputs("the default one", out);
    for (uint32_t i = 0; i < qos->partition_count; i++)
        fprintf(out, "%s'%s'", i > 0 ? ", " : "", qos->partitions[i]);
}

static void say_one(FILE *out, char what, const struct eddy_why_verdict *verdict,
                    const struct eddy_why_reason *reason)
{
    switch (what) {
    case 'S':
    case 'O':
        say_side(out, reason->side, what == 'O');
        break;
    case '1':
    case '2':
        fputs(what == '1' ? reason->first : reason->second, out);
        break;
    case 'N':
    case 'M':
        fprintf(out, "%" PRIu64, what == 'N' ? reason->number : reason->other);
        break;
    case 'T':
    case 'U':
        say_time(out, what == 'T' ? reason->number : reason->other);
        break;
    case 'B':
    case 'C':
        eddy_text_bytes(out, what == 'B' ? reason->number : reason->other);
        break;
    case 'R':
        say_partitions(out, eddy_why_on(verdict, reason->side));
        break;
    default:
        say_partitions(out, what == 'P' ? verdict->writer : verdict->reader);
    }
}

static char *fill(const char *words, const struct eddy_why_verdict *verdict,
                  const struct eddy_why_reason *reason)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    for (; *words != '\0'; words++) {
        if (*words == '$')
            say_one(out, *++words, verdict, reason);
        else
            fputc(*words, out);
    }
    fclose(out);
    return text;
}

char *eddy_why_said(const struct eddy_why_verdict *verdict, const struct eddy_why_reason *reason)
{
    return fill(table[reason->code].said, verdict, reason);
}

char *eddy_why_advice(const struct eddy_why_verdict *verdict, const struct eddy_why_reason *reason)
{
    return fill(table[reason->code].advice, verdict, reason);
}

char *eddy_why_ros_name(const char *topic)
{
    static const struct {
        const char *head, *tail;
    } kinds[] = {{"rt/", ""}, {"rq/", "Request"}, {"rr/", "Reply"}};
    size_t length = strlen(topic);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t head = strlen(kinds[i].head), tail = strlen(kinds[i].tail);
        if (length < head + tail || strncmp(topic, kinds[i].head, head) != 0 ||
            strcmp(topic + length - tail, kinds[i].tail) != 0)
            continue;
        return strndup(topic + head - 1, length - head - tail + 1);
    }
    return NULL;
}
