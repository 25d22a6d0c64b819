/* settings.c - see settings.h.
 *
 * Not an XML parser: it finds elements and their ends, which is enough to know where one item of
 * the list stops and what its <Domain> elements say.  Cyclone DDS itself judges the rest.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/settings.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* More than any sensible settings file; the rest of a longer one is not looked at. */
#define FILE_MAX (1u << 20)

struct scan {
    int depth;      /* elements that are open */
    bool in_domain; /* the last tag was a <Domain> without a number */
    bool found;
    unsigned domain;
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

static void take_number(struct scan *scan, const char *text)
{
    text += strspn(text, " \t\r\n");
    if (scan->found || !isdigit((unsigned char)*text))
        return;
    scan->found = true;
    scan->domain = (unsigned)strtoul(text, NULL, 10);
}

/* The id of a <Domain ...>, whose attributes begin at `text`. */
static void take_attribute(struct scan *scan, const char *text)
{
    size_t length = strcspn(text, ">");
    for (const char *at = text; at + 2 < text + length; at++) {
        if (strncasecmp(at, "id", 2) != 0 || !isspace((unsigned char)at[-1]))
            continue;
        at += 2 + strspn(at + 2, " \t\r\n");
        if (*at != '=')
            continue;
        at += 1 + strspn(at + 1, " \t\r\n\"'");
        take_number(scan, at);
        return;
    }
}

/* The opening tag at `tag`, just after its '<'. */
static void open_tag(struct scan *scan, const char *tag)
{
    size_t name = strcspn(tag, " \t\r\n/>");
    size_t length = strcspn(tag, ">");
    bool was_in_domain = scan->in_domain;
    scan->depth++;
    scan->in_domain = name == 6 && strncasecmp(tag, "Domain", 6) == 0;
    if (scan->in_domain)
        take_attribute(scan, tag + name);
    else if (was_in_domain && name == 2 && strncasecmp(tag, "Id", 2) == 0 && tag[length] == '>')
        take_number(scan, tag + length + 1);
    if (length > 0 && tag[length - 1] == '/')
        scan->depth--;
}

/* Looks at one element and all in it, or at a whole file; returns where it ends. */
static const char *scan_xml(struct scan *scan, const char *text, bool whole)
{
    scan->depth = 0;
    do {
        text += strcspn(text, "<");
        if (*text == '\0')
            break;
        if (starts(text, "<!--")) {
            text = skip_past(text, "-->");
            continue;
        }
        if (starts(text, "</"))
            scan->depth--;
        else if (text[1] != '?' && text[1] != '!')
            open_tag(scan, text + 1);
        text = skip_past(text, ">");
    } while (whole || scan->depth > 0);
    return text;
}

static void scan_file(struct scan *scan, const char *item, size_t length)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s", (int)length, item);
    FILE *file = fopen(path, "re");
    if (file == NULL && starts(path, "file://"))
        file = fopen(path + strlen("file://"), "re");
    char *text = file != NULL ? malloc(FILE_MAX) : NULL;
    if (text != NULL) {
        text[fread(text, 1, FILE_MAX - 1, file)] = '\0';
        scan_xml(scan, text, true);
    }
    free(text);
    if (file != NULL)
        fclose(file);
}

bool eddy_settings_domain(const char *uri, unsigned *domain)
{
    struct scan scan = {0};
    while (!scan.found && *(uri += strspn(uri, ", \t\r\n")) != '\0') {
        if (*uri == '<') {
            uri = scan_xml(&scan, uri, false);
        } else {
            size_t length = strcspn(uri, ",");
            scan_file(&scan, uri, length);
            uri += length;
        }
    }
    if (scan.found)
        *domain = scan.domain;
    return scan.found;
}
