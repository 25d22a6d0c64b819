/* eddy/watch.h - who is on a topic: who comes, goes, dies, is stopped, is let go of.
 *
 *   open (with a reader or writer) -> attach its event to a wait set -> wait -> take, take, ...
 *       until EDDY_EAGAIN -> wait ... -> close
 *
 * A watch compares who is there with whom it has told of, whenever it is asked: so no change is lost
 * that still holds, however late it is asked, and each is told once.  What has been undone meanwhile is
 * not told: who came and went again is as if they had never come.  First it tells of all who are there
 * when it is opened.
 *
 * Threads: a watch serves one thread at a time.  A thread of the library, one for each domain handle
 *          with watches, sleeps in the kernel until somebody comes, goes or dies; it blocks all signals.
 * Crash:   leaves nothing.  A forked child has no part in it.
 *                                                     spec/topics.md, "Watching who is there"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WATCH_H
#define EDDY_WATCH_H

#include <eddy/topic.h>
#include <eddy/waitset.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_watch eddy_watch;

enum eddy_change {
    EDDY_CAME = 1,      /* is there: a reader gets what is published from now on */
    EDDY_GONE = 2,      /* was closed */
    EDDY_DIED = 3,      /* its process has ended without closing it */
    EDDY_STOPPED = 4,   /* its process is stopped, by a signal or a debugger: see stops_ns */
    EDDY_CONTINUED = 5, /* and goes on; if it was killed meanwhile, perhaps only to its end */
    EDDY_LET_GO = 6,    /* writers have let go of this reader */
    EDDY_CAME_BACK = 7  /* and it goes on, having lost samples */
};

/* Of one reader or writer, which `is_writer`, `seat`, `participant` and `holder` name together: these
 * never come again. */
struct eddy_member_change {
    enum eddy_change change;
    bool is_writer;
    uint32_t seat;        /* as in eddy_sample.writer, eddy_writer_let_go and eddy_member_info */
    uint64_t participant; /* as in eddy_sample.source */
    uint32_t holder;      /* how-manieth reader or writer on that seat it is */
    int32_t pid;          /* in its own PID namespace */
    char name[40];        /* of the participant */
    /* What it says of itself (eddy_reader_options.blob), with each change; NULL: nothing.  Good until
     * the next call with this watch. */
    const void *blob;
    size_t blob_size;
    uint64_t reserved[4]; /* zero */
};

/* All zero means default. */
struct eddy_watch_options {
    uint64_t
        stops_ns;   /* how often to look whose process is stopped, as nobody tells of that: it wakes
                          a thread each time.  Default never: then it is not told of.  Seen only in
                          one's own PID namespace */
    uint32_t flags; /* none is defined: zero */
    uint32_t reserved; /* zero */
};

/* Watches the topic of a reader, or writer, which itself is not told of; one watch for each.  It must be
 * closed before the reader or writer, whose close says EDDY_EBUSY till then.  options may be NULL.
 * Takes a moment.  Errors: EDDY_EINVAL, EDDY_EBUSY (it has a watch), EDDY_ENOMEM, EDDY_EFORKED, EDDY_ESYS (no thread,
 * or no inotify: fs.inotify.max_user_instances, one for each domain handle with watches, and
 * fs.inotify.max_user_watches). */
static inline int eddy_reader_watch(eddy_reader *reader, const struct eddy_watch_options *options,
                                    eddy_watch **watch)
{
    return eddy_reader_watch_sized(reader, options, sizeof *options, watch);
}
static inline int eddy_writer_watch(eddy_writer *writer, const struct eddy_watch_options *options,
                                    eddy_watch **watch)
{
    return eddy_writer_watch_sized(writer, options, sizeof *options, watch);
}

/* Closes it, and its event with it.  The last of a domain handle takes some 20 ms, as the kernel does
 * to end inotify; so does the end of a process that has one open.  NULL is allowed. */
EDDY_API int eddy_watch_close(eddy_watch *watch);

/* The watch's event, to be attached to a wait set: set while there may be something to take, and at
 * first.  It is reset by the watch. */
EDDY_API eddy_event *eddy_watch_event(eddy_watch *watch);

/* The next change.  Never waits; makes system calls, and looks at each seat of the topic that is taken,
 * once for as many changes as there are.  A death is told of within a millisecond, mostly.  Errors:
 * EDDY_EAGAIN (nothing has changed), EDDY_ENOMEM (nothing is lost), EDDY_EFORKED. */
EDDY_API int eddy_watch_take(eddy_watch *watch, struct eddy_member_change *change);

#ifdef __cplusplus
}
#endif
#endif
