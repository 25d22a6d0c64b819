/* talker.cpp - talker.c in C++: publishes a line of text once a second, written where it will be read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <cstdio>
#include <eddy/eddy.hpp>

static void publish(eddy::writer<char[]> &writer, unsigned long long number)
{
    eddy::loan<char[]> loan(writer, eddy::forever, 64);
    int length = std::snprintf(loan.data(), loan.size(), "hello number %llu", number);
    loan.shrink(static_cast<std::size_t>(length) + 1);
    loan.publish(eddy::forever).value();
    std::printf("wrote %llu, readers %u\n", number, writer.readers());
}

static void talk(const example_options &options)
{
    auto domain = eddy::domain::open().value();
    auto writer = eddy::writer<char[]>::open(domain, eddy::topic(options.topic, "text")).value();
    eddy::waitset waitset(example_waitset(domain.get())); /* wakes up for Ctrl-C */

    std::uint64_t end = example_end(&options), next = eddy_now(), number = 0;
    do {
        publish(writer, ++number);
        next += static_cast<std::uint64_t>(1e9 / options.rate);
    } while (number != options.count && next < end && example_wait(waitset.get(), next));
}

int main(int argc, char **argv)
try {
    example_options options{};
    options.topic = "greeting";
    options.rate = 1;
    example_parse(argc, argv, "Publishes a line of text; start it with listener.", &options);
    talk(options);
    return 0;
} catch (const eddy::failure &failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
}
