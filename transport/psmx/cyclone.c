/* SPDX-License-Identifier: Apache-2.0 */
#include "cyclone.h"

#include <dlfcn.h>

/* The handle is kept: libddsc stays as long as it may be called, as it does anyway. */
static void *library_of(const void *caller)
{
    Dl_info info;
    void *library = NULL;
    if (dladdr(caller, &info) != 0)
        library = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    return library != NULL ? library : RTLD_DEFAULT;
}

/* NOLINTNEXTLINE(readability-function-size): two statements for each function */
const char *psmx_cyclone_find(struct psmx_cyclone *cyclone, const void *caller)
{
    void *library = library_of(caller);
    const char *missing = NULL;
#define LOOK_UP(result, name, arguments)                                                           \
    *(void **)&cyclone->name = dlsym(library, #name);                                              \
    missing = missing != NULL || cyclone->name != NULL ? missing : #name;
    PSMX_FUNCTIONS(LOOK_UP)
    return missing;
}
