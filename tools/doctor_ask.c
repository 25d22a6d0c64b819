/* doctor_ask.c - the process that doctor_cyclone.c starts: loads a libddsc, and has it read its
 *                settings.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor.h"
#include "tools/newer.h"
#include "tools/place.h"

#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *load(const char *library)
{
    static const char *const usual[] = {"libddsc.so.0", "libddsc.so.0debian", "libddsc.so"};
    if (library[0] != '\0')
        return dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        void *loaded = dlopen(usual[i], RTLD_LAZY | RTLD_LOCAL);
        if (loaded != NULL)
            return loaded;
    }
    return NULL;
}

/* The plug-ins that Cyclone DDS 11 has loaded. */
static void say_plugins(void)
{
    char line[PATH_MAX + 128];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        const char *path = strchr(line, '/');
        if (path != NULL && strstr(path, "/libpsmx_") != NULL)
            printf(EDDY_DOCTOR_PLUGIN "%s", path);
    }
    if (maps != NULL)
        fclose(maps);
}

/* What this libddsc gets to read: 11 reads other settings, and its plug-in says what is wrong with
 * those for it. */
static const char *uri_for(void *loaded, const char *uri)
{
    if (dlsym(loaded, EDDY_PLACE_NEWER_SYMBOL) == NULL)
        return uri;
    const char *newer = eddy_newer_settings(uri);
    (void)setenv("EDDY_LOG", "error", 1);
    puts(EDDY_DOCTOR_NEWER);
    return newer != NULL ? newer : uri;
}

int eddy_doctor_ask(const char *library, const char *domain)
{
    const char *uri = getenv("CYCLONEDDS_URI");
    struct link_map *map = NULL;
    char path[PATH_MAX];
    int32_t (*create)(uint32_t domain, const char *config);
    void *loaded = load(library);
    void *function = loaded != NULL ? dlsym(loaded, "dds_create_domain") : NULL;
    if (function == NULL || uri == NULL || dlinfo(loaded, RTLD_DI_LINKMAP, (void *)&map) != 0)
        return 0;
    memcpy(&create, &function, sizeof create);
    printf(EDDY_DOCTOR_LIBRARY "%s\n", realpath(map->l_name, path) != NULL ? path : map->l_name);
    uri = uri_for(loaded, uri);
    fflush(stdout);
    int32_t created = create((uint32_t)strtoul(domain, NULL, 10), uri);
    printf(EDDY_DOCTOR_CREATED "%d\n", created > 0);
    say_plugins();
    fflush(NULL);
    _exit(0); /* what it has begun need not be ended in order */
}
