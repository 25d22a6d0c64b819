/* hpp_cost_test.cpp - a sample of 64 bytes costs in C++ what it costs in C, both compiled here.
 *
 * Slices of both in turn; times on a busy machine scatter upwards, so the least of each is compared, and
 * looked for as long as it takes: what costs more never gets below.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support.hpp"

#include <algorithm>
#include <cstring>

namespace
{

constexpr int ROUNDS = 50, SLICES = 1000, STEPS = 100;
constexpr double MOST = 1.05; /* of what it costs in C */

struct block {
    std::uint64_t words[8];
};

int c_steps(eddy_writer *writer, eddy_reader *reader)
{
    for (std::uint64_t i = 0; i < std::uint64_t{STEPS}; i++) {
        struct eddy_loan loan;
        struct eddy_sample sample;
        int error = eddy_writer_loan(writer, sizeof(block), EDDY_FOREVER, &loan);
        if (error)
            return error;
        static_cast<block *>(loan.data)->words[0] = i;
        error = eddy_writer_publish(writer, &loan, loan.size, EDDY_FOREVER);
        if (error)
            return error;
        error = eddy_reader_take(reader, &sample);
        if (error)
            return error;
        bool right = static_cast<const block *>(sample.data)->words[0] == i;
        error = eddy_reader_release(reader, &sample);
        if (error || !right)
            return error ? error : static_cast<int>(EDDY_ESEGMENT);
    }
    return EDDY_OK;
}

int cpp_steps(eddy::writer<block> &writer, eddy::reader<block> &reader)
{
    for (std::uint64_t i = 0; i < std::uint64_t{STEPS}; i++) {
        auto loan = writer.loan(eddy::forever);
        if (!loan)
            return loan.error();
        (*loan)->words[0] = i;
        auto published = loan->publish(eddy::forever);
        if (!published)
            return published.error();
        auto sample = reader.take();
        if (!sample)
            return sample.error();
        if ((*sample)->words[0] != i)
            return EDDY_ESEGMENT;
    }
    return EDDY_OK;
}

/* By exceptions. */
int throwing_steps(eddy::writer<block> &writer, eddy::reader<block> &reader)
{
    for (std::uint64_t i = 0; i < std::uint64_t{STEPS}; i++) {
        eddy::loan loan(writer, eddy::forever);
        loan->words[0] = i;
        loan.publish(eddy::forever).value();
        eddy::sample sample(reader);
        if (sample->words[0] != i)
            return EDDY_ESEGMENT;
    }
    return EDDY_OK;
}

template <class Steps> void slice(std::uint64_t &best, Steps &&steps)
{
    std::uint64_t before = eddy_now();
    CHECK(steps() == EDDY_OK);
    best = std::min(best, eddy_now() - before);
}

void a_sample_costs_what_it_costs_in_c()
{
    auto domain = eddy::domain::open().value();
    auto writer = eddy::writer<block>::open(domain, "cost").value();
    auto reader = eddy::reader<block>::open(domain, "cost").value();
    std::uint64_t in_c = UINT64_MAX, in_cpp = UINT64_MAX, throwing = UINT64_MAX;
    double cpp = 2, with_exceptions = 2;
    for (int round = 0; round < ROUNDS && (cpp > MOST || with_exceptions > MOST); round++) {
        for (int i = 0; i < SLICES; i++) {
            slice(in_c, [&] { return c_steps(writer.get(), reader.get()); });
            slice(in_cpp, [&] { return cpp_steps(writer, reader); });
            slice(throwing, [&] { return throwing_steps(writer, reader); });
        }
        cpp = static_cast<double>(in_cpp) / static_cast<double>(in_c);
        with_exceptions = static_cast<double>(throwing) / static_cast<double>(in_c);
    }
    std::printf("a sample: C %.1f ns; C++ %.3f of that, with exceptions %.3f\n",
                static_cast<double>(in_c) / STEPS, cpp, with_exceptions);
    CHECK(cpp <= MOST);
    CHECK(with_exceptions <= MOST);
}

} /* namespace */

int main()
{
    const cpp_test tests[] = {CPP_TEST(a_sample_costs_what_it_costs_in_c)};
    return run_tests(tests);
}
