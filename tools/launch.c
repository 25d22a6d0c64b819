/* launch.c - see launch.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/launch.h"

#include "tools/place.h"
#include "tools/uri.h"

#include <eddy/domain.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool refuse_dir(const char *who, const char *dir, const char *reason)
{
    fprintf(stderr, "%s: the domain's folder %s: %s; `mkdir -p -m 700 %s` makes it\n", who, dir,
            reason, dir);
    return false;
}

/* The folder of the domain, which is made if it is the default one, or if `may_create` and only its
 * last part is missing: nobody should have a tree of folders for a mistyped path.  False: stderr
 * says why. */
static bool open_dir(const char *who, const char *dir, bool may_create, char opened[PATH_MAX])
{
    char path[PATH_MAX] = "";
    int error = dir == NULL ? eddy_default_dir(path, sizeof path) : 0;
    if (dir != NULL)
        snprintf(path, sizeof path, "%s", dir);
    if (error == 0)
        error = eddy_domain_check(path);
    if (error == EDDY_ENOENT && (may_create || (dir == NULL && getenv("EDDY_DIR") == NULL))) {
        if (mkdir(path, 0700) == 0 || errno == EEXIST)
            error = eddy_domain_check(path);
        else
            return refuse_dir(who, path, strerror(errno));
    }
    if (error == EDDY_ENOENT)
        return refuse_dir(who, path, "there is no such folder");
    if (error != 0) {
        fprintf(stderr, "%s: %s (%s)\n", who, eddy_last_error(), eddy_strerror(error));
        return false;
    }
    return realpath(path, opened) != NULL || refuse_dir(who, path, strerror(errno));
}

/* LD_PRELOAD with the door first, once; NULL: leave it as it is.  A path with a space cannot be
 * said in it, so a stand-in in such a place is found by LD_LIBRARY_PATH alone. */
static char *preload_with(const char *library_dir, const char *list)
{
    char door[PATH_MAX + sizeof EDDY_PLACE_DOOR], *text = NULL;
    size_t size = 0;
    snprintf(door, sizeof door, "%s" EDDY_PLACE_DOOR, library_dir);
    if (strpbrk(door, " \t\n") != NULL || access(door, R_OK) != 0)
        return NULL;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fputs(door, out);
    while (*(list += strspn(list, ": ")) != '\0') {
        size_t length = strcspn(list, ": ");
        if (length != strlen(door) || strncmp(list, door, length) != 0)
            fprintf(out, ":%.*s", (int)length, list);
        list += length;
    }
    fclose(out);
    return text;
}

/* Where the stand-in is, if that can be said in LD_LIBRARY_PATH. */
static bool find_library_dir(const char *who, char library_dir[PATH_MAX])
{
    if (!eddy_place_library_dir(who, library_dir))
        return false;
    if (strpbrk(library_dir, ":;$") == NULL)
        return true;
    fprintf(stderr,
            "%s: %s: LD_LIBRARY_PATH cannot name a folder with ':', ';' or '$'; move "
            "Eddy elsewhere\n",
            who, library_dir);
    return false;
}

/* Where the plug-in for Cyclone DDS 11 is; NULL: nowhere, or no memory. */
static char *plugin_beside(const char *library_dir)
{
    char *path = text_of("%s" EDDY_PLACE_PLUGIN, library_dir);
    char *plugin = path != NULL ? realpath(path, NULL) : NULL;
    free(path);
    return plugin;
}

bool eddy_launch_compose(const char *library_dir, const char *locator, const char *dir,
                         struct eddy_launch *launch)
{
    launch->library_path = path_with(library_dir, environment("LD_LIBRARY_PATH"));
    launch->preload = preload_with(library_dir, environment("LD_PRELOAD"));
    char *plugin = plugin_beside(library_dir);
    launch->cyclone_uri = eddy_uri_make(locator, plugin, environment("CYCLONEDDS_URI"));
    free(plugin);
    launch->dir = dir != NULL ? strdup(dir) : NULL;
    return launch->library_path != NULL && launch->cyclone_uri != NULL &&
           (dir == NULL || launch->dir != NULL);
}

bool eddy_launch_prepare(const char *who, const char *dir, bool may_create,
                         struct eddy_launch *launch)
{
    char library_dir[PATH_MAX], opened[PATH_MAX], locator[EDDY_PLACE_LOCATOR_MAX];
    memset(launch, 0, sizeof *launch);
    if (!find_library_dir(who, library_dir) || !open_dir(who, dir, may_create, opened) ||
        !eddy_place_locator(who, opened, locator))
        return false;
    if (eddy_launch_compose(library_dir, locator, dir != NULL ? opened : NULL, launch))
        return true;
    fprintf(stderr, "%s: no memory\n", who);
    return false;
}

void eddy_launch_each(const struct eddy_launch *launch,
                      void (*visit)(const char *name, const char *value))
{
    visit("LD_LIBRARY_PATH", launch->library_path);
    if (launch->preload != NULL)
        visit("LD_PRELOAD", launch->preload);
    visit("CYCLONEDDS_URI", launch->cyclone_uri);
    if (launch->dir != NULL)
        visit("EDDY_DIR", launch->dir);
}

void eddy_launch_free(struct eddy_launch *launch)
{
    free(launch->library_path);
    free(launch->preload);
    free(launch->cyclone_uri);
    free(launch->dir);
}
