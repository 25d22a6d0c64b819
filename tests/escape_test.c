/* escape_test.c - what a terminal would obey is shown to people instead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/escape.h"

#include "support/world.h"

#include <string.h>

struct pair_of_texts {
    const char *text, *shown;
};

static void what_is_no_printable_character_is_escaped(void **state)
{
    (void)state;
    static const struct pair_of_texts each[] = {
        {"", ""},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\nb\tc\rd\\e", "a\\nb\\tc\\rd\\\\e"},
        {"\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"}, /* CSI in one character */
        {"\xe2\x80\xae"
         "txt.exe",
         "\\xe2\\x80\\xaetxt.exe"},                            /* from right to left */
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},                   /* another line */
        {"\xff\x80\xc3", "\\xff\\x80\\xc3"},                   /* no characters */
        {"\xc0\x8a\xe0\x80\x8a", "\\xc0\\x8a\\xe0\\x80\\x8a"}, /* longer than need be */
        {"\xed\xa0\x80\xf4\x90\x80\x80", "\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80"},
        {"\xe2\x82", "\\xe2\\x82"}, /* cut off */
    };
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        char shown[80], again[80];
        eddy_escape(each[i].text, false, shown, sizeof shown);
        assert_string_equal(shown, each[i].shown);
        eddy_escape(shown, true, again, sizeof again);
        assert_string_equal(again, shown);
    }
}

static void nothing_is_cut_in_two(void **state)
{
    (void)state;
    static const char text[] = "a\x1b\xc3\xbc\\";
    static const char *const shown[] = {"",
                                        "a",
                                        "a",
                                        "a",
                                        "a",
                                        "a\\x1b",
                                        "a\\x1b",
                                        "a\\x1b\xc3\xbc",
                                        "a\\x1b\xc3\xbc",
                                        "a\\x1b\xc3\xbc\\\\"};
    for (size_t room = 1; room <= sizeof shown / sizeof *shown; room++) {
        char out[16];
        memset(out, '#', sizeof out);
        eddy_escape(text, false, out, room);
        assert_string_equal(out, shown[room - 1]);
        check(out[room] == '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_printable_character_is_escaped),
        cmocka_unit_test(nothing_is_cut_in_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
