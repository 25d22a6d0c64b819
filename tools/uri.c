/* uri.c - see uri.h.
 *
 * What we add is, for every DDS domain:
 *
 *   SharedMemory/Enable   shared memory is to be used
 *   SharedMemory/Locator  who shares the folder is local, nobody else is
 *   SharedMemory/Prefix   Cyclone DDS puts no domain id into the names that it gives to shared
 *                         memory, so we do.  It expands ${CYCLONEDDS_DOMAIN_ID} to the id of the
 *                         domain that is being opened, once that is known, but to the variable of
 *                         that name if there is one, which need not be that domain.  So domain 0
 *                         and those that the settings name are told by their numbers, and all of
 *                         them if the variable is set.
 *
 * Cyclone DDS 11 has a plug-in instead; see uri.h.
 *
 * A program that leaves the choice of its domain to the settings opens the first that they name,
 * else 0.  So that it is known when our own settings are read, empty elements for those that the
 * user's name come first, in the same order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/uri.h"

#include "tools/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_NAME "CYCLONEDDS_DOMAIN_ID"
#define VARIABLE      "${" VARIABLE_NAME "}"
/* Domains whose ports there are, as Cyclone DDS reckons them unless told otherwise. */
#define DOMAINS_MAX 233

const char *eddy_uri_users(const char *uri)
{
    uri += strspn(uri, " \t\r\n,");
    while (strncmp(uri, EDDY_URI_OURS_BEGIN, sizeof EDDY_URI_OURS_BEGIN - 1) == 0) {
        const char *end = strstr(uri, EDDY_URI_OURS_END);
        if (end == NULL)
            return "";
        uri = end + sizeof EDDY_URI_OURS_END - 1;
        uri += strspn(uri, " \t\r\n,");
    }
    return uri;
}

/* The ids that the user's settings name, up to the one that settles it. */
static void name_domains(FILE *out, const struct eddy_settings *settings)
{
    bool settled = false;
    for (size_t i = 0; i < settings->count && !settled; i++) {
        const char *id = settings->domains[i].id;
        if (!eddy_settings_is_any(id))
            fprintf(out, "<Domain id=\"%s\"/>", id);
        settled = eddy_settings_is_number(id);
    }
    if (!settled)
        fputs("<Domain id=\"0\"/>", out);
}

/* Whether a setting in `one` also holds for the domain of `other`. */
static bool holds_for(const struct eddy_settings_domain *one,
                      const struct eddy_settings_domain *other)
{
    return eddy_settings_is_any(one->id) || strcmp(one->id, other->id) == 0;
}

/* The number by which the domain is known on the network, which is its own unless the settings say
 * otherwise, and its tag: of each the last that is said. */
static void write_prefix(FILE *out, const struct eddy_settings *settings,
                         const struct eddy_settings_domain *domain)
{
    const char *number = eddy_settings_is_any(domain->id) ? VARIABLE : domain->id, *tag = "";
    for (size_t i = 0; i < settings->count; i++) {
        const struct eddy_settings_domain *other = &settings->domains[i];
        if (!holds_for(other, domain))
            continue;
        if (other->external[0] != '\0' && strcmp(other->external, "default") != 0)
            number = other->external;
        if (other->tag[0] != '\0')
            tag = other->tag;
    }
    fprintf(out, "<Prefix>EDDY.%s%s%s</Prefix>", number, tag[0] != '\0' ? "." : "", tag);
}

/* One domain's, without what is the same for all. */
static void write_domain(FILE *out, const struct eddy_settings *settings,
                         const struct eddy_settings_domain *domain)
{
    fprintf(out, "<Domain id=\"%s\"><SharedMemory>", domain->id);
    write_prefix(out, settings, domain);
    fputs("</SharedMemory></Domain>", out);
}

/* Those whose number is not left to the variable. */
static void write_domains(FILE *out, const struct eddy_settings *settings)
{
    unsigned count = getenv(VARIABLE_NAME) != NULL ? DOMAINS_MAX : 1;
    for (unsigned i = 0; i < count; i++) {
        struct eddy_settings_domain domain = {0};
        snprintf(domain.id, sizeof domain.id, "%u", i);
        write_domain(out, settings, &domain);
    }
    for (size_t i = 0; i < settings->count; i++) {
        if (!eddy_settings_is_any(settings->domains[i].id))
            write_domain(out, settings, &settings->domains[i]);
    }
}

/* A user who has the plug-in in settings of their own has it as they want it.  A path that XML would
 * have to be told in other words is none that we can give. */
static void write_newer(FILE *out, const char *plugin, const struct eddy_settings *settings)
{
    if (settings->has_plugin || strpbrk(plugin, "<>&\"'") != NULL || strstr(plugin, "--") != NULL)
        return;
    fprintf(out,
            EDDY_URI_NEWER_BEGIN "<Domain id=\"any\"><General><Interfaces><PubSubMessageExchange "
                                 "type=\"eddy\" library=\"%s\"/></Interfaces></General>"
                                 "</Domain>" EDDY_URI_NEWER_END,
            plugin);
}

static void write_ours(FILE *out, const char *locator, const char *plugin,
                       const struct eddy_settings *settings)
{
    static const struct eddy_settings_domain any = {.id = "any"};
    fputs(EDDY_URI_OURS_BEGIN, out);
    if (plugin != NULL)
        write_newer(out, plugin, settings);
    name_domains(out, settings);
    fprintf(out, "<Domain id=\"any\"><SharedMemory><Enable>true</Enable><Locator>%s</Locator>",
            locator);
    write_prefix(out, settings, &any);
    fputs("</SharedMemory></Domain>", out);
    write_domains(out, settings);
    fputs(EDDY_URI_OURS_END, out);
}

char *eddy_uri_make(const char *locator, const char *plugin, const char *uri)
{
    struct eddy_settings *settings = malloc(sizeof *settings);
    char *text = NULL;
    size_t size = 0;
    FILE *out = settings != NULL ? open_memstream(&text, &size) : NULL;
    if (out != NULL) {
        uri = eddy_uri_users(uri);
        eddy_settings_read(uri, settings);
        write_ours(out, locator, plugin, settings);
        fprintf(out, "%s%s", uri[0] != '\0' ? "," : "", uri);
        fclose(out);
    }
    free(settings);
    return text;
}
