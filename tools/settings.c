/* settings.c - see settings.h.
 *
 * Not an XML parser: it finds elements and their ends, which is enough to know where one item of
 * the list stops and what it says of a few things.  Cyclone DDS itself judges the rest.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* More than any sensible settings file; the rest of a longer one is not looked at. */
#define FILE_MAX (1u << 20)

#define SPACE " \t\r\n"

struct scan {
    struct eddy_settings *settings;
    struct eddy_settings_domain *domain; /* the one we are in; NULL: in none yet */
    int depth;                           /* elements that are open */
    int domain_depth;                    /* the same where that domain began */
};

/* The opening tag of an element: from after its '<' to its '>'. */
struct tag {
    const char *name, *attributes, *end;
    size_t name_length;
};

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* After the next `end`, or at the end of the text. */
static const char *skip_past(const char *text, const char *end)
{
    const char *at = strstr(text, end);
    return at != NULL ? at + strlen(end) : text + strlen(text);
}

/* --- tags ------------------------------------------------------------------------------------ */

static struct tag tag_at(const char *name)
{
    struct tag tag = {.name = name, .name_length = strcspn(name, SPACE "/>")};
    char quote = '\0';
    tag.attributes = name + tag.name_length;
    for (tag.end = tag.attributes; *tag.end != '\0' && (quote != '\0' || *tag.end != '>');
         tag.end++) {
        if (quote == '\0' && (*tag.end == '"' || *tag.end == '\''))
            quote = *tag.end;
        else if (*tag.end == quote)
            quote = '\0';
    }
    return tag;
}

static bool is_named(const struct tag *tag, const char *name)
{
    return tag->name_length == strlen(name) && strncasecmp(tag->name, name, tag->name_length) == 0;
}

static bool is_closed(const struct tag *tag)
{
    return tag->end > tag->name && tag->end[-1] == '/';
}

/* Copies without the space around it; what is too long for a number or a name is no use to us. */
static void copy(char to[EDDY_SETTINGS_TEXT], const char *text, size_t length)
{
    for (; length > 0 && isspace((unsigned char)text[0]); length--)
        text++;
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    if (length < EDDY_SETTINGS_TEXT)
        snprintf(to, EDDY_SETTINGS_TEXT, "%.*s", (int)length, text);
}

/* The value of an attribute; `value` is left alone if there is none. */
static void attribute(const struct tag *tag, const char *name, char value[EDDY_SETTINGS_TEXT])
{
    const char *at = tag->attributes;
    while (at < tag->end) {
        at += strspn(at, SPACE "/");
        size_t length = strcspn(at, SPACE "=/>");
        bool wanted = length == strlen(name) && strncasecmp(at, name, length) == 0;
        at += length;
        at += strspn(at, SPACE);
        if (at >= tag->end || *at != '=')
            continue;
        at += 1 + strspn(at + 1, SPACE);
        const char quote[] = {*at, '\0'};
        if (*at != '"' && *at != '\'')
            return;
        size_t bytes = strcspn(++at, quote);
        if (wanted) {
            copy(value, at, bytes);
            return;
        }
        at += bytes + (at[bytes] != '\0');
    }
}

static void text_of(const struct tag *tag, char value[EDDY_SETTINGS_TEXT])
{
    if (*tag->end == '>' && !is_closed(tag))
        copy(value, tag->end + 1, strcspn(tag->end + 1, "<"));
}

/* --- what they say --------------------------------------------------------------------------- */

/* Settings that stand in no <Domain> are for every domain. */
static struct eddy_settings_domain *begin_domain(struct scan *scan)
{
    static struct eddy_settings_domain beyond;
    struct eddy_settings *settings = scan->settings;
    bool is_beyond = settings->count == EDDY_SETTINGS_DOMAINS;
    scan->domain = is_beyond ? &beyond : &settings->domains[settings->count++];
    scan->domain_depth = scan->depth;
    copy(scan->domain->id, "any", 3);
    return scan->domain;
}

static struct eddy_settings_domain *domain_here(struct scan *scan)
{
    return scan->domain != NULL ? scan->domain : begin_domain(scan);
}

static void open_element(struct scan *scan, const struct tag *tag)
{
    bool is_child = scan->domain != NULL && scan->depth == scan->domain_depth + 1;
    if (is_named(tag, "Domain"))
        attribute(tag, "id", begin_domain(scan)->id);
    else if (is_child && is_named(tag, "Id"))
        text_of(tag, scan->domain->id);
    else if (is_named(tag, "PubSubMessageExchange"))
        scan->settings->has_plugin = true;
    else if (is_named(tag, "ExternalDomainId"))
        text_of(tag, domain_here(scan)->external);
    else if (is_named(tag, "Tag"))
        text_of(tag, domain_here(scan)->tag);
    scan->depth += !is_closed(tag);
}

static void close_element(struct scan *scan)
{
    scan->depth--;
    if (scan->domain != NULL && scan->depth <= scan->domain_depth)
        scan->domain = NULL;
}

/* --- the list -------------------------------------------------------------------------------- */

/* Looks at one element and all in it, or at a whole file; returns where it ends. */
static const char *scan_xml(struct scan *scan, const char *text, bool whole)
{
    scan->depth = 0;
    scan->domain = NULL;
    do {
        text += strcspn(text, "<");
        if (*text == '\0')
            break;
        if (starts(text, "<!--")) {
            text = skip_past(text, "-->");
        } else if (starts(text, "</")) {
            close_element(scan);
            text = skip_past(text, ">");
        } else if (text[1] == '?' || text[1] == '!') {
            text = skip_past(text, ">");
        } else {
            struct tag tag = tag_at(text + 1);
            open_element(scan, &tag);
            text = tag.end + (*tag.end != '\0');
        }
    } while (whole || scan->depth > 0);
    return text;
}

static FILE *open_item(const char *item, size_t length, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.*s", (int)length, item);
    FILE *file = fopen(path, "re");
    if (file == NULL && starts(path, "file://"))
        file = fopen(path + strlen("file://"), "re");
    return file;
}

static void scan_file(struct scan *scan, FILE *file)
{
    char *text = malloc(FILE_MAX);
    if (text != NULL) {
        text[fread(text, 1, FILE_MAX - 1, file)] = '\0';
        scan_xml(scan, text, true);
    }
    free(text);
}

/* 0, or why a file could not be read: the first, in path. */
static int scan_list(struct scan *scan, const char *uri, char path[PATH_MAX])
{
    char item[PATH_MAX] = "";
    int error = 0;
    while (*(uri += strspn(uri, "," SPACE)) != '\0') {
        if (*uri == '<') {
            uri = scan_xml(scan, uri, false);
            continue;
        }
        size_t length = strcspn(uri, ",");
        FILE *file = open_item(uri, length, error == 0 ? path : item);
        if (file == NULL) {
            error = error == 0 ? errno : error;
        } else {
            scan_file(scan, file);
            fclose(file);
        }
        uri += length;
    }
    return error;
}

void eddy_settings_read(const char *uri, struct eddy_settings *settings)
{
    char path[PATH_MAX];
    struct scan scan = {.settings = settings};
    memset(settings, 0, sizeof *settings);
    (void)scan_list(&scan, uri, path);
}

int eddy_settings_unreadable(const char *uri, char path[PATH_MAX])
{
    struct eddy_settings *settings = calloc(1, sizeof *settings);
    struct scan scan = {.settings = settings};
    int error = settings != NULL ? scan_list(&scan, uri, path) : 0;
    free(settings);
    return error;
}

bool eddy_settings_is_number(const char *id)
{
    return id[0] != '\0' && id[strspn(id, "0123456789")] == '\0';
}

bool eddy_settings_is_any(const char *id)
{
    return strcasecmp(id, "any") == 0;
}
