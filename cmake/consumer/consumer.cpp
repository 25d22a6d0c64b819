/* consumer.cpp - the same as consumer.c, in C++.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/eddy.hpp>
#include <iostream>
#include <string>

int main()
try {
    const std::string text = "hello";
    auto domain = eddy::domain::open().value();
    auto writer = eddy::writer<char[]>::open(domain, "consumer").value();
    auto reader = eddy::reader<char[]>::open(domain, "consumer").value();
    writer.write(text, eddy::forever).value();
    auto sample = reader.take(std::chrono::seconds(1)).value();
    const std::string heard(sample.begin(), sample.end());
    std::cout << "sample " << sample.sn() << ": " << heard << "\n";
    return heard == text ? 0 : 1;
} catch (const eddy::failure &failure) {
    std::cerr << failure.what() << "\n";
    return 1;
}
