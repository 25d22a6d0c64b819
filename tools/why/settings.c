/* settings.c - what CYCLONEDDS_URI says of shared memory (see process.h).
 *
 * Not an XML parser: looks for the last element of a name, which is the one that counts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/process.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any sensible settings file. */
#define FILE_BYTES (64 << 10)

/* What stands in the element that begins with `tag` ("<Enable"), the last in [text, end); without
 * blanks, cut at `size`.  False: there is none. */
static bool last_value(const char *text, const char *end, const char *tag, char *value, size_t size)
{
    const char *at = text, *found = NULL;
    while ((at = strcasestr(at, tag)) != NULL && at < end) {
        at += strlen(tag);
        if (*at == '>' || isspace((unsigned char)*at))
            found = strchr(at, '>');
    }
    if (found == NULL)
        return false;
    size_t length = 0;
    for (found++; *found != '<' && *found != '\0' && length + 1 < size; found++)
        if (!isspace((unsigned char)*found))
            value[length++] = *found;
    value[length] = '\0';
    return true;
}

static void read_tri(const char *text, const char *end, const char *tag, enum eddy_tri *tri)
{
    char value[64];
    if (last_value(text, end, tag, value, sizeof value))
        *tri = strcasecmp(value, "true") == 0 ? EDDY_YES : EDDY_NO;
}

static void read_xml(const char *text, struct eddy_why_settings *settings)
{
    static const char element[] = "<SharedMemory", element_end[] = "</SharedMemory";
    const char *whole_end = text + strlen(text);
    read_tri(text, whole_end, "<RedundantNetworking", &settings->redundant);
    for (const char *at = text; (at = strcasestr(at, element)) != NULL; at += sizeof element - 1) {
        const char *end = strcasestr(at, element_end);
        if (end == NULL)
            end = whole_end;
        read_tri(at, end, "<Enable", &settings->shared_memory);
        (void)last_value(at, end, "<Locator", settings->locator, sizeof settings->locator);
    }
}

static void read_file(const char *item, size_t length, struct eddy_why_settings *settings)
{
    static const char scheme[] = "file://";
    char *path = strndup(item, length);
    char *text = calloc(1, FILE_BYTES);
    const char *name = path;
    if (name != NULL && strncmp(name, scheme, sizeof scheme - 1) == 0)
        name += sizeof scheme - 1;
    FILE *file = text != NULL && name != NULL && name[0] == '/' ? fopen(name, "re") : NULL;
    if (file != NULL) {
        text[fread(text, 1, FILE_BYTES - 1, file)] = '\0';
        read_xml(text, settings);
        fclose(file);
    }
    free(text);
    free(path);
}

/* The closing and the empty element at `text` count down, an opening one up. */
static int depth_change(const char *text)
{
    if (text[0] == '<' && strchr("!?", text[1]) == NULL)
        return text[1] == '/' ? -1 : 1;
    return text[0] == '/' && text[1] == '>' ? -1 : 0;
}

/* Where the item at `text` ends: a comma within an element belongs to it. */
static size_t item_length(const char *text)
{
    int depth = 0;
    size_t i = 0;
    for (; text[i] != '\0' && (text[i] != ',' || depth > 0); i++)
        depth += depth_change(text + i);
    return i;
}

void eddy_why_read_settings(const char *uri, struct eddy_why_settings *settings)
{
    *settings = (struct eddy_why_settings){.shared_memory = EDDY_NO, .redundant = EDDY_NO};
    while (*(uri += strspn(uri, ", \t\r\n")) != '\0') {
        size_t length = item_length(uri);
        char *xml = *uri == '<' ? strndup(uri, length) : NULL;
        if (xml != NULL)
            read_xml(xml, settings);
        else
            read_file(uri, length, settings);
        free(xml);
        uri += length;
    }
}
