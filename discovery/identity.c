/* What tells one domain from all others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "discovery/domain.h"
#include "discovery/registry.h"

#include <eddy/locator.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* FNV-1a, 64 bits, from a beginning of the caller's. */
static uint64_t hash(const char *text, uint64_t value)
{
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return value;
}

/* Whoever meets has the same registry: the same file, on one kernel. */
static int look_at_registry(const struct eddy_domain *d, struct stat *status)
{
    char *path = NULL;
    if (asprintf(&path, "%s/" EDDY_REGISTRY_FILE, d->dir) < 0)
        return eddy_fail(EDDY_ENOMEM, "no memory for a path");
    int error = stat(path, status) == 0
                    ? EDDY_OK
                    : eddy_fail_errno("cannot look at the registry of the domain in %s", d->dir);
    free(path);
    return error;
}

int eddy_domain_identity(const eddy_domain *d, uint8_t identity[16])
{
    EDDY_UNCANCELLED;
    struct eddy_host host;
    struct stat status;
    char text[120];
    if (eddy_domain_forked(d))
        return eddy_fail_forked();
    int error = look_at_registry(d, &status);
    if (!error)
        error = eddy_host_identity(d->dir, &host);
    if (error)
        return error;
    snprintf(text, sizeof text, "%s:%llx:%llx", host.boot, (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    const uint64_t halves[2] = {hash(text, UINT64_C(0xcbf29ce484222325)),
                                hash(text, UINT64_C(0x84222325cbf29ce4))};
    memcpy(identity, halves, sizeof halves);
    return EDDY_OK;
}
