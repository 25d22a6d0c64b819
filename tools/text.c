/* text.c - see text.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

/* Escapes one byte; returns the columns. */
static int print_escape(FILE *out, unsigned char byte)
{
    static const char named[][2] = {{'\n', 'n'}, {'\t', 't'}, {'\r', 'r'}, {'\\', '\\'}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if ((unsigned char)named[i][0] == byte)
            return fprintf(out, "\\%c", named[i][1]);
    }
    return fprintf(out, "\\x%02x", byte);
}

/* Direction marks print as nothing, yet turn around what follows them on the line. */
static bool changes_direction(wchar_t c)
{
    return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E ||
           c == 0x200F;
}

/* Columns of a character that may be shown as it is, else -1. */
static int shown_width(wchar_t c)
{
    if (c == L'\\' || changes_direction(c) || !iswprint((wint_t)c))
        return -1;
    return wcwidth(c);
}

int eddy_text_print(FILE *out, const char *text)
{
    mbstate_t state = {0};
    int columns = 0;
    size_t left = strlen(text);
    while (left > 0) {
        wchar_t c = 0;
        size_t bytes = mbrtowc(&c, text, left, &state);
        int width = -1;
        if (bytes <= left) {
            width = shown_width(c);
        } else {
            bytes = 1;
            memset(&state, 0, sizeof state);
        }
        if (width >= 0)
            columns += fwrite(text, 1, bytes, out) == bytes ? width : 0;
        for (size_t i = 0; width < 0 && i < bytes; i++)
            columns += print_escape(out, (unsigned char)text[i]);
        text += bytes;
        left -= bytes;
    }
    return columns;
}

int eddy_text_print_or_dash(FILE *out, const char *text)
{
    return eddy_text_print(out, text[0] != '\0' ? text : "-");
}

/* The character at `text`, and its bytes; a byte that is none counts as one column. */
static int columns_at(const char *text, size_t *bytes)
{
    mbstate_t state = {0};
    wchar_t c = 0;
    *bytes = mbrtowc(&c, text, strlen(text), &state);
    if (*bytes == 0 || *bytes > strlen(text)) {
        *bytes = 1;
        return 1;
    }
    int width = wcwidth(c);
    return width >= 0 ? width : 1;
}

static int columns_of(const char *text)
{
    int columns = 0;
    for (size_t bytes = 0; *text != '\0'; text += bytes)
        columns += columns_at(text, &bytes);
    return columns;
}

/* As many bytes from the beginning as take no more columns. */
static size_t bytes_within(const char *text, int columns)
{
    size_t length = 0;
    for (size_t bytes = 0; text[length] != '\0'; length += bytes) {
        columns -= columns_at(text + length, &bytes);
        if (columns < 0)
            break;
    }
    return length;
}

void eddy_text_print_cut(FILE *out, const char *text, int columns)
{
    bool has_ellipsis = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    int whole = columns_of(text), head = columns / 2, tail = columns - head - 1;
    if (whole <= columns) {
        fputs(text, out);
        return;
    }
    size_t begin = bytes_within(text, head), end = bytes_within(text, whole - tail);
    while (columns_of(text + end) > tail) /* a wide character lies across the cut */
        end += bytes_within(text + end, 2);
    fwrite(text, 1, begin, out);
    fputs(has_ellipsis ? "\u2026" : "~", out);
    fputs(text + end, out);
}

void eddy_text_print_folded(FILE *out, const char *text, int width, int indent)
{
    int room = width;
    while (width > 0 && columns_of(text) > room) {
        size_t fits = bytes_within(text, room), end = 0;
        for (size_t at = 0; at < fits; at++) {
            if (text[at] == ',' && text[at + 1] == ' ')
                end = at + 1;
        }
        if (end == 0)
            break; /* it cannot be helped */
        fprintf(out, "%.*s\n%*s", (int)end, text, indent, "");
        text += end + 1;
        room = width - indent;
    }
    fprintf(out, "%s\n", text);
}

int eddy_text_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    char *end = NULL;
    long number = columns != NULL ? strtol(columns, &end, 10) : 0;
    if (number > 0 && number <= 10000 && *end == '\0')
        return (int)number;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void eddy_text_quote(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    }
    fputc('\'', out);
}

/* Bytes of the UTF-8 character at `s`, 0 if there is none (RFC 3629: no surrogates, no long forms,
 * nothing above U+10FFFF). */
static size_t utf8_length(const unsigned char *s)
{
    static const struct {
        unsigned char first, last, low, high; /* bounds of the first and the second byte */
        size_t length;
    } forms[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                 {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
                 {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
                 {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    if (s[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last)
            continue;
        if (s[1] < forms[i].low || s[1] > forms[i].high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++) {
            if (s[k] < 0x80 || s[k] > 0xBF)
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}

char *eddy_text_utf8(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    char *copy = malloc(3 * strlen(text) + 1);
    if (copy == NULL)
        return NULL;
    char *end = copy;
    while (*text != '\0') {
        size_t length = utf8_length((const unsigned char *)text);
        const char *from = length > 0 ? text : replacement;
        size_t bytes = length > 0 ? length : sizeof replacement - 1;
        memcpy(end, from, bytes);
        end += bytes;
        text += length > 0 ? length : 1;
    }
    *end = '\0';
    return copy;
}

int eddy_text_bytes(FILE *out, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024)
        return fprintf(out, "%" PRIu64 " B", bytes);
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        value /= 1024;
    return fprintf(out, "%.*f %s", value < 99.95 ? 1 : 0, value, units[unit]);
}
