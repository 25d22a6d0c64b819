/* listener.cpp - listener.c in C++, without exceptions: prints the lines of `talker`, read where they
 * were written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <cstdio>
#include <eddy/eddy.hpp>

static std::uint64_t print_all(eddy::reader<char[]> &reader, std::uint64_t most)
{
    std::uint64_t count = 0;
    for (; count < most; count++) {
        auto taken = reader.take();
        if (!taken) {
            if (taken.error() != EDDY_EAGAIN)
                example_check(taken.error(), "take");
            break;
        }
        eddy::span<const char> text = **taken;
        std::printf("sn %llu: %.*s\n", static_cast<unsigned long long>(taken->sn()),
                    static_cast<int>(text.size()), text.data());
    } /* here the sample is given back */
    return count;
}

int main(int argc, char **argv)
{
    example_options options{};
    options.topic = "greeting";
    example_parse(argc, argv, "Prints the lines of talker.", &options);

    auto domain = eddy::domain::open();
    example_check(domain.error(), "domain");
    auto reader = eddy::reader<char[]>::open(*domain, eddy::topic(options.topic, "text"));
    example_check(reader.error(), "reader");

    eddy::waitset waitset(example_waitset(domain->get())); /* wakes up for Ctrl-C */
    example_check(waitset.attach(*reader).error(), "attach");
    std::uint64_t end = example_end(&options);
    std::uint64_t most = options.count != 0 ? options.count : UINT64_MAX, count = 0;
    while (count < most && eddy_now() < end && example_wait(waitset.get(), end))
        count += print_all(*reader, most - count);
    return 0;
}
