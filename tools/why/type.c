/* type.c - see type.h.
 *
 * The operations are those by which Cyclone DDS writes a type as bytes (dds_opcodes.h); here they are
 * only told apart, one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/type.h"

/* What an operation does: its first byte. */
enum {
    OP_END,
    OP_FIELD,
    OP_CALL,
    OP_CASE,
    OP_APPENDABLE,
    OP_MUTABLE,
    OP_MEMBER,
    OP_KEYS,
    OP_CASE4,
    OP_MEMBER_ID
};
/* What a field is. */
enum {
    IS_STRING = 5,
    IS_BOUNDED_STRING,
    IS_SEQUENCE,
    IS_ARRAY,
    IS_UNION,
    IS_STRUCT,
    IS_BOUNDED_SEQUENCE,
    IS_ENUM,
    IS_ELSEWHERE,
    IS_BOOL,
    IS_BITMASK,
    IS_WIDE_STRING,
    IS_WIDE_CHARACTER,
    IS_BOUNDED_WIDE_STRING
};
#define FLAG_KEY      1u
#define FLAG_OPTIONAL (1u << 5)
#define FLAG_POINTER  (1u << 23)

static unsigned field_is(uint32_t op)
{
    return op >> 16 & 0x7f;
}

static unsigned element_is(uint32_t op)
{
    return op >> 8 & 0xff;
}

static bool is_bounded_string(unsigned is)
{
    return is == IS_BOUNDED_STRING || is == IS_BOUNDED_WIDE_STRING;
}

/* Words that a value, or the elements of a collection, take after what is common to their kind. */
static uint32_t value_words(unsigned is)
{
    switch (is) {
    case IS_ENUM:
    case IS_BOUNDED_STRING:
    case IS_BOUNDED_WIDE_STRING:
        return 1;
    case IS_BITMASK:
    case IS_SEQUENCE:
    case IS_ARRAY:
    case IS_UNION:
    case IS_STRUCT:
    case IS_BOUNDED_SEQUENCE:
        return 2;
    default:
        return 0;
    }
}

static uint32_t field_words(uint32_t op)
{
    switch (field_is(op)) {
    case IS_SEQUENCE:
        return 2 + value_words(element_is(op));
    case IS_BOUNDED_SEQUENCE:
        return 3 + value_words(element_is(op));
    case IS_ARRAY:
        return 3 + (is_bounded_string(element_is(op)) ? 2 : value_words(element_is(op)));
    case IS_UNION:
        return 4 + (element_is(op) == IS_ENUM);
    case IS_ELSEWHERE:
        return 3 + ((op & (FLAG_POINTER | FLAG_OPTIONAL)) != 0);
    default:
        return 2 + value_words(field_is(op));
    }
}

/* Words of the operation; 0: not known. */
static uint32_t op_words(uint32_t op)
{
    switch (op >> 24) {
    case OP_END:
    case OP_CALL:
    case OP_APPENDABLE:
    case OP_MUTABLE:
        return 1;
    case OP_MEMBER:
    case OP_MEMBER_ID:
        return 2;
    case OP_FIELD:
        return field_words(op);
    case OP_CASE:
        return 3;
    case OP_CASE4:
        return 4;
    case OP_KEYS:
        return 1 + (op & 0xffff);
    default:
        return 0;
    }
}

static bool is_free_string(unsigned is)
{
    return is == IS_STRING || is == IS_WIDE_STRING;
}

/* A string without a bound is a pointer, one with a bound an array; so is an array of either. */
static void read_field(uint32_t op, struct eddy_why_type *type)
{
    unsigned is = field_is(op);
    bool is_string = is_free_string(is) || (is == IS_ARRAY && is_free_string(element_is(op)));
    bool is_dynamic = is_string || is == IS_SEQUENCE || is == IS_BOUNDED_SEQUENCE;
    type->is_fixed = type->is_fixed && !is_dynamic;
    type->has_optional = type->has_optional || (op & FLAG_OPTIONAL) != 0;
    type->has_string_key = type->has_string_key || (is_string && (op & FLAG_KEY) != 0);
}

bool eddy_why_type_read(const uint32_t *ops, uint32_t count, bool are_words,
                        struct eddy_why_type *type)
{
    struct eddy_why_type found = *type;
    found.is_fixed = true;
    found.is_appendable =
        count > 0 && (ops[0] >> 24 == OP_APPENDABLE || ops[0] >> 24 == OP_MUTABLE);
    for (uint32_t i = 0, words; i < count; i += are_words ? words : 1, ops += words) {
        words = op_words(*ops);
        if (words == 0 || (are_words && words > count - i))
            return false;
        if (*ops >> 24 == OP_FIELD)
            read_field(*ops, &found);
    }
    *type = found;
    return true;
}
