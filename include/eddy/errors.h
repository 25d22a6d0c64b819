/* eddy/errors.h - every way a call can fail, each with a name and a sentence.
 *
 * Calls return 0 or a negative EDDY_E*.  Results come last and are written on success only.
 * Threads: all functions here may be called by any thread; none blocks.      spec/api.md, "Errors"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ERRORS_H
#define EDDY_ERRORS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EDDY_API __attribute__((visibility("default")))
#else
#define EDDY_API
#endif

enum eddy_error {
    EDDY_OK = 0,
    EDDY_EINVAL = -1,     /* an argument is out of its range */
    EDDY_ENOMEM = -2,     /* no memory: the shared-memory file system or the process has run out */
    EDDY_ELIMIT = -3,     /* a limit is reached: of the topic, the domain; waiting does not help */
    EDDY_EAGAIN = -4,     /* not at once, and it was not to wait: no sample there, or no room */
    EDDY_ETIMEDOUT = -5,  /* still not when the deadline had passed */
    EDDY_ENOENT = -6,     /* no such topic, flink or object */
    EDDY_EACCES = -7,     /* not allowed: owner, mode or kind of a file is not as it must be */
    EDDY_EFLINK = -8,     /* a flink file is malformed */
    EDDY_ESEGMENT = -9,   /* a segment, registry or extent is malformed */
    EDDY_EVERSION = -10,  /* made by an Eddy of another layout, or other features */
    EDDY_ETYPE = -11,     /* two programs disagree on a topic's type */
    EDDY_ESTALE = -12,    /* this loan, sample or slot was given back already */
    EDDY_ETOOBIG = -13,   /* more bytes than there is room for */
    EDDY_EBUSY = -14,     /* somebody else is at it, or handles are still open */
    EDDY_EFORKED = -15,   /* the handle belongs to the process that forked this one */
    EDDY_ECONFIG = -16,   /* an EDDY_* environment variable makes no sense */
    EDDY_ELETGO = -17,    /* writers have let go of this reader: it has lost samples.  Of a topic it
                             goes on, of slots when it has joined anew */
    EDDY_EBOUNDS = -18,   /* a slot or reader index beyond the end */
    EDDY_EEXIST = -19,    /* somebody alive has this name already */
    EDDY_ESYS = -20,      /* the operating system refused; eddy_last_error() says what */
    EDDY_EFINISHED = -21, /* the stream is complete */
    EDDY_ECRASHED = -22,  /* the producer has crashed */
    EDDY_EPEERGONE = -23, /* the other side is dead, or left */
    EDDY_ELOOP = -24,     /* regions that need each other in a circle */
    EDDY_ENOTREADY = -25  /* it is still empty */
};

/* The name of an error, "EDDY_ENOMEM"; "EDDY_E?" for a number that is none.  Never NULL, never
 * freed. */
EDDY_API const char *eddy_error_name(int error);

/* One sentence for an error, without a full stop.  Never NULL, never freed. */
EDDY_API const char *eddy_strerror(int error);

/* What the last failed call of this thread failed on, and what to do: "/dev/shm/eddy-1000/a.flink:
 * is empty; remove it or run `eddy gc`".  Valid until this thread's next failing call.  Never NULL;
 * "" before the first failure. EDDY_EAGAIN and EDDY_ETIMEDOUT are answers rather than failures:
 * after them it says nothing of use. */
EDDY_API const char *eddy_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
