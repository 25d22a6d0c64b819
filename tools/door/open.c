/* open.c - see door.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/door/door.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAND_IN "/../libiceoryx_binding_c.so.2"

static void say(const char *text)
{
    if (text != NULL && write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* there is nobody to tell */
}

/* The path of the stand-in: beside the folder of this library.  False: it cannot be told. */
static bool path_of_stand_in(char path[PATH_MAX])
{
    Dl_info here;
    if (dladdr(STAND_IN, &here) == 0 || here.dli_fname == NULL)
        return false;
    const char *slash = strrchr(here.dli_fname, '/');
    size_t length = slash != NULL ? (size_t)(slash - here.dli_fname) : PATH_MAX;
    if (length + sizeof STAND_IN > PATH_MAX)
        return false;
    memcpy(path, here.dli_fname, length);
    memcpy(path + length, STAND_IN, sizeof STAND_IN);
    return true;
}

/* Never NULL: a program that was linked to the library could not have started without it. */
static void *find(const char *name)
{
    char path[PATH_MAX];
    void *library = path_of_stand_in(path) ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *function = library != NULL ? dlsym(library, name) : NULL;
    if (function != NULL)
        return function; /* the library stays loaded */
    const char *reason = dlerror();
    say("eddy: no shared memory: the stand-in library cannot be loaded: ");
    say(reason != NULL ? reason : "its place is not known");
    say("\nInstall Eddy again, or start the program without `eddy run`.\n");
    abort();
}

/* Two threads that look at once find the same. */
void *eddy_door_through(_Atomic(void *) *known, const char *name)
{
    void *function = atomic_load_explicit(known, memory_order_acquire);
    if (function == NULL) {
        function = find(name);
        atomic_store_explicit(known, function, memory_order_release);
    }
    return function;
}

void *eddy_door_library_of(const void *address)
{
    Dl_info info;
    return dladdr(address, &info) != 0 ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}
