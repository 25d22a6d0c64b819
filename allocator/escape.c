/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the UTF-8 character at `text`, which is put into *c; 0: it is none. */
static size_t decode(const unsigned char *text, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = *text < 0x80             ? 1
                   : (*text & 0xe0) == 0xc0 ? 2
                   : (*text & 0xf0) == 0xe0 ? 3
                   : (*text & 0xf8) == 0xf0 ? 4
                                            : 0;
    *c = bytes < 2 ? *text : *text & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80) /* the NUL at the end, too */
            return 0;
        *c = *c << 6 | (text[i] & 0x3fu);
    }
    bool surrogate = *c >= 0xd800 && *c <= 0xdfff;
    return bytes == 0 || *c < least[bytes] || *c > 0x10ffff || surrogate ? 0 : bytes;
}

static bool is_plain(uint32_t c)
{
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool mark = c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
                (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
    return !control && !mark;
}

/* Of one byte; `out` has room for 5. */
static size_t print(unsigned char byte, char *out)
{
    static const char named[][2] = {{'\n', 'n'}, {'\t', 't'}, {'\r', 'r'}, {'\\', '\\'}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if ((unsigned char)named[i][0] == byte)
            return (size_t)snprintf(out, 5, "\\%c", named[i][1]);
    return (size_t)snprintf(out, 5, "\\x%02x", byte);
}

void eddy_escape(const char *text, bool escaped_before, char *out, size_t room)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t used = 0;
    while (*at) {
        char part[5];
        uint32_t c;
        size_t bytes = decode(at, &c), length = bytes;
        if (bytes && is_plain(c) && (c != '\\' || escaped_before)) {
            memcpy(part, at, bytes);
        } else {
            bytes = 1; /* of a longer character the next ones are none: they follow as escapes */
            length = print(*at, part);
        }
        if (used + length >= room)
            break;
        memcpy(out + used, part, length);
        used += length;
        at += bytes;
    }
    out[used] = 0;
}
