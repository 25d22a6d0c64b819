/* settings.c - gives Cyclone DDS 11 the settings that are meant for it.
 *
 * One variable, CYCLONEDDS_URI, is for both generations, and each takes the other's settings for
 * mistakes.  So those for 11 stand in a comment (tools/uri.h).  libddsc reads its environment by a
 * function of its own, ddsrt_getenv; that of this library, which is preloaded, takes its place, and
 * where a libddsc asks that has plug-ins, it puts what is in the comment in the place of what is
 * around it.  Nothing else changes, and nothing at all for 0.10.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/door/door.h"
#include "tools/newer.h"
#include "tools/place.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int32_t get_variable(const char *name, const char **value);
__attribute__((visibility("default"))) get_variable ddsrt_getenv;

/* What was made of a value, for as long as the process lives: libddsc keeps no copy of it. */
struct made {
    char *from, *to;
};

static const char *translated(const char *text)
{
    static _Atomic(struct made *) last;
    struct made *made = atomic_load_explicit(&last, memory_order_acquire);
    if (made != NULL && strcmp(made->from, text) == 0)
        return made->to;
    made = malloc(sizeof *made);
    char *to = eddy_newer_settings(text);
    char *from = to != NULL ? malloc(strlen(text) + 1) : NULL;
    if (made == NULL || from == NULL) {
        free(made);
        free(from);
        return to != NULL ? to : text;
    }
    memcpy(from, text, strlen(text) + 1);
    *made = (struct made){from, to};
    atomic_store_explicit(&last, made, memory_order_release);
    return to;
}

int32_t ddsrt_getenv(const char *name, const char **value)
{
    void *library = eddy_door_library_of(__builtin_return_address(0));
    void *found = library != NULL ? dlsym(library, "ddsrt_getenv") : NULL;
    bool has_plugins = library != NULL && dlsym(library, EDDY_PLACE_NEWER_SYMBOL) != NULL;
    get_variable *own;
    memcpy(&own, &found, sizeof own);
    if (library != NULL)
        dlclose(library); /* it is running, and so stays */
    if (own == NULL || own == ddsrt_getenv)
        return -1;
    int32_t result = own(name, value);
    if (result == 0 && has_plugins && strcmp(name, "CYCLONEDDS_URI") == 0)
        *value = translated(*value);
    return result;
}
