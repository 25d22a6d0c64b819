/* launch.c - see launch.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/launch.h"

#include "tools/place.h"
#include "tools/settings.h"

#include <eddy/domain.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cyclone DDS puts no domain id into the names it gives to shared memory, so we do; it expands the
 * variable itself, for each domain that a program opens.  A program that leaves the choice to the
 * settings opens the first domain that they name, else 0; its variable is still empty when our
 * settings are read, which is why that domain gets a fragment of its own. */
#define FRAGMENT_HEAD                                                                              \
    "<Domain id=\"any\"><SharedMemory><Enable>true</Enable>"                                       \
    "<Prefix>EDDY.${CYCLONEDDS_DOMAIN_ID:-0}</Prefix><Locator>"
#define FRAGMENT_TAIL "</Locator></SharedMemory></Domain>"
#define FRAGMENT_NAMED                                                                             \
    "<Domain id=\"%u\"><SharedMemory><Prefix>EDDY.%u</Prefix></SharedMemory></Domain>"

__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

/* `first` at the head of a colon-separated list, once. */
static char *path_with(const char *first, const char *list)
{
    size_t length = strlen(first);
    if (strncmp(list, first, length) == 0 && (list[length] == ':' || list[length] == '\0'))
        return strdup(list);
    return list[0] != '\0' ? text_of("%s:%s", first, list) : strdup(first);
}

/* Bytes of a fragment of ours at the head of these settings. */
static size_t fragment_length(const char *uri)
{
    unsigned id = 0, again = 0;
    int named = 0;
    if (strncmp(uri, FRAGMENT_HEAD, sizeof FRAGMENT_HEAD - 1) == 0) {
        const char *tail = strstr(uri, FRAGMENT_TAIL);
        return tail != NULL ? (size_t)(tail - uri) + sizeof FRAGMENT_TAIL - 1 : 0;
    }
    if (sscanf(uri, FRAGMENT_NAMED "%n", &id, &again, &named) == 2 && id == again)
        return (size_t)named;
    return 0;
}

/* The user's part of CYCLONEDDS_URI: without what we put in front the last time. */
static const char *users_uri(const char *uri)
{
    size_t ours;
    do {
        uri += strspn(uri, " \t\r\n,");
        ours = fragment_length(uri);
        uri += ours;
    } while (ours > 0);
    return uri;
}

static char *uri_with(const char *locator, const char *uri)
{
    char named[sizeof FRAGMENT_NAMED + 32] = "";
    unsigned domain = 0;
    uri = users_uri(uri);
    if (eddy_settings_domain(uri, &domain))
        snprintf(named, sizeof named, "," FRAGMENT_NAMED, domain, domain);
    return text_of(FRAGMENT_HEAD "%s" FRAGMENT_TAIL "%s%s%s", locator, named,
                   uri[0] != '\0' ? "," : "", uri);
}

/* The folder of the domain, which exists afterwards.  NULL: stderr says why. */
static char *open_dir(const char *who, const char *dir)
{
    const struct eddy_domain_options options = {.dir = dir, .name = who};
    eddy_domain *domain = NULL;
    int error = eddy_domain_open(&options, &domain);
    if (error != 0) {
        fprintf(stderr, "%s: cannot open the domain: %s (%s)\n", who, eddy_last_error(),
                eddy_strerror(error));
        return NULL;
    }
    char *opened = strdup(eddy_domain_dir(domain));
    eddy_domain_close(domain);
    return opened;
}

bool eddy_launch_prepare(const char *who, const char *dir, struct eddy_launch *launch)
{
    char library_dir[PATH_MAX];
    char locator[EDDY_PLACE_LOCATOR_MAX];
    memset(launch, 0, sizeof *launch);
    if (!eddy_place_library_dir(who, library_dir))
        return false;
    if (strpbrk(library_dir, ":;$") != NULL) {
        fprintf(stderr,
                "%s: %s: LD_LIBRARY_PATH cannot name a folder with ':', ';' or '$'; move "
                "Eddy elsewhere\n",
                who, library_dir);
        return false;
    }
    char *opened = open_dir(who, dir);
    if (opened == NULL)
        return false;
    if (eddy_place_locator(who, opened, locator)) {
        launch->library_path = path_with(library_dir, environment("LD_LIBRARY_PATH"));
        launch->cyclone_uri = uri_with(locator, environment("CYCLONEDDS_URI"));
        launch->dir = dir != NULL ? strdup(opened) : NULL;
    }
    free(opened);
    return launch->library_path != NULL && launch->cyclone_uri != NULL;
}

void eddy_launch_free(struct eddy_launch *launch)
{
    free(launch->library_path);
    free(launch->cyclone_uri);
    free(launch->dir);
}
