/* spin_setting_test.c - how long waits look: EDDY_SPIN, the domain's option, the reader's.
 *
 * What is refused: folder_test.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"
#include "support/world.h"

#include "discovery/domain.h"
#include "transport/slots/slots.h"
#include "transport/topic/reader.h"
#include "transport/topic/writer.h"
#include "transport/waitset/waitset.h"

#include <stdlib.h>

enum { LEARNS = 0, NEVER = -1 };

static eddy_domain *domain_with(int64_t spin_ns)
{
    eddy_domain *domain = NULL;
    must(eddy_domain_open(&(struct eddy_domain_options){.spin_ns = spin_ns}, &domain));
    return domain;
}

static void each_value_of_the_variable_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } values[] = {
        {"", LEARNS},    {"auto", LEARNS}, {"off", NEVER},         {"1ns", 1},
        {"50us", 50000}, {"1ms", 1000000}, {"1000ms", 1000000000}, {"1000000us", 1000000000},
        {"007us", 7000}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        setenv("EDDY_SPIN", values[i].text, 1);
        must(eddy_domain_check(world_dir()));
        eddy_domain *domain = open_domain();
        check(domain->spin_ns == values[i].ns);
        must(eddy_domain_close(domain));
    }
}

static void the_domains_option_goes_before_the_variable(void **state)
{
    (void)state;
    static const int64_t options[] = {NEVER, 7000};
    setenv("EDDY_SPIN", "50us", 1);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        eddy_domain *domain = domain_with(options[i]);
        check(domain->spin_ns == options[i]);
        must(eddy_domain_close(domain));
    }
    eddy_domain *domain = domain_with(0);
    check(domain->spin_ns == 50000);
    must(eddy_domain_close(domain));
}

static void a_readers_option_goes_before_the_domains(void **state)
{
    (void)state;
    static const struct {
        int64_t option, wanted;
    } readers[] = {{0, 7000}, {NEVER, NEVER}, {30000, 30000}};
    eddy_domain *domain = domain_with(7000);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        eddy_reader *reader = open_reader(
            domain, "topic", &(struct eddy_reader_options){.spin_ns = readers[i].option});
        check(reader->spin.fixed_ns == readers[i].wanted);
        must(eddy_reader_close(reader));
    }
    must(eddy_domain_close(domain));
}

static void waits_of_other_kinds_have_it(void **state)
{
    (void)state;
    setenv("EDDY_SPIN", "50us", 1);
    struct pair pair = pair_open(NULL, NULL);
    struct slots_pair slots = slots_pair_open(1, 64, 1);
    eddy_waitset *waitset = NULL;
    must(eddy_waitset_open(pair.domain, &waitset));
    const struct eddy_spin *all[] = {&pair.reader->spin, &pair.writer->spin, &waitset->spin,
                                     &slots.reader->spin, &slots.writer->room_spin};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check(all[i]->fixed_ns == 50000);
    must(eddy_waitset_close(waitset));
    slots_pair_close(&slots);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_value_of_the_variable_is_taken),
        WORLD_TEST(the_domains_option_goes_before_the_variable),
        WORLD_TEST(a_readers_option_goes_before_the_domains),
        WORLD_TEST(waits_of_other_kinds_have_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
