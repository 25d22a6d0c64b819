/* eddy/inspect.h - look at a domain from outside, without joining; clear away what the dead left.
 *
 * Threads: any; a snapshot belongs to its caller.  None waits for other processes.
 *                                               spec/topics.md, "Looking in" and "Garbage"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_INSPECT_H
#define EDDY_INSPECT_H

#include <eddy/topic.h>

#ifdef __cplusplus
extern "C" {
#endif

enum eddy_member_state { EDDY_MEMBER_ALIVE = 0, EDDY_MEMBER_DEAD = 1, EDDY_MEMBER_LEAVING = 2 };

struct eddy_member_info {
    bool is_writer;
    enum eddy_member_state state;
    uint32_t seat;
    uint64_t participant;  /* with the seat it says which writer or reader this is */
    int32_t pid;           /* in its own PID namespace */
    char name[40];         /* of the participant */
    uint64_t samples;      /* published or taken */
    uint64_t bytes;        /* writer: published */
    uint64_t held;         /* reader: samples held; writer: history kept */
    uint64_t lost;         /* reader: missed */
    uint64_t behind;       /* reader: published and not yet taken */
    uint32_t depth;        /* reader: depth; writer: history */
    bool shallow;          /* reader: less deep than it asked for */
    bool reliable;         /* as its program notes it, else as its handle has it */
    uint32_t waiting;      /* reader: samples that its program notes as held back for now */
    uint32_t given_up;     /* reader: samples that its program notes as never handed on */
    bool let_go;           /* reader: writers have let go of it, and it has not come back yet */
    uint32_t let_go_count; /* reader: times that it came back since */
    uint32_t holder;       /* how-manieth reader or writer on that seat this is */
    uint32_t blob_size;    /* what it says of itself (eddy_reader_options.blob) */
    const void *blob;      /* NULL if it says nothing */
    uint64_t reserved[2];  /* zero */
};

struct eddy_topic_report {
    const char *name, *type, *scope, *flink;
    struct eddy_topic_stats stats;
    size_t member_count;
    const struct eddy_member_info *members;
    int error; /* not 0: this flink or its segment cannot be read; `message` says why, the rest is
                  zero */
    uint32_t type_text_size;
    const char *message;
    const char
        *type_text; /* the description of the type, and a NUL behind it; NULL: there is none */
    uint64_t reserved[7]; /* zero */
};

/* Who uses a slots segment, a ring or a region. */
struct eddy_object_member {
    const char *role; /* "writer" (a slots handle), "reader", "producer", "consumer", "owner" */
    enum eddy_member_state state;
    int32_t pid;          /* in its own PID namespace; 0: not known */
    char name[40];        /* of the participant; "": not known */
    uint64_t reserved[4]; /* zero */
};

/* What flinks lead to besides topics. */
struct eddy_object_report {
    const char *kind; /* "slots", "ring" or "region" */
    const char *name; /* of the ring or region; else the flink's name without its ending */
    const char *flink;
    const char *state;     /* in one word: "running", "finished", "kept", ...; "" */
    uint64_t shared_bytes; /* shared memory in use */
    uint64_t bytes;        /* of the file: what it could take */
    uint64_t slots;        /* 0: a region */
    uint64_t slot_bytes;
    uint64_t published; /* samples or chunks */
    uint64_t taken;     /* ring: chunks */
    size_t member_count;
    const struct eddy_object_member *members;
    int error;              /* as for topics */
    uint32_t reserved_word; /* zero */
    const char *message;
    uint64_t reserved[8]; /* zero */
};

typedef struct eddy_snapshot eddy_snapshot;

/* A picture of all that is in a folder (NULL: the default one).  A folder that does not exist is
 * empty. Errors: EDDY_EACCES, EDDY_ENOMEM, EDDY_ECONFIG. */
EDDY_API int eddy_snapshot_take(const char *dir, eddy_snapshot **snapshot);
EDDY_API size_t eddy_snapshot_topics(const eddy_snapshot *snapshot);
EDDY_API const struct eddy_topic_report *eddy_snapshot_topic(const eddy_snapshot *snapshot,
                                                             size_t index);
EDDY_API size_t eddy_snapshot_objects(const eddy_snapshot *snapshot);
EDDY_API const struct eddy_object_report *eddy_snapshot_object(const eddy_snapshot *snapshot,
                                                               size_t index);
EDDY_API void eddy_snapshot_free(eddy_snapshot *snapshot);

/* Lets go of a reliable reader of the topic with this flink, as eddy_writer_let_go, without taking
 * part.  Errors: as there; EDDY_ENOENT, EDDY_EACCES, EDDY_EFLINK, EDDY_ESEGMENT, EDDY_EVERSION. */
EDDY_API int eddy_topic_let_go(const char *flink_path, uint32_t reader, uint64_t participant);

struct eddy_gc_report {
    uint32_t topics_removed, members_reaped, files_removed, files_refused;
    uint64_t bytes_freed;
    uint32_t objects_removed; /* slots segments, rings and regions */
    uint32_t reserved_word;   /* zero */
    uint64_t reserved[4];     /* zero */
};
/* Reaps every dead participant of a domain and removes every topic and file that nobody uses.
 * Never touches what a living or stopped process uses, nor files that are not Eddy's. */
EDDY_API int eddy_gc(const char *dir, struct eddy_gc_report *report);

#ifdef __cplusplus
}
#endif
#endif
