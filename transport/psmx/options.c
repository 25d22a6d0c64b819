/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- values ----------------------------------------------------------------------------------- */

/* The factor of a unit, 0: there is no such unit. */
static uint64_t factor(const char *unit, const char *const names[], const uint64_t factors[])
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(unit, names[i]) == 0)
            return factors[i];
    }
    return 0;
}

/* A number with a unit; false: it is none, or too large. */
static bool quantity(const char *text, const char *const names[], const uint64_t factors[],
                     uint64_t *value)
{
    char *unit;
    errno = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long long number = strtoull(text, &unit, 10);
    uint64_t times = factor(unit, names, factors);
    return errno == 0 && times != 0 && number != 0 &&
           !__builtin_mul_overflow((uint64_t)number, times, value);
}

static bool read_bytes(const char *text, uint64_t *bytes)
{
    static const char *const names[] = {"", "K", "M", "G", "T", NULL};
    static const uint64_t factors[] = {1, 1u << 10, 1u << 20, 1u << 30, UINT64_C(1) << 40};
    return quantity(text, names, factors, bytes);
}

static bool read_spin(const char *text, int64_t *spin_ns)
{
    static const char *const names[] = {"ns", "us", "ms", NULL};
    static const uint64_t factors[] = {1, 1000, 1000000};
    uint64_t time = 0;
    if (strcmp(text, "auto") == 0)
        *spin_ns = 0;
    else if (strcmp(text, "off") == 0)
        *spin_ns = -1;
    else if (quantity(text, names, factors, &time) && time <= 1000000000u)
        *spin_ns = (int64_t)time;
    else
        return false;
    return true;
}

static bool read_bool(const char *text, bool *value)
{
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0;
}

static bool read_text(const char *text, char to[PSMX_TEXT])
{
    memcpy(to, text, strlen(text) + 1); /* values are shorter than PSMX_TEXT */
    return text[0] != '\0';
}

_Atomic(enum eddy_log_level) psmx_log_level = EDDY_LOG_WARN;

static bool read_level(const char *text)
{
    static const char *const names[] = {"none", "error", "warn", "info", "debug"};
    for (int level = EDDY_LOG_NONE; level <= EDDY_LOG_DEBUG; level++) {
        if (strcmp(text, names[level]) == 0) {
            psmx_log_level = (enum eddy_log_level)level;
            return true;
        }
    }
    return false;
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool set(struct psmx_options *options, const char *key, const char *value, bool *known)
{
    *known = true;
    if (strcmp(key, "DIR") == 0)
        return value[0] == '/' && read_text(value, options->dir);
    if (strcmp(key, "LIMIT") == 0)
        return read_bytes(value, &options->limit_bytes);
    if (strcmp(key, "SPIN") == 0)
        return read_spin(value, &options->spin_ns);
    if (strcmp(key, "LOG") == 0)
        return read_level(value);
    if (strcmp(key, "SERIALIZED") == 0)
        return read_bool(value, &options->serialized);
    if (strcmp(key, "KEYED_TOPICS") == 0)
        return read_bool(value, &options->keyed);
    if (strcmp(key, "INSTANCE_NAME") == 0 || strcmp(key, "SERVICE_NAME") == 0)
        return read_text(value, options->instance);
    if (strcmp(key, "LOCATOR") == 0)
        return read_text(value, options->locator);
    *known = false;
    return false;
}

static bool apply(struct psmx_options *options, const char *key, const char *value)
{
    bool known, well = set(options, key, value, &known);
    if (!known)
        psmx_say(
            EDDY_LOG_ERROR,
            "PSMX plug-in, option %s: there is none of this name; there are DIR, LIMIT, SPIN, LOG, "
            "SERIALIZED, KEYED_TOPICS, INSTANCE_NAME and LOCATOR",
            key);
    else if (!well)
        psmx_say(EDDY_LOG_ERROR, "PSMX plug-in, option %s: \"%s\" makes no sense; see eddy-psmx(5)",
                 key, value);
    return well;
}

/* Reads up to `end`, without the backslashes that protect what follows them; NULL: too long. */
static const char *word(const char *text, char end, char to[PSMX_TEXT])
{
    size_t length = 0;
    for (; *text != '\0' && *text != end; text++) {
        if (*text == '\\' && text[1] != '\0')
            text++;
        if (length + 1 == PSMX_TEXT)
            return NULL;
        to[length++] = *text;
    }
    to[length] = '\0';
    return text;
}

static bool read_switch(struct psmx_options *options)
{
    const char *text = secure_getenv("EDDY_PSMX");
    options->is_off = text != NULL && strcmp(text, "off") == 0;
    bool is_known = text == NULL || options->is_off || strcmp(text, "on") == 0;
    if (!is_known)
        psmx_say(EDDY_LOG_ERROR, "PSMX plug-in: EDDY_PSMX is \"%s\", neither on nor off", text);
    return is_known;
}

bool psmx_options_read(const char *config, struct psmx_options *options)
{
    char key[PSMX_TEXT], value[PSMX_TEXT];
    memset(options, 0, sizeof *options);
    options->serialized = options->keyed = true;
    if (!read_switch(options))
        return false;
    config += *config == '\0'; /* the user's own may be empty */
    while (*config != '\0') {
        const char *equals = word(config, '=', key);
        const char *end = equals != NULL && *equals == '=' ? word(equals + 1, ';', value) : NULL;
        if (end == NULL) {
            psmx_say(EDDY_LOG_ERROR,
                     "PSMX plug-in, configuration: \"%s\" is not of the form KEY=VALUE;...",
                     config);
            return false;
        }
        if (!apply(options, key, value))
            return false;
        config = end + (*end == ';');
        config += *config == '\0'; /* of several strings, the next */
    }
    return true;
}
