/* why.h - what `eddy why` knows of writers and readers, and what it concludes.  (internal)
 *
 *   discovery.h  what DDS says of them    \
 *   process.h    what the kernel says      >  world  ->  judge.h: a verdict for each pair
 *   member.h     what is in Eddy          /
 *
 * A world and all that it points to lies in one arena.  Nothing here knows DDS: the reasoning can be
 * fed with tables.
 *
 * Threads: one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_H
#define EDDY_TOOLS_WHY_H

#include <eddy/inspect.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nothing is said of a thing, or no, or yes. */
enum eddy_tri { EDDY_UNKNOWN, EDDY_NO, EDDY_YES };

/* The values of policies, in the order in which DDS ranks them. */
enum { EDDY_DDS_BEST_EFFORT, EDDY_DDS_RELIABLE };
enum { EDDY_DDS_VOLATILE, EDDY_DDS_TRANSIENT_LOCAL, EDDY_DDS_TRANSIENT, EDDY_DDS_PERSISTENT };
enum { EDDY_DDS_KEEP_LAST, EDDY_DDS_KEEP_ALL };
enum { EDDY_DDS_AUTOMATIC, EDDY_DDS_MANUAL_BY_PARTICIPANT, EDDY_DDS_MANUAL_BY_TOPIC };
enum { EDDY_DDS_SHARED, EDDY_DDS_EXCLUSIVE };
#define EDDY_DDS_INFINITE INT64_MAX /* a duration in nanoseconds */

struct eddy_why_qos {
    int32_t reliability, durability, liveliness, ownership;
    int32_t history, depth, service_history, service_depth;
    int32_t destination_order, access_scope;
    bool coherent_access, ordered_access;
    int64_t deadline, latency_budget, lease;
    const char *const *partitions;
    uint32_t partition_count;
    const int16_t *representations; /* of a writer the first counts */
    uint32_t representation_count;
};

/* What the type information in discovery tells; C types of Cyclone DDS 0.10 have it, those of ROS 2
 * have not. */
struct eddy_why_type {
    bool is_known;
    uint8_t id[14];     /* differs where the type does */
    uint8_t shape[14];  /* the same without its names */
    bool is_fixed;      /* no strings and sequences in it */
    bool is_appendable; /* or mutable */
    bool has_optional, has_string_key;
    uint32_t size; /* bytes in memory; 0: only `id` is known */
};

/* How much of a process can be seen from here. */
enum eddy_why_view {
    EDDY_WHY_NOWHERE,  /* not at all: it is in another PID namespace, or on another host */
    EDDY_WHY_FAR,      /* not at all: it is on another host */
    EDDY_WHY_HIDDEN,   /* that it is there, and whose it is: it is another user's */
    EDDY_WHY_IN_SIGHT, /* what it has loaded, and its environment */
};

struct eddy_why_process {
    /* From discovery. */
    uint8_t participant[16];
    const char *host, *name; /* "": not said */
    int32_t pid;             /* in its own PID namespace; 0: not said */
    bool is_cyclone;         /* its DDS is Cyclone DDS */
    /* From the kernel. */
    enum eddy_why_view view;
    int32_t local_pid; /* in this PID namespace; 0: none */
    uint32_t user;
    bool is_stopped;
    const char *binding;         /* path of its libiceoryx_binding_c; NULL: none loaded */
    bool has_door;               /* `eddy run` has preloaded its door */
    bool is_iceoryx;             /* that one is the real one */
    const char *cyclone;         /* path of its libddsc; NULL: none loaded */
    int patch;                   /* N of Cyclone DDS 0.10.N; -1: unknown */
    bool is_newer;               /* it is 11 or later, which loads plug-ins */
    const char *plugin;          /* path of the plug-in that it has loaded; NULL: none */
    bool is_our_plugin;          /* that one is Eddy's */
    const char *dir;             /* folder of the domain that it has open; NULL: none */
    const char *meant_dir;       /* the one that its environment names */
    uint64_t registry;           /* which registry that is: its inode, */
    uint64_t registry_device;    /* and where that is */
    bool is_removed;             /* the folder's files were removed under it */
    bool is_closed;              /* we may not look into that folder */
    enum eddy_tri launched;      /* by `eddy run` or `eddy env` */
    enum eddy_tri shared_memory; /* as its settings say */
    enum eddy_tri redundant;     /* RedundantNetworking, as its settings say */
    const char *locator;         /* as its settings say; NULL: unknown */
};

/* A writer or reader in Eddy. */
struct eddy_why_member {
    const char *dir, *scope, *topic, *type;
    const char *whole; /* scope, with what the plug-in for Cyclone DDS 11 adds for itself */
    bool is_of_plugin; /* then it has no type, and one may serve several readers of a process */
    struct eddy_member_info info;
    uint64_t shared_bytes, limit_bytes; /* of its topic */
    bool is_taken;                      /* by an endpoint */
    bool is_presumed;                   /* its folder cannot be looked into */
};

/* A writer or reader in DDS; or in Eddy alone, then it is not discovered. */
struct eddy_why_endpoint {
    bool is_writer, is_discovered;
    const char *topic, *type;
    uint8_t guid[16];
    uint8_t participant[16];
    struct eddy_why_qos qos;
    struct eddy_why_type type_facts;
    const struct eddy_why_process *process;
    const struct eddy_why_member *member; /* NULL: not in Eddy */
    const struct eddy_why_member *second; /* a reader of Cyclone DDS 11 has two; NULL: none */
};

struct eddy_why_world {
    uint32_t domain;      /* of DDS */
    const char *dir;      /* where to look first */
    const char *stand_in; /* path of ours */
    uint64_t history_max; /* the deepest history that shared memory takes */
    bool is_full;         /* the file system of `dir` */
    size_t process_count, endpoint_count, member_count, stray_count;
    struct eddy_why_process *processes;
    struct eddy_why_process
        *strays; /* not in DDS: wait for a daemon, or removed files are theirs */
    struct eddy_why_endpoint *endpoints;
    struct eddy_why_member *members;
};

#endif
