/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/name.h"

#include "allocator/error.h"

#include <stdbool.h>

/* Whatever the locale calls a letter. */
static bool may_begin(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

static bool may_follow(char c)
{
    return may_begin(c) || c == '_' || c == '-' || c == '.';
}

static bool is_name(const char *name)
{
    unsigned length = 1;
    if (!may_begin(name[0]))
        return false;
    while (length <= EDDY_PLAIN_NAME_MAX && may_follow(name[length]))
        length++;
    return length <= EDDY_PLAIN_NAME_MAX && !name[length];
}

int eddy_name_check(const char *name, const char *what, const char **plain)
{
    const char *start = name && *name == '/' ? name + 1 : name;
    if (!start || !is_name(start))
        return eddy_fail(EDDY_EINVAL,
                         "\"%.80s\" cannot name a %s: a name has 1 to %u letters, digits and, "
                         "after the first, also _ - .",
                         name ? name : "(null)", what, EDDY_PLAIN_NAME_MAX);
    *plain = start;
    return EDDY_OK;
}
