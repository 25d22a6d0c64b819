/* eddy/domain.h - a domain: the folder in which topics meet, and this process's part in it.
 *
 *   eddy_domain_open -> participant -> writers, readers, wait sets -> eddy_domain_close
 *
 * All of a domain lies in one folder: EDDY_DIR, or /dev/shm/eddy-<uid>.  Whoever shares the folder
 * (a container, say) shares the domain.  There is no daemon.
 *
 * A folder is its owner's alone, and the files in it are 0600.  One that was made for a group is a
 * domain of all that group's users, whoever owns it, and the files in it are 0660:
 *   install -d -m 2770 -o root -g GROUP /dev/shm/eddy-GROUP
 * It must be set-group-id, writable for its group and nobody else, not sticky, and named: the
 * default folder is never a group's.
 *
 * Threads: a domain may be used by all threads.  Opening and closing take a lock of this process;
 *          never call them on a data path.
 * Crash:   the kernel drops the participant's lock; others take back what it held.
 *                                                                        spec/registry.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_DOMAIN_H
#define EDDY_DOMAIN_H

#include <eddy/errors.h>
#include <eddy/sized.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_domain eddy_domain;

/* All zero means default. */
struct eddy_domain_options {
    const char
        *dir; /* the folder; default: EDDY_DIR, else /dev/shm/eddy-<uid> (made with mode 0700) */
    const char *name; /* what `eddy ls` calls this participant; default: the program's name; cut at
                         39 bytes */
    /* How long waits of this participant look before they sleep: 0: EDDY_SPIN, else what pays is
     * learnt; < 0: never; > 0: nanoseconds.  None looks on a machine of one CPU. */
    int64_t spin_ns;
};

/* Takes part in a domain.  options may be NULL.  May be called several times; each gives a
 * participant of its own. Blocks for file operations only.  Errors: EDDY_EACCES, EDDY_ECONFIG,
 * EDDY_ENOMEM, EDDY_ESEGMENT, EDDY_EVERSION, EDDY_ELIMIT, EDDY_ESYS. spec/registry.md */
static inline int eddy_domain_open(const struct eddy_domain_options *options, eddy_domain **domain)
{
    return eddy_domain_open_sized(options, sizeof *options, domain);
}

/* Leaves.  EDDY_EBUSY while writers, readers or wait sets of it are open.  NULL is allowed.  In a
 * forked child it frees the child's copy and returns EDDY_EFORKED. */
EDDY_API int eddy_domain_close(eddy_domain *domain);

/* The folder of the domain, absolute.  Valid while the domain is open. */
EDDY_API const char *eddy_domain_dir(const eddy_domain *domain);

/* What two participants have in common exactly if they meet: the same files of the same folder, of
 * one boot of one kernel.  Another after the domain's files were removed and made anew.  Errors:
 * EDDY_ENOENT (they were removed), EDDY_EFORKED, EDDY_ESYS. */
EDDY_API int eddy_domain_identity(const eddy_domain *domain, uint8_t identity[16]);

/* The folder that eddy_domain_open(NULL) would use, into buffer (bytes).  Nothing is created.
 * Errors: EDDY_ECONFIG, EDDY_ETOOBIG. */
EDDY_API int eddy_default_dir(char *buffer, unsigned long bytes);

/* Looks at what a domain would be opened with: EDDY_DIR, EDDY_LOG, EDDY_MAX_BYTES, EDDY_SPIN, and
 * the folder dir, NULL for the default.  Nothing is created and nobody joins.  Errors: EDDY_EACCES,
 * EDDY_ECONFIG, EDDY_ENOENT (there is no such folder), EDDY_ESYS. */
EDDY_API int eddy_domain_check(const char *dir);

/* True if the domain's files were removed while it is open (systemd's RemoveIPC=yes does that to
 * those of a user who logs out).  Who has it open goes on with who else has; newcomers make a domain
 * of their own.  To meet them, open it anew.  False while the process ends, when it clears its files
 * away itself. */
EDDY_API bool eddy_domain_is_removed(const eddy_domain *domain);

/* From now on the calling thread gets `signal`, one of SIGRTMIN to SIGRTMAX, whenever a file goes from
 * the domain's folder, until *fd is closed, by the caller: then eddy_domain_is_removed says more.  For
 * a thread that has it blocked and does nothing but wait for it.  Costs nothing until then.  Errors:
 * EDDY_ESYS, EDDY_EFORKED. */
EDDY_API int eddy_domain_notify(const eddy_domain *domain, int signal, int *fd);

/* Every call that may wait for others takes a deadline, absolute, in nanoseconds of CLOCK_MONOTONIC.
 * All of them look first.  What cannot be had at once is EDDY_EAGAIN with EDDY_POLL; with any other
 * deadline they wait, and say EDDY_ETIMEDOUT when it has passed.       spec/api.md, "Waiting" */
#define EDDY_POLL    0u           /* never wait */
#define EDDY_FOREVER UINT64_MAX   /* never passes */
EDDY_API uint64_t eddy_now(void); /* CLOCK_MONOTONIC in nanoseconds */
EDDY_API uint64_t
eddy_deadline(uint64_t nanoseconds); /* now + nanoseconds, EDDY_FOREVER if that overflows */

#ifdef __cplusplus
}
#endif
#endif
