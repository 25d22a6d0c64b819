/* plugin.c - see plugin.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin.h"

#include <stdlib.h>
#include <string.h>

#define BEGIN          "psmx/"
#define NUMBER_DIGITS  8
#define LOCATOR_DIGITS 32

/* True if `text` begins with so many hexadecimal digits and a slash. */
static bool is_hex(const char *text, size_t digits)
{
    return strspn(text, "0123456789abcdefABCDEF") == digits && text[digits] == '/';
}

bool eddy_plugin_read(const char *scope, struct eddy_plugin_scope *parts)
{
    if (strncmp(scope, BEGIN, sizeof BEGIN - 1) != 0)
        return false;
    const char *instance = scope + sizeof BEGIN - 1;
    const char *end = strchr(instance, '/');
    if (end == NULL || !is_hex(end + 1, NUMBER_DIGITS))
        return false;
    const char *at = end + 1 + NUMBER_DIGITS;
    if (is_hex(at + 1, LOCATOR_DIGITS))
        at += 1 + LOCATOR_DIGITS;
    const char *partition = strchr(at + 1, '/'); /* behind the lane */
    if (partition == NULL)
        return false;
    *parts = (struct eddy_plugin_scope){.instance = instance,
                                        .instance_length = (size_t)(end - instance),
                                        .number = (uint32_t)strtoul(end + 1, NULL, 16),
                                        .meeting = (size_t)(at - scope),
                                        .partition = partition + 1};
    return true;
}

/* MurmurHash3, 32 bits: four bytes at a time. */
static uint32_t mix_in(uint32_t hash, uint32_t word)
{
    word *= UINT32_C(0xcc9e2d51);
    word = (word << 15 | word >> 17) * UINT32_C(0x1b873593);
    return hash ^ word;
}

static uint32_t murmur(const void *bytes, size_t length, uint32_t hash)
{
    const uint8_t *at = bytes;
    size_t left = length;
    for (; left >= 4; left -= 4, at += 4) {
        uint32_t word;
        memcpy(&word, at, sizeof word);
        hash = mix_in(hash, word);
        hash = (hash << 13 | hash >> 19) * 5 + UINT32_C(0xe6546b64);
    }
    uint32_t tail = 0;
    memcpy(&tail, at, left);
    if (left > 0)
        hash = mix_in(hash, tail);
    hash ^= (uint32_t)length;
    hash = (hash ^ hash >> 16) * UINT32_C(0x85ebca6b);
    hash = (hash ^ hash >> 13) * UINT32_C(0xc2b2ae35);
    return hash ^ hash >> 16;
}

uint32_t eddy_plugin_number(const char *instance, size_t length, uint32_t domain)
{
    return murmur(instance, length, murmur(&domain, sizeof domain, 0));
}
