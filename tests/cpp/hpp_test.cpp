/* hpp_test.cpp - what eddy/eddy.hpp adds: owners, spans, results.  Built for C++17 and for C++20.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

namespace
{

struct pose {
    std::int32_t x, y;
    double angle;
};
struct alignas(256) wide {
    char bytes[256];
};
struct alignas(32) vec {
    float f[8];
};
struct begun {
    int number = 7;
};

template <class T>
constexpr bool only_moves =
    !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> &&
    std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>;
static_assert(only_moves<eddy::domain> && only_moves<eddy::writer<pose>> &&
              only_moves<eddy::reader<pose>> && only_moves<eddy::loan<pose>> &&
              only_moves<eddy::sample<pose>> && only_moves<eddy::waitset> &&
              only_moves<eddy::event>);
#if __cplusplus >= 202002L
static_assert(std::is_same_v<eddy::span<int>, std::span<int>>);
#endif

template <class T> struct pair {
    eddy::domain domain = eddy::domain::open().value();
    eddy::reader<T> reader;
    eddy::writer<T> writer;
    explicit pair(const eddy::writer_options &writing = {},
                  const eddy::reader_options &reading = {}) /* which comes first, and sets limits */
        : reader(eddy::reader<T>::open(domain, "pair", reading).value()),
          writer(eddy::writer<T>::open(domain, "pair", writing).value())
    {
    }
};

void publish(eddy::writer<pose> &writer, std::int32_t x)
{
    auto loan = writer.loan(eddy::no_wait).value();
    *loan = pose{x, 2, 0.5};
    loan.publish(eddy::no_wait).value();
}

void one_is_read_where_it_was_written()
{
    pair<pose> p;
    auto loan = p.writer.loan(patience).value();
    loan->x = 1;
    loan->y = 2;
    CHECK(loan.publish(patience) && !loan);
    CHECK_FAILS(loan.publish(patience), EDDY_EINVAL);
    auto sample = p.reader.take().value();
    CHECK(sample->x == 1 && (*sample).y == 2 && sample.sn() == 1 && sample.with() == 0);
    CHECK(sample.key().empty() && sample.header().empty() && p.reader.knows_writer(sample));
    CHECK(p.writer.write(pose{3, 4, 0}, 1s) && p.reader.take(patience).value()->x == 3);
    CHECK(sample.release() && !sample && sample.release());
    CHECK_FAILS(p.reader.take(), EDDY_EAGAIN);
}

void text_is_a_container()
{
    pair<char[]> p;
    const std::string text = "hello";
    auto loan = p.writer.loan(eddy::no_wait, 64).value();
    CHECK(loan.size() == 64 && !loan.empty());
    std::copy(text.begin(), text.end(), loan.begin());
    loan.shrink(text.size());
    loan.shrink(100);
    CHECK(loan.publish(eddy::no_wait));
    auto sample = p.reader.take().value();
    CHECK(std::string(sample.begin(), sample.end()) == text && sample[4] == 'o');
    eddy::span<const char> all = *sample;
    CHECK(all.size() == 5 && all.data() == sample.data());
    CHECK(p.writer.write(text, eddy::no_wait) && p.writer.write({}, eddy::no_wait));
    CHECK(p.reader.take().value().size() == 5 && p.reader.take().value().empty());
    CHECK_FAILS(p.writer.loan(eddy::no_wait, SIZE_MAX), EDDY_ETOOBIG);
}

void numbers_that_many()
{
    pair<std::uint64_t[]> p;
    const std::vector<std::uint64_t> numbers = {1, 2, 3};
    CHECK(p.writer.write(numbers, eddy::no_wait));
    auto sample = p.reader.take().value();
    CHECK(std::equal(sample.begin(), sample.end(), numbers.begin(), numbers.end()));
    /* Would be 8 bytes, were they counted in 64 bits. */
    CHECK_FAILS(p.writer.loan(eddy::no_wait, SIZE_MAX / 8 + 2), EDDY_ETOOBIG);
}

void a_loan_begins_as_its_type_does()
{
    pair<begun> p;
    CHECK(p.writer.loan(eddy::no_wait).value()->number == 7);
}

template <class T> void move_about(T first)
{
    CHECK(first);
    T second(std::move(first));
    CHECK(second && !first); /* NOLINT: what is left is the point */
    T third;
    CHECK(!third);
    third = std::move(second);
    T &same = third;
    third = std::move(same); /* of itself */
    CHECK(third && !second); /* NOLINT */
}

void what_was_moved_from_is_empty()
{
    pair<pose> p;
    auto domain = p.domain.get();
    for (int i = 0; i < 100; i++) {
        publish(p.writer, i);
        move_about(p.reader.take().value());
        move_about(p.writer.loan(eddy::no_wait).value());
    }
    move_about(std::move(p.reader));
    move_about(std::move(p.writer));
    move_about(eddy::waitset::open(p.domain).value());
    move_about(eddy::event::open().value());
    CHECK(!p.reader && !p.writer && p.domain.get() == domain);
    move_about(std::move(p.domain)); /* closes, or the world is not empty */
}

void one_that_gets_another_ends_its_own()
{
    eddy::reader_options few;
    few.limit_bytes = 256 << 10;
    pair<pose> p({}, few);
    auto loan = p.writer.loan(eddy::no_wait).value();
    eddy::sample<pose> sample;
    for (int i = 0; i < 20000; i++) { /* there is not so much room, were they not given back */
        loan = p.writer.loan(eddy::no_wait).value();
        publish(p.writer, i);
        sample = p.reader.take().value();
    }
    CHECK(sample->x == 19999);
    CHECK(loan.discard() && !loan);
    for (int i = 0; i < 20; i++)
        p.writer = eddy::writer<pose>::open(p.domain, "pair").value();
    eddy_topic_stats stats;
    CHECK(eddy_writer_stats(p.writer.get(), &stats) == EDDY_OK && stats.writers == 1);
}

template <class T> void says_it_is_empty(eddy::writer<T> &writer, eddy::reader<T> &reader)
{
    eddy::loans<T, 2> loans;
    eddy::samples<T, 2> samples;
    CHECK_FAILS(writer.loan(eddy::forever), EDDY_EINVAL);
    CHECK_FAILS(writer.write(T{}, eddy::forever), EDDY_EINVAL);
    CHECK_FAILS(writer.loan_many(loans, eddy::forever), EDDY_EINVAL);
    CHECK_FAILS(writer.reserve(1), EDDY_EINVAL);
    CHECK_FAILS(loans.publish(eddy::forever), EDDY_EINVAL);
    CHECK_FAILS(reader.take(), EDDY_EINVAL);
    CHECK_FAILS(reader.take(eddy::forever), EDDY_EINVAL);
    CHECK_FAILS(reader.take_latest(), EDDY_EINVAL);
    CHECK_FAILS(reader.take_many(samples), EDDY_EINVAL);
    CHECK_FAILS(reader.wait(eddy::forever), EDDY_EINVAL);
    CHECK_FAILS(reader.stop(), EDDY_EINVAL);
    CHECK(!reader.ready() && writer.readers() == 0 && reader.lost() == 0 && reader.depth() == 0);
    CHECK(writer.close() && reader.close());
}

void what_is_closed_says_so()
{
    pair<pose> p;
    CHECK_FAILS(p.domain.close(), EDDY_EBUSY);
    CHECK(p.domain && p.domain.dir());
    CHECK(p.writer.close() && p.reader.close() && !p.writer && !p.reader);
    says_it_is_empty(p.writer, p.reader);
    CHECK(p.domain.close() && !p.domain && p.domain.close() && !p.domain.dir());
    CHECK_FAILS(p.domain.identity(), EDDY_EINVAL);
    CHECK_FAILS(eddy::writer<pose>::open(p.domain, "pair"), EDDY_EINVAL);
    CHECK_FAILS(eddy::reader<pose>::open(p.domain, "pair"), EDDY_EINVAL);
    eddy::waitset none;
    CHECK_FAILS(none.attach(p.reader), EDDY_EINVAL);
    CHECK_FAILS(none.wait(eddy::no_wait, {}), EDDY_EINVAL);
    CHECK_FAILS(none.fd(), EDDY_EINVAL);
}

void an_exception_gives_all_back()
{
    eddy::reader_options few;
    few.limit_bytes = 64 << 10;
    pair<pose> p({}, few);
    for (int i = 0; i < 5000; i++) { /* there is not so much room, were they not given back */
        try {
            publish(p.writer, i);
            eddy::sample sample(p.reader);
            eddy::loan loan(p.writer, eddy::no_wait);
            loan->x = sample->x;
            throw loan->x;
        } catch (int thrown) {
            CHECK(thrown == i);
        }
    }
    CHECK_FAILS(p.reader.take(), EDDY_EAGAIN);
}

void samples_outlive_the_interest_in_more()
{
    eddy::reader_options shallow;
    shallow.depth = 4;
    pair<pose> p({}, shallow);
    publish(p.writer, 1);
    publish(p.writer, 2);
    auto first = p.reader.take().value(), second = p.reader.take().value();
    CHECK(p.reader.stop());
    for (int i = 0; i < 100; i++) /* nobody is in the way any more */
        publish(p.writer, 100 + i);
    CHECK(first->x == 1 && second->x == 2 && second.release() && first.release());
}

void value_throws_what_went_wrong()
{
    pair<pose> p;
    auto letters = eddy::writer<char[]>::open(p.domain, "letters").value();
    try {
        (void)p.reader.take().value();
        CHECK(false);
    } catch (const eddy::failure &f) {
        CHECK(f.code() == EDDY_EAGAIN && std::strstr(f.what(), "EDDY_EAGAIN"));
    }
    try {
        (void)eddy::reader<pose>::open(p.domain, "").value();
        CHECK(false);
    } catch (const std::exception &e) {
        CHECK(std::strstr(e.what(), "EDDY_EINVAL") && std::strstr(e.what(), eddy_last_error()));
    }
    for (int way = 0; way < 3; way++) {
        try {
            way == 0   ? (void)eddy::sample(p.reader)
            : way == 1 ? (void)eddy::sample(p.reader, eddy::no_wait)
                       : (void)eddy::loan<char[]>(letters, eddy::no_wait, SIZE_MAX);
            CHECK(false);
        } catch (const eddy::failure &f) {
            CHECK(f.code() == (way == 2 ? EDDY_ETOOBIG : EDDY_EAGAIN));
        }
    }
    publish(p.writer, 3);
    CHECK(eddy::sample(p.reader, patience)->x == 3);
    auto nothing = p.reader.take();
    CHECK(!nothing && !nothing.has_value() && nothing.error() == EDDY_EAGAIN);
    CHECK(!std::move(nothing).value_or(eddy::sample<pose>()));
}

void what_is_of_another_size_is_refused()
{
    pair<pose> p;
    auto other = eddy::writer<char[]>::open(p.domain, "pair").value();
    eddy::samples<pose, 8> group;
    CHECK(other.write(std::string(15, 'x'), eddy::no_wait));
    publish(p.writer, 1);
    CHECK_FAILS(p.reader.take(), EDDY_ETYPE);
    CHECK(p.reader.take().value()->x == 1);
    publish(p.writer, 2);
    CHECK(other.write(std::string(17, 'x'), eddy::no_wait));
    publish(p.writer, 3);
    CHECK_FAILS(p.reader.take_many(group), EDDY_ETYPE);
    CHECK(group.size() == 2 && group[0].x == 2 && group[1].x == 3);
    pair<std::uint32_t[]> odd;
    auto letters = eddy::writer<char[]>::open(odd.domain, "pair").value();
    CHECK(letters.write(std::string(7, 'x'), eddy::no_wait));
    CHECK_FAILS(odd.reader.take(), EDDY_ETYPE);
}

void what_lies_crooked_is_refused()
{
    pair<wide> p;
    int refused = 0, taken = 0;
    for (int i = 0; i < 8; i++) {
        eddy::loan_options crooked; /* the header has 8 bytes, the data comes behind it */
        crooked.size = sizeof(wide);
        crooked.header_size = 8;
        eddy_loan loan;
        CHECK(eddy_writer_loan_with(p.writer.get(), &crooked, EDDY_POLL, &loan) == EDDY_OK &&
              eddy_writer_publish(p.writer.get(), &loan, sizeof(wide), EDDY_POLL) == EDDY_OK);
        auto sample = p.reader.take();
        refused += sample.error() == EDDY_ETYPE;
        taken += bool(sample);
    }
    CHECK(refused == 8 && taken == 0);
}

template <class T> void lies_straight(const eddy::writer_options &options)
{
    pair<T> p(options);
    auto is_straight = [](const void *at) {
        return reinterpret_cast<std::uintptr_t>(at) % alignof(T) == 0;
    };
    for (int i = 0; i < 8; i++) {
        auto loan = p.writer.loan(eddy::no_wait).value();
        CHECK(is_straight(loan.data()) && loan.publish(eddy::no_wait));
        CHECK(p.writer.write(T{}, eddy::no_wait));
        CHECK(is_straight(p.reader.take().value().data()) && p.reader.take());
    }
}

void every_type_lies_straight()
{
    eddy::writer_options wordy;
    wordy.with = EDDY_WITH_WORD;
    for (const auto &options : {eddy::writer_options(), wordy}) {
        lies_straight<wide>(options);
        lies_straight<vec>(options);
        lies_straight<pose>(options);
        lies_straight<char>(options);
    }
}

void what_goes_with_a_sample()
{
    eddy::writer_options with;
    with.with = EDDY_WITH_KEY | EDDY_WITH_WORD;
    pair<pose> p(with);
    eddy::loan_options options;
    eddy::publication what;
    options.header_size = 5;
    options.with = EDDY_WITH_TIME;
    what.word = 77;
    what.key[15] = 9;
    auto loan = p.writer.loan(eddy::no_wait, options).value();
    CHECK(loan.header().size() == 5);
    loan.header()[4] = std::byte{4};
    auto before = std::chrono::steady_clock::now();
    CHECK(loan.publish(what, eddy::no_wait));
    auto sample = p.reader.take().value();
    CHECK(sample.with() == (EDDY_WITH_KEY | EDDY_WITH_WORD | EDDY_WITH_TIME));
    CHECK(sample.word() == 77 && sample.key().size() == 16 && sample.key()[15] == 9);
    CHECK(sample.time() >= before && sample.time() <= std::chrono::steady_clock::now());
    CHECK(sample.header().size() == 5 && sample.header()[4] == std::byte{4});
}

void groups_go_out_as_far_as_there_is_room()
{
    eddy::reader_options four;
    four.depth = 4;
    pair<pose> p({}, four);
    eddy::loans<pose, 6> out;
    eddy::samples<pose, 3> in;
    CHECK(p.writer.loan_many(out, patience).value() == 6 && out.size() == 6);
    CHECK_FAILS(p.writer.loan_many(out, patience), EDDY_EINVAL); /* it is not empty */
    std::int32_t x = 0;
    for (pose &each : out)
        each.x = x++;
    CHECK(out.publish(eddy::no_wait).value() == 4 && out.size() == 2 && out[0].x == 4);
    CHECK_FAILS(out.publish(eddy::no_wait), EDDY_EAGAIN);
    x = 0;
    while (auto count = p.reader.take_many(in)) { /* of a depth of four two at a time */
        CHECK(*count == in.size() && *count > 0);
        for (const pose &each : in)
            CHECK(each.x == x++);
        (void)out.publish(eddy::no_wait); /* when what is held is given back */
    }
    CHECK(x == 6 && out.size() == 0 && in.size() == 0);
}

void groups_of_texts_with_words()
{
    eddy::writer_options wordy;
    wordy.with = EDDY_WITH_WORD;
    pair<char[]> p(wordy);
    eddy::loans<char[], 4> out;
    eddy::samples<char[], 4> in;
    eddy::publication words[4];
    CHECK(p.writer.loan_many(out, patience, 3).value() == 4);
    for (std::size_t i = 0; i < 4; i++) {
        std::memset(out[i].data(), 'a' + static_cast<int>(i), out[i].size());
        words[i].word = i;
    }
    std::vector<eddy_publication> what(words, words + 3);
    CHECK_FAILS(out.publish(patience, what), EDDY_EINVAL);
    what.push_back(words[3]);
    CHECK(out.publish(patience, what).value() == 4);
    CHECK(p.reader.take_many(in).value() == 4);
    for (std::size_t i = 0; i < 4; i++)
        CHECK(in[i].size() == 3 && in[i][2] == 'a' + static_cast<int>(i) && in.raw(i).word == i);
}

void a_group_that_ends_is_given_back()
{
    eddy::reader_options few;
    few.limit_bytes = 64 << 10;
    pair<pose> p({}, few);
    for (int i = 0; i < 1000; i++) {
        eddy::loans<pose, 8> out;
        eddy::samples<pose, 8> in;
        CHECK(p.writer.loan_many(out, eddy::no_wait));
        publish(p.writer, i);
        CHECK(p.reader.take_many(in).value() == 1);
    }
}

void crooked_groups_are_refused()
{
    eddy::writer_options wordy;
    wordy.with = EDDY_WITH_WORD;
    pair<vec> straight, crooked(wordy);
    eddy::loans<vec, 2> group;
    CHECK(straight.writer.loan_many(group, eddy::no_wait).value() == 2);
    group.discard();
    CHECK_FAILS(crooked.writer.loan_many(group, eddy::no_wait), EDDY_EINVAL);
    CHECK(group.size() == 0);
}

void times_are_those_of_chrono()
{
    static_assert(eddy::no_wait.at() == EDDY_POLL && eddy::forever.at() == EDDY_FOREVER);
    using clock = std::chrono::steady_clock;
    auto now = clock::now();
    auto since = static_cast<std::uint64_t>(now.time_since_epoch().count());
    CHECK(eddy::deadline(now).at() == since);
    CHECK(eddy::deadline(0s).at() == EDDY_POLL && eddy::deadline(-5ms).at() == EDDY_POLL);
    CHECK(eddy::deadline(std::chrono::hours::max()).at() == EDDY_FOREVER);
    CHECK(eddy::deadline(std::chrono::hours::min()).at() == EDDY_POLL);
    CHECK(eddy::deadline(clock::time_point::max()).at() == EDDY_FOREVER);
    CHECK(eddy::deadline(std::chrono::duration<double>(0.0 / 1)).at() == EDDY_POLL);
    auto later = eddy::deadline(2s).at();
    CHECK(later >= since + 2000000000 && later <= eddy_now() + 2000000000);
    pair<pose> p;
    CHECK_FAILS(p.reader.take(5ms), EDDY_ETIMEDOUT);
    CHECK_FAILS(p.reader.wait(now), EDDY_ETIMEDOUT);
    CHECK_FAILS(p.reader.take(eddy::no_wait), EDDY_EAGAIN);
    CHECK(clock::now() - now >= 5ms);
}

void the_latest_is_taken()
{
    pair<pose> p;
    for (int i = 1; i <= 5; i++)
        publish(p.writer, i);
    CHECK(p.reader.ready() && p.reader.take_latest().value()->x == 5 && !p.reader.ready());
}

void a_reader_attaches_by_path()
{
    pair<pose> p;
    auto other = eddy::reader<pose>::attach(eddy_writer_flink(p.writer.get())).value();
    publish(p.writer, 4);
    CHECK(other.take().value()->x == 4 && other.participant() != p.reader.participant());
}

void a_wait_set_waits_for_both()
{
    pair<pose> p;
    auto event = eddy::event::open().value();
    auto set = eddy::waitset::open(p.domain).value();
    void *room[4];
    CHECK(set.attach(p.reader) && set.attach(event));
    auto reader = std::move(p.reader); /* known by its handle */
    CHECK_FAILS(set.wait(eddy::no_wait, room), EDDY_EAGAIN);
    event.trigger();
    auto ready = set.wait(patience, room);
    CHECK(ready && ready->size() == 1 && (*ready)[0] == event.get() && event.triggered());
    event.reset();
    publish(p.writer, 1);
    ready = set.wait(patience, room);
    CHECK(ready && ready->size() == 1 && (*ready)[0] == reader.get());
    struct pollfd waiting = {set.fd().value(), POLLIN, 0};
    CHECK(poll(&waiting, 1, 30000) == 1);
    CHECK(set.detach(reader) && set.detach(event));
    CHECK_FAILS(set.detach(reader), EDDY_ENOENT);
    CHECK(set.attach(reader, eddy::mode::edge, &p)); /* a reader that ends is detached */
}

void a_service_is_called()
{
    auto domain = eddy::domain::open().value();
    auto server = eddy::server::open(domain, eddy::topic("adder", "add")).value();
    auto client = eddy::client::open(domain, eddy::topic("adder", "add")).value();
    eddy_loan loan;
    eddy_request request;
    eddy_answer answer;
    std::uint64_t call = 0;
    CHECK(eddy_client_loan(client.get(), 1, EDDY_POLL, &loan) == EDDY_OK &&
          eddy_client_send(client.get(), &loan, EDDY_FOREVER, EDDY_POLL, &call) == EDDY_OK);
    CHECK(eddy_server_take(server.get(), EDDY_POLL, &request) == EDDY_OK &&
          eddy_server_write(server.get(), &request, "two", 3, EDDY_POLL) == EDDY_OK);
    CHECK(eddy_client_take(client.get(), EDDY_POLL, &answer) == EDDY_OK);
    CHECK(answer.call == call && answer.sample.size == 3);
    move_about(std::move(client));
    move_about(std::move(server));
}

void a_wait_set_waits_for_descriptors()
{
    pair<pose> p;
    auto set = eddy::waitset::open(p.domain).value();
    int ends[2];
    void *room[4];
    CHECK(pipe(ends) == 0 && set.attach(ends[0], POLLIN, &ends));
    CHECK_FAILS(set.wait(eddy::no_wait, room), EDDY_EAGAIN);
    CHECK(write(ends[1], "x", 1) == 1);
    auto ready = set.wait(patience, room);
    CHECK(ready && ready->size() == 1 && (*ready)[0] == &ends);
    CHECK(set.detach(ends[0]));
    CHECK_FAILS(set.detach(ends[0]), EDDY_ENOENT);
    CHECK_FAILS(eddy::waitset().attach(ends[0], POLLIN, nullptr), EDDY_EINVAL);
    close(ends[0]);
    close(ends[1]);
}

} /* namespace */

int main()
{
    const cpp_test tests[] = {
        CPP_TEST(one_is_read_where_it_was_written),
        CPP_TEST(text_is_a_container),
        CPP_TEST(numbers_that_many),
        CPP_TEST(a_loan_begins_as_its_type_does),
        CPP_TEST(what_was_moved_from_is_empty),
        CPP_TEST(one_that_gets_another_ends_its_own),
        CPP_TEST(what_is_closed_says_so),
        CPP_TEST(an_exception_gives_all_back),
        CPP_TEST(samples_outlive_the_interest_in_more),
        CPP_TEST(value_throws_what_went_wrong),
        CPP_TEST(what_is_of_another_size_is_refused),
        CPP_TEST(what_lies_crooked_is_refused),
        CPP_TEST(every_type_lies_straight),
        CPP_TEST(what_goes_with_a_sample),
        CPP_TEST(groups_go_out_as_far_as_there_is_room),
        CPP_TEST(groups_of_texts_with_words),
        CPP_TEST(a_group_that_ends_is_given_back),
        CPP_TEST(crooked_groups_are_refused),
        CPP_TEST(times_are_those_of_chrono),
        CPP_TEST(the_latest_is_taken),
        CPP_TEST(a_reader_attaches_by_path),
        CPP_TEST(a_wait_set_waits_for_both),
        CPP_TEST(a_service_is_called),
        CPP_TEST(a_wait_set_waits_for_descriptors),
    };
    return run_tests(tests);
}
