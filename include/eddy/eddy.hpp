/* eddy/eddy.hpp - topics and wait sets for C++17 and later: owners that move, spans, results.
 *
 *   writer<T>:  loan -> write in place -> publish (or discard: what a loan does when it ends unpublished)
 *   reader<T>:  take -> read in place -> release (what a sample does when it ends)
 *
 *   eddy::domain domain = eddy::domain::open().value();
 *   auto writer = eddy::writer<pose>::open(domain, "pose").value();
 *   auto loan = writer.loan(eddy::forever).value();
 *   loan->x = 1;
 *   loan.publish(eddy::forever).value();
 *
 * T is trivially copyable, one of a fixed size, or T[]: as many as each sample has.  All is written
 * in this header, on the functions of eddy/eddy.h, which say what each call does and what its errors
 * are: here stands what is different.
 *
 * Results: each call that can fail returns a result<T>, as std::expected is: test it, then use *r, or
 *          r.error(), an EDDY_E*.
 * Exceptions: for those who like them, value() of a result throws eddy::failure.  It moves what it
 *          gives; where some 10 ns count, `eddy::loan loan(writer, eddy::forever)` and
 *          `eddy::sample sample(reader)` are made in place.  Nothing else throws; with -fno-exceptions
 *          there are none of these.
 * Owners:  move only.  One that was moved from, closed, or never opened is empty: its calls say
 *          EDDY_EINVAL, and it ends without a trace.
 * Order:   loans end before their writer, samples before their reader, and all before the domain,
 *          which is what scopes do.  A reader whose samples outlive the interest in it is stopped, and
 *          ends after them.  A domain that ends first stays open as long as the process lives.
 * Threads: as in C.  A loan may end in any thread, a sample if its reader is EDDY_READER_SHARED.
 * Crash:   as in C.                                                   spec/api.md, "C++"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_EDDY_HPP
#define EDDY_EDDY_HPP

#include <eddy/eddy.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace eddy
{

/* What is built for C++17 and what for later is told apart when it is linked: its spans differ. */
#if __cplusplus >= 202002L
inline namespace cxx20
{
template <class T> using span = std::span<T>;
#else
inline namespace cxx17
{

/* What is needed of std::span. */
template <class T> class span
{
  public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), size_(N)
    {
    }
    /* Of whatever has data() and size(): std::array, std::vector, std::string, another span. */
    template <class C,
              class = std::enable_if_t<std::is_convertible_v<
                  std::remove_pointer_t<decltype(std::data(std::declval<C &>()))> (*)[], T (*)[]>>,
              class = decltype(std::size(std::declval<C &>()))>
    constexpr span(C &&other) noexcept : data_(std::data(other)), size_(std::size(other))
    {
    }
    constexpr T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr T &operator[](std::size_t index) const noexcept
    {
        return data_[index];
    }
    constexpr T *begin() const noexcept
    {
        return data_;
    }
    constexpr T *end() const noexcept
    {
        return data_ + size_;
    }
    constexpr span first(std::size_t count) const noexcept
    {
        return span(data_, count);
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
#endif

/* --- results --------------------------------------------------------------------------------- */

/* What value() throws: an EDDY_E*, and what the failed call said. */
class failure : public std::exception
{
  public:
    explicit failure(int code) noexcept : code_(code)
    {
        const bool answer = code == EDDY_EAGAIN || code == EDDY_ETIMEDOUT;
        const char *more = answer ? "" : eddy_last_error();
        std::snprintf(text_, sizeof text_, "%s: %s%s%s", eddy_error_name(code), eddy_strerror(code),
                      *more ? ": " : "", more);
    }
    int code() const noexcept
    {
        return code_;
    }
    const char *what() const noexcept override
    {
        return text_;
    }

  private:
    int code_;
    char text_[500];
};

/* A value, or the EDDY_E* that says why there is none. */
template <class T> class [[nodiscard]] result
{
  public:
    result(T &&value) noexcept : value_(std::move(value))
    {
    }
    static result failed(int error) noexcept
    {
        result r;
        r.error_ = error;
        return r;
    }
    /* As `fill`, which is given the place of the value, says. */
    template <class Fill> static result of(Fill &&fill) noexcept
    {
        result r;
        r.error_ = fill(r.value_);
        return r;
    }
    bool has_value() const noexcept
    {
        return error_ == EDDY_OK;
    }
    explicit operator bool() const noexcept
    {
        return has_value();
    }
    int error() const noexcept
    {
        return error_;
    }
    T &operator*() &noexcept
    {
        return value_;
    }
    const T &operator*() const &noexcept
    {
        return value_;
    }
    T &&operator*() &&noexcept
    {
        return std::move(value_);
    }
    T *operator->() noexcept
    {
        return &value_;
    }
    const T *operator->() const noexcept
    {
        return &value_;
    }
    T value_or(T &&other) &&noexcept
    {
        return std::move(has_value() ? value_ : other);
    }
#ifdef __cpp_exceptions
    T &value() &
    {
        return checked(), value_;
    }
    const T &value() const &
    {
        return checked(), value_;
    }
    T &&value() &&
    {
        return checked(), std::move(value_);
    }
#endif

  private:
    result() noexcept
    {
    }
#ifdef __cpp_exceptions
    void checked() const
    {
        if (error_ != EDDY_OK)
            throw failure(error_);
    }
#endif
    T value_{};
    int error_ = EDDY_OK;
};

template <> class [[nodiscard]] result<void>
{
  public:
    result(int error) noexcept : error_(error)
    {
    }
    bool has_value() const noexcept
    {
        return error_ == EDDY_OK;
    }
    explicit operator bool() const noexcept
    {
        return has_value();
    }
    int error() const noexcept
    {
        return error_;
    }
#ifdef __cpp_exceptions
    void value() const
    {
        if (error_ != EDDY_OK)
            throw failure(error_);
    }
#endif

  private:
    int error_;
};

/* --- waiting --------------------------------------------------------------------------------- */

/* Until when a call may wait: a time from now (2s), a time of steady_clock (which is CLOCK_MONOTONIC),
 * eddy::no_wait or eddy::forever.  What is past is no_wait, what is too far to count forever. */
class deadline
{
  public:
    constexpr explicit deadline(std::uint64_t nanoseconds) noexcept : at_(nanoseconds)
    {
    }
    template <class Rep, class Period>
    deadline(std::chrono::duration<Rep, Period> from_now) noexcept : at_(nanoseconds(from_now))
    {
        if (at_ != EDDY_POLL)
            at_ = eddy_deadline(at_);
    }
    template <class Duration>
    constexpr deadline(std::chrono::time_point<std::chrono::steady_clock, Duration> time) noexcept
        : at_(nanoseconds(time.time_since_epoch()))
    {
    }
    /* As the functions of C want it. */
    constexpr std::uint64_t at() const noexcept
    {
        return at_;
    }

  private:
    template <class Rep, class Period>
    static constexpr std::uint64_t nanoseconds(std::chrono::duration<Rep, Period> d) noexcept
    {
        const double seconds = std::chrono::duration<double>(d).count();
        if (!(seconds > 0))
            return EDDY_POLL;
        if (seconds > 9e9) /* more than 63 bits of nanoseconds; 285 years */
            return EDDY_FOREVER;
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(d).count());
    }
    std::uint64_t at_;
};
inline constexpr deadline no_wait{EDDY_POLL};
inline constexpr deadline forever{EDDY_FOREVER};

/* --- options: those of C, all zero to begin with ------------------------------------------------- */

namespace detail
{
template <class Options> struct zeroed : Options {
    constexpr zeroed() noexcept : Options{}
    {
    }
};
} /* namespace detail */
using domain_options = detail::zeroed<::eddy_domain_options>;
using writer_options = detail::zeroed<::eddy_writer_options>;
using reader_options = detail::zeroed<::eddy_reader_options>;
using loan_options = detail::zeroed<::eddy_loan_options>; /* size and alignment come from T */
using publication = detail::zeroed<::eddy_publication>;
using client_options = detail::zeroed<::eddy_client_options>;
using server_options = detail::zeroed<::eddy_server_options>;

/* Which topic: a name alone, or with a type that all must agree on. */
struct topic : detail::zeroed<::eddy_topic_identity> {
    constexpr topic(const char *its_name, const char *its_type = nullptr) noexcept
    {
        name = its_name;
        type = its_type; /* NOLINT: clang-tidy does not see that all was zero */
    }
};

/* --- what owners have in common ------------------------------------------------------------------ */

namespace detail
{

/* A handle of C, which it closes. */
template <class Handle, int (*close_it)(Handle *)> class owner
{
  public:
    owner() noexcept = default;
    /* Takes over what was opened in C. */
    explicit owner(Handle *handle) noexcept : handle_(handle)
    {
    }
    owner(owner &&other) noexcept : handle_(std::exchange(other.handle_, nullptr))
    {
    }
    owner &operator=(owner &&other) noexcept
    {
        owner moved(std::move(other));
        std::swap(handle_, moved.handle_);
        return *this;
    }
    ~owner()
    {
        (void)close_it(handle_);
    }
    /* Empty afterwards, unless it says EDDY_EBUSY. */
    result<void> close() noexcept
    {
        int error = close_it(handle_);
        if (error != EDDY_EBUSY)
            handle_ = nullptr;
        return error;
    }
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    /* For the functions of C. */
    Handle *get() const noexcept
    {
        return handle_;
    }
    /* Gives it away unclosed. */
    Handle *release() noexcept
    {
        return std::exchange(handle_, nullptr);
    }

  protected:
    Handle *handle_ = nullptr;
};

/* What samples may be made of. */
template <class T> struct one {
    static_assert(
        std::is_trivially_copyable_v<T>,
        "what goes through shared memory is trivially copyable: no std::string, no virtual");
    static_assert(!std::is_pointer_v<T> && !std::is_member_pointer_v<T>,
                  "a pointer means nothing in another process");
    static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>, "const and volatile are ours");
    using type = T;
    /* What eddy_writer_loan assures of, whatever goes with the sample. */
    static constexpr bool aligned_anyway = alignof(T) <= 8;
    static constexpr std::size_t alignment = alignof(T) > 64 ? alignof(T) : 64;
    static void begin(void *data, std::size_t count) noexcept
    {
        static_assert(std::is_nothrow_default_constructible_v<T>,
                      "a loan begins as `T t;` does, which must not throw; else write() a copy");
        std::uninitialized_default_construct_n(static_cast<T *>(data), count);
    }
    static bool is_aligned(const void *data) noexcept
    {
        return reinterpret_cast<std::uintptr_t>(data) % alignof(T) == 0;
    }
};
template <class T> struct element : one<T> {
    static constexpr bool many = false;
    static bool fits(const void *data, std::size_t size) noexcept
    {
        return size == sizeof(T) && one<T>::is_aligned(data);
    }
};
template <class T> struct element<T[]> : one<T> {
    static constexpr bool many = true;
    static bool fits(const void *data, std::size_t size) noexcept
    {
        return size % sizeof(T) == 0 && one<T>::is_aligned(data);
    }
};

/* What is at `data`, as T& or as span<T>. */
template <class T, class Element> struct content {
    using type = Element &;
    static type at(void *data, std::size_t) noexcept
    {
        return *static_cast<Element *>(data);
    }
};
template <class T, class Element> struct content<T[], Element> {
    using type = span<Element>;
    static type at(void *data, std::size_t bytes) noexcept
    {
        return type(static_cast<Element *>(data), bytes / sizeof(Element));
    }
};

/* How a loan or sample is looked at: as a pointer, or as a container. */
template <class Derived, class T, class Element> class view
{
  public:
    Element &operator*() const noexcept
    {
        return *data();
    }
    Element *operator->() const noexcept
    {
        return data();
    }
    Element *data() const noexcept
    {
        return static_cast<Element *>(static_cast<const Derived *>(this)->place());
    }
};
template <class Derived, class T, class Element> class view<Derived, T[], Element>
{
  public:
    span<Element> operator*() const noexcept
    {
        return span<Element>(data(), size());
    }
    Element *data() const noexcept
    {
        return static_cast<Element *>(static_cast<const Derived *>(this)->place());
    }
    std::size_t size() const noexcept
    {
        return static_cast<const Derived *>(this)->raw().size / sizeof(Element);
    }
    bool empty() const noexcept
    {
        return size() == 0;
    }
    Element &operator[](std::size_t index) const noexcept
    {
        return data()[index];
    }
    Element *begin() const noexcept
    {
        return data();
    }
    Element *end() const noexcept
    {
        return data() + size();
    }
};

/* Goes through what has [] and a size. */
template <class Group> class walk
{
  public:
    walk(const Group *group, std::size_t at) noexcept : group_(group), at_(at)
    {
    }
    decltype(auto) operator*() const noexcept
    {
        return (*group_)[at_];
    }
    walk &operator++() noexcept
    {
        ++at_;
        return *this;
    }
    bool operator!=(const walk &other) const noexcept
    {
        return at_ != other.at_;
    }

  private:
    const Group *group_;
    std::size_t at_;
};

} /* namespace detail */

/* --- domain ---------------------------------------------------------------------------------- */

class domain : public detail::owner<::eddy_domain, eddy_domain_close>
{
  public:
    using owner::owner;
    static result<domain> open(const ::eddy_domain_options &options = domain_options()) noexcept
    {
        return result<domain>::of(
            [&](domain &d) { return eddy_domain_open(&options, &d.handle_); });
    }
    /* nullptr: it is not open. */
    const char *dir() const noexcept
    {
        return handle_ ? eddy_domain_dir(handle_) : nullptr;
    }
    result<std::array<std::uint8_t, 16>> identity() const noexcept
    {
        return result<std::array<std::uint8_t, 16>>::of([&](auto &identity) -> int {
            return handle_ ? eddy_domain_identity(handle_, identity.data()) : EDDY_EINVAL;
        });
    }
    bool is_removed() const noexcept
    {
        return handle_ && eddy_domain_is_removed(handle_);
    }
};

/* --- writing --------------------------------------------------------------------------------- */

template <class T> class writer;

/* Room in shared memory: `*loan` and `loan->member` are a T; of a T[] it is a container of what was
 * asked for.  Discarded when it ends unpublished, also by an exception. */
template <class T> class loan : public detail::view<loan<T>, T, typename detail::element<T>::type>
{
  public:
    loan() noexcept
    {
        raw_.data = nullptr;
        raw_.size = 0;
    }
#ifdef __cpp_exceptions
    /* As writer::loan(...).value(), made in place. */
    loan(writer<T> &from, deadline until)
    {
        made(from.lend(*this, until));
    }
    loan(writer<T> &from, deadline until, std::size_t count)
    {
        made(from.lend(*this, until, count));
    }
    loan(writer<T> &from, deadline until, const ::eddy_loan_options &options, std::size_t count = 1)
    {
        made(from.lend(*this, until, options, count));
    }
#endif
    loan(loan &&other) noexcept
    {
        take_from(other);
    }
    loan &operator=(loan &&other) noexcept
    {
        if (this != &other) {
            (void)discard();
            take_from(other);
        }
        return *this;
    }
    ~loan()
    {
        (void)discard();
    }
    explicit operator bool() const noexcept
    {
        return writer_ != nullptr;
    }
    /* Empty afterwards; when it fails, it is as before. */
    result<void> publish(deadline until) noexcept
    {
        return ended(writer_ ? eddy_writer_publish(writer_, &raw_, raw_.size, until.at())
                             : EDDY_EINVAL);
    }
    /* With a key, a word, a time that it was loaned for (EDDY_WITH_*). */
    result<void> publish(const ::eddy_publication &what, deadline until) noexcept
    {
        return ended(writer_
                         ? eddy_writer_publish_with(writer_, &raw_, raw_.size, &what, until.at())
                         : EDDY_EINVAL);
    }
    result<void> discard() noexcept
    {
        return writer_ ? ended(eddy_writer_discard(std::exchange(writer_, nullptr), &raw_))
                       : EDDY_OK;
    }
    /* Of a T[]: no more than so many are published. */
    void shrink(std::size_t count) noexcept
    {
        static_assert(detail::element<T>::many, "a loan of one T has one");
        if (writer_ && count < this->size())
            raw_.size = count * sizeof(typename detail::element<T>::type);
    }
    /* The user header that it was loaned with. */
    span<std::byte> header() const noexcept
    {
        return span<std::byte>(static_cast<std::byte *>(raw_.header),
                               raw_.header ? raw_.header_size : 0);
    }
    const ::eddy_loan &raw() const noexcept
    {
        return raw_;
    }
    void *place() const noexcept
    {
        return raw_.data;
    }

  private:
    friend class writer<T>;
#ifdef __cpp_exceptions
    static void made(int error)
    {
        if (error != EDDY_OK)
            throw failure(error);
    }
#endif
    result<void> ended(int error) noexcept
    {
        if (error == EDDY_OK)
            writer_ = nullptr;
        return error;
    }
    void take_from(loan &other) noexcept
    {
        writer_ = std::exchange(other.writer_, nullptr);
        raw_ = writer_ ? other.raw_ : decltype(raw_){};
    }
    ::eddy_writer *writer_ = nullptr;
    ::eddy_loan raw_; /* data and size; the rest when writer_ is set: it costs */
};

/* Up to N loans that are published at once: writer::loan_many.  [i] is a T&, or a span. */
template <class T, std::size_t N> class loans
{
  public:
    loans() noexcept
    {
    }
    loans(const loans &) = delete;
    loans &operator=(const loans &) = delete;
    ~loans()
    {
        discard();
    }
    std::size_t size() const noexcept
    {
        return count_ - first_;
    }
    decltype(auto) operator[](std::size_t index) const noexcept
    {
        const ::eddy_loan &raw = raw_[first_ + index];
        return detail::content<T, typename detail::element<T>::type>::at(raw.data, raw.size);
    }
    auto begin() const noexcept
    {
        return detail::walk<loans>(this, 0);
    }
    auto end() const noexcept
    {
        return detail::walk<loans>(this, size());
    }
    /* How many were: the others are still here.  what: nothing, or one for each. */
    result<std::size_t> publish(deadline until, span<const ::eddy_publication> what = {}) noexcept
    {
        return result<std::size_t>::of([&](std::size_t &published) -> int {
            if (!writer_ || size() == 0 || (!what.empty() && what.size() != size()))
                return EDDY_EINVAL;
            int error = eddy_writer_publish_many(writer_, raw_ + first_, size(),
                                                 what.empty() ? nullptr : what.data(), until.at(),
                                                 &published);
            first_ += published;
            return error;
        });
    }
    void discard() noexcept
    {
        while (first_ < count_)
            (void)eddy_writer_discard(writer_, &raw_[first_++]);
    }

  private:
    friend class writer<T>;
    ::eddy_writer *writer_ = nullptr;
    std::size_t first_ = 0, count_ = 0;
    ::eddy_loan raw_[N]; /* set from first_ to count_ */
};

/* Publishes samples of type T, or T[]. */
template <class T> class writer : public detail::owner<::eddy_writer, eddy_writer_close>
{
    using element = detail::element<T>;
    using item = typename element::type;

  public:
    using owner::owner;
    static result<writer> open(domain &d, const ::eddy_topic_identity &topic,
                               const ::eddy_writer_options &options = writer_options()) noexcept
    {
        return result<writer>::of(
            [&](writer &w) { return eddy_writer_open(d.get(), &topic, &options, &w.handle_); });
    }
    static result<writer> open(domain &d, const char *name,
                               const ::eddy_writer_options &options = writer_options()) noexcept
    {
        return open(d, eddy::topic(name), options);
    }
    /* Room for one T.  It is as `T t;` would be: where T has no initialisers, nothing is written. */
    result<eddy::loan<T>> loan(deadline until) noexcept
    {
        return result<eddy::loan<T>>::of([&](eddy::loan<T> &l) { return lend(l, until); });
    }
    /* Room for so many of a T[]. */
    result<eddy::loan<T>> loan(deadline until, std::size_t count) noexcept
    {
        return result<eddy::loan<T>>::of([&](eddy::loan<T> &l) { return lend(l, until, count); });
    }
    /* With a user header, an alignment, what goes with it; options.size is not looked at. */
    result<eddy::loan<T>> loan(deadline until, const ::eddy_loan_options &options,
                               std::size_t count = 1) noexcept
    {
        return result<eddy::loan<T>>::of(
            [&](eddy::loan<T> &l) { return lend(l, until, options, count); });
    }
    /* A copy of a T, or of what a span has of a T[]. */
    result<void> write(std::conditional_t<element::many, span<const item>, const T &> value,
                       deadline until) noexcept
    {
        if constexpr (element::many)
            return copy(value.data(), value.size(), until);
        else
            return copy(&value, 1, until);
    }
    /* Fills an empty group with up to N loans, of one T or `count` each. */
    template <std::size_t N>
    result<std::size_t> loan_many(loans<T, N> &group, deadline until,
                                  std::size_t count = 1) noexcept
    {
        return result<std::size_t>::of([&](std::size_t &got) -> int {
            if (!handle_ || group.size() != 0)
                return EDDY_EINVAL;
            int error = eddy_writer_loan_many(handle_, bytes(count), group.raw_, N, until.at(),
                                              &group.count_);
            if (error != EDDY_OK)
                return error;
            group.writer_ = handle_;
            group.first_ = 0;
            got = group.count_;
            /* Not if something goes with each sample: then T is to be loaned one by one. */
            if (!element::aligned_anyway && !element::is_aligned(group.raw_[0].data))
                return group.discard(), static_cast<int>(EDDY_EINVAL);
            for (std::size_t i = 0; i < got; i++)
                element::begin(group.raw_[i].data, count);
            return EDDY_OK;
        });
    }
    std::uint32_t readers() const noexcept
    {
        return handle_ ? eddy_writer_readers(handle_) : 0;
    }
    result<void> reserve(std::uint32_t count, std::size_t items = 1,
                         std::uint32_t flags = 0) noexcept
    {
        ::eddy_reservation r{};
        r.size = bytes(items);
        r.alignment = element::aligned_anyway ? 0 : element::alignment;
        r.count = count;
        r.flags = flags;
        return handle_ ? eddy_writer_reserve(handle_, &r) : EDDY_EINVAL;
    }

  private:
    friend class eddy::loan<T>;
    /* What overflows is too large for any topic. */
    static std::size_t bytes(std::size_t count) noexcept
    {
        return count <= SIZE_MAX / sizeof(item) ? count * sizeof(item) : SIZE_MAX;
    }
    template <class E = element> int lend(eddy::loan<T> &l, deadline until) noexcept
    {
        static_assert(!E::many, "how many of a T[]?  loan(deadline, count)");
        return lend_items(l, until, 1);
    }
    template <class E = element>
    int lend(eddy::loan<T> &l, deadline until, std::size_t count) noexcept
    {
        static_assert(E::many, "a loan of one T has one");
        return lend_items(l, until, count);
    }
    int lend(eddy::loan<T> &l, deadline until, const ::eddy_loan_options &options,
             std::size_t count = 1) noexcept
    {
        ::eddy_loan_options full = options;
        full.size = bytes(count);
        if (full.alignment < element::alignment)
            full.alignment = element::alignment;
        return begun(
            handle_ ? eddy_writer_loan_with(handle_, &full, until.at(), &l.raw_) : EDDY_EINVAL, l);
    }
    int lend_items(eddy::loan<T> &l, deadline until, std::size_t count) noexcept
    {
        if constexpr (!element::aligned_anyway)
            return lend(l, until, loan_options(), count);
        else
            return begun(handle_ ? eddy_writer_loan(handle_, bytes(count), until.at(), &l.raw_)
                                 : EDDY_EINVAL,
                         l);
    }
    int begun(int error, eddy::loan<T> &l) noexcept
    {
        if (error == EDDY_OK) {
            l.writer_ = handle_;
            element::begin(l.raw_.data, l.raw_.size / sizeof(item));
        }
        return error;
    }
    result<void> copy(const item *values, std::size_t count, deadline until) noexcept
    {
        if constexpr (element::aligned_anyway) {
            return handle_ ? eddy_writer_write(handle_, values, bytes(count), until.at())
                           : EDDY_EINVAL;
        } else {
            eddy::loan<T> l;
            int error = lend_items(l, until, count);
            if (error == EDDY_OK && count > 0)
                std::memcpy(l.place(), values, bytes(count));
            return error == EDDY_OK ? l.publish(until) : error;
        }
    }
};

/* --- reading --------------------------------------------------------------------------------- */

template <class T> class reader;

/* What was published, read where it lies: `*sample` and `sample->member` are a const T; of a T[] it is
 * a container.  Given back when it ends. */
template <class T>
class sample : public detail::view<sample<T>, T, const typename detail::element<T>::type>
{
  public:
    sample() noexcept
    {
        raw_.data = nullptr;
        raw_.size = 0;
    }
#ifdef __cpp_exceptions
    /* As reader::take(...).value(), made in place. */
    explicit sample(reader<T> &from)
    {
        if (int error = from.fill(*this))
            throw failure(error);
    }
    sample(reader<T> &from, deadline until)
    {
        if (int error = from.fill(*this, until))
            throw failure(error);
    }
#endif
    sample(sample &&other) noexcept
    {
        take_from(other);
    }
    sample &operator=(sample &&other) noexcept
    {
        if (this != &other) {
            (void)release();
            take_from(other);
        }
        return *this;
    }
    ~sample()
    {
        (void)release();
    }
    explicit operator bool() const noexcept
    {
        return reader_ != nullptr;
    }
    result<void> release() noexcept
    {
        return reader_ ? eddy_reader_release(std::exchange(reader_, nullptr), &raw_) : EDDY_OK;
    }
    std::uint64_t sn() const noexcept
    {
        return raw_.sn;
    }
    /* EDDY_WITH_*: which of the next three go with it. */
    std::uint32_t with() const noexcept
    {
        return raw_.with;
    }
    std::uint64_t word() const noexcept
    {
        return raw_.word;
    }
    std::chrono::steady_clock::time_point time() const noexcept
    {
        return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(raw_.time));
    }
    span<const std::uint8_t> key() const noexcept
    {
        return span<const std::uint8_t>(raw_.key, raw_.key ? std::size_t{16} : std::size_t{0});
    }
    span<const std::byte> header() const noexcept
    {
        return span<const std::byte>(static_cast<const std::byte *>(raw_.header),
                                     raw_.header ? raw_.header_size : 0);
    }
    /* Who wrote it, its tag, and so on. */
    const ::eddy_sample &raw() const noexcept
    {
        return raw_;
    }
    const void *place() const noexcept
    {
        return raw_.data;
    }

  private:
    friend class reader<T>;
    void take_from(sample &other) noexcept
    {
        reader_ = std::exchange(other.reader_, nullptr);
        raw_ = reader_ ? other.raw_ : decltype(raw_){};
    }
    ::eddy_reader *reader_ = nullptr;
    ::eddy_sample raw_; /* as of a loan */
};

/* Up to N samples that are taken, and given back, at once: reader::take_many.  [i] is a const T&, or a
 * span. */
template <class T, std::size_t N> class samples
{
  public:
    samples() noexcept
    {
    }
    samples(const samples &) = delete;
    samples &operator=(const samples &) = delete;
    ~samples()
    {
        (void)release();
    }
    std::size_t size() const noexcept
    {
        return count_;
    }
    decltype(auto) operator[](std::size_t index) const noexcept
    {
        const ::eddy_sample &raw = raw_[index];
        return detail::content<T, const typename detail::element<T>::type>::at(
            const_cast<void *>(raw.data), raw.size);
    }
    auto begin() const noexcept
    {
        return detail::walk<samples>(this, 0);
    }
    auto end() const noexcept
    {
        return detail::walk<samples>(this, size());
    }
    const ::eddy_sample &raw(std::size_t index) const noexcept
    {
        return raw_[index];
    }
    result<void> release() noexcept
    {
        std::size_t count = std::exchange(count_, 0);
        return count > 0 ? eddy_reader_release_many(reader_, raw_, count) : EDDY_OK;
    }

  private:
    friend class reader<T>;
    ::eddy_reader *reader_ = nullptr;
    std::size_t count_ = 0;
    ::eddy_sample raw_[N]; /* set up to count_ */
};

/* Takes samples of type T, or T[].  What another program published of another size is refused with
 * EDDY_ETYPE, and gone: the next call goes on. */
template <class T> class reader : public detail::owner<::eddy_reader, eddy_reader_close>
{
    using element = detail::element<T>;
    using item = typename element::type;

  public:
    using owner::owner;
    static result<reader> open(domain &d, const ::eddy_topic_identity &topic,
                               const ::eddy_reader_options &options = reader_options()) noexcept
    {
        return result<reader>::of(
            [&](reader &r) { return eddy_reader_open(d.get(), &topic, &options, &r.handle_); });
    }
    static result<reader> open(domain &d, const char *name,
                               const ::eddy_reader_options &options = reader_options()) noexcept
    {
        return open(d, eddy::topic(name), options);
    }
    /* By the path of a flink, as a participant of its own. */
    static result<reader> attach(const char *flink_path,
                                 const ::eddy_reader_options &options = reader_options()) noexcept
    {
        return result<reader>::of([&](reader &r) {
            return eddy_reader_attach(nullptr, flink_path, &options, &r.handle_);
        });
    }
    result<sample<T>> take() noexcept
    {
        return result<sample<T>>::of([&](sample<T> &s) { return fill(s); });
    }
    /* Waits for a sample, and takes it. */
    result<sample<T>> take(deadline until) noexcept
    {
        return result<sample<T>>::of([&](sample<T> &s) { return fill(s, until); });
    }
    result<sample<T>> take_latest() noexcept
    {
        return result<sample<T>>::of([&](sample<T> &s) {
            return begun(handle_ ? eddy_reader_take_latest(handle_, &s.raw_) : EDDY_EINVAL, s);
        });
    }
    /* Gives back what the group has, then fills it with up to N; how many.  EDDY_ETYPE: some were of
     * another size, and are gone; the others are in the group. */
    template <std::size_t N> result<std::size_t> take_many(samples<T, N> &group) noexcept
    {
        return result<std::size_t>::of([&](std::size_t &got) -> int {
            (void)group.release();
            std::size_t count = 0;
            int error =
                handle_ ? eddy_reader_take_many(handle_, group.raw_, N, &count) : EDDY_EINVAL;
            group.reader_ = handle_;
            for (std::size_t i = 0; i < count; i++)
                if (fits(group.raw_[i]))
                    keep(group, i);
                else
                    (void)eddy_reader_release(handle_, &group.raw_[i]);
            got = group.count_;
            return got < count ? static_cast<int>(EDDY_ETYPE) : error;
        });
    }
    result<void> wait(deadline until) noexcept
    {
        return handle_ ? eddy_reader_wait(handle_, until.at()) : EDDY_EINVAL;
    }
    bool ready() const noexcept
    {
        return handle_ && eddy_reader_ready(handle_);
    }
    /* Its samples stay; it is closed after them. */
    result<void> stop() noexcept
    {
        return handle_ ? eddy_reader_stop(handle_) : EDDY_EINVAL;
    }
    std::uint64_t lost() const noexcept
    {
        return handle_ ? eddy_reader_lost(handle_) : 0;
    }
    std::uint32_t depth() const noexcept
    {
        return handle_ ? eddy_reader_depth(handle_) : 0;
    }
    std::uint64_t participant() const noexcept
    {
        return handle_ ? eddy_reader_participant(handle_) : 0;
    }
    bool knows_writer(const sample<T> &of) const noexcept
    {
        return handle_ && eddy_reader_knows_writer(handle_, &of.raw());
    }

  private:
    friend class sample<T>;
    int fill(sample<T> &s) noexcept
    {
        return begun(handle_ ? eddy_reader_take(handle_, &s.raw_) : EDDY_EINVAL, s);
    }
    int fill(sample<T> &s, deadline until) noexcept
    {
        int error = fill(s);
        while (error == EDDY_EAGAIN && until.at() != EDDY_POLL) {
            error = eddy_reader_wait(handle_, until.at());
            if (error == EDDY_OK)
                error = fill(s);
        }
        return error;
    }
    static bool fits(const ::eddy_sample &raw) noexcept
    {
        return element::fits(raw.data, raw.size);
    }
    template <std::size_t N> static void keep(samples<T, N> &group, std::size_t i) noexcept
    {
        if (i != group.count_)
            group.raw_[group.count_] = group.raw_[i];
        group.count_++;
    }
    int begun(int error, sample<T> &s) noexcept
    {
        if (error == EDDY_OK)
            s.reader_ = handle_;
        if (error == EDDY_OK && !fits(s.raw_)) {
            (void)s.release();
            error = EDDY_ETYPE;
        }
        return error;
    }
};

/* --- waiting for many ---------------------------------------------------------------------------- */

class event : public detail::owner<::eddy_event, eddy_event_close>
{
  public:
    using owner::owner;
    static result<event> open() noexcept
    {
        return result<event>::of([](event &e) { return eddy_event_open(&e.handle_); });
    }
    /* Async-signal-safe. */
    void trigger() const noexcept
    {
        if (handle_)
            eddy_event_trigger(handle_);
    }
    bool triggered() const noexcept
    {
        return handle_ && eddy_event_triggered(handle_);
    }
    void reset() const noexcept
    {
        if (handle_)
            eddy_event_reset(handle_);
    }
};

enum class mode : std::uint32_t { level = EDDY_WAIT_LEVEL, edge = EDDY_WAIT_EDGE };

/* What is attached may be moved; it is known by its handle, r.get(). */
class waitset : public detail::owner<::eddy_waitset, eddy_waitset_close>
{
  public:
    using owner::owner;
    static result<waitset> open(domain &d) noexcept
    {
        return result<waitset>::of(
            [&](waitset &w) { return eddy_waitset_open(d.get(), &w.handle_); });
    }
    /* wait reports r.get(). */
    template <class T> result<void> attach(reader<T> &r, mode how = mode::level) noexcept
    {
        return attach(r, how, r.get());
    }
    template <class T> result<void> attach(reader<T> &r, mode how, void *context) noexcept
    {
        return handle_ && r ? eddy_waitset_attach_reader(handle_, r.get(),
                                                         static_cast<std::uint32_t>(how), context)
                            : EDDY_EINVAL;
    }
    result<void> attach(event &e, mode how = mode::level) noexcept
    {
        return attach(e, how, e.get());
    }
    result<void> attach(event &e, mode how, void *context) noexcept
    {
        return handle_ && e ? eddy_waitset_attach_event(handle_, e.get(),
                                                        static_cast<std::uint32_t>(how), context)
                            : EDDY_EINVAL;
    }
    template <class T> result<void> detach(reader<T> &r) noexcept
    {
        return handle_ && r ? eddy_waitset_detach_reader(handle_, r.get()) : EDDY_EINVAL;
    }
    result<void> detach(event &e) noexcept
    {
        return handle_ && e ? eddy_waitset_detach_event(handle_, e.get()) : EDDY_EINVAL;
    }
    /* A descriptor of others, with the events of poll(2); level by level. */
    result<void> attach(int fd, std::uint32_t events, void *context) noexcept
    {
        return handle_ ? eddy_waitset_attach_fd(handle_, fd, events, context) : EDDY_EINVAL;
    }
    result<void> detach(int fd) noexcept
    {
        return handle_ ? eddy_waitset_detach_fd(handle_, fd) : EDDY_EINVAL;
    }
    /* The contexts of what is ready: the first ones of `room`. */
    result<span<void *>> wait(deadline until, span<void *> room) noexcept
    {
        return result<span<void *>>::of([&](span<void *> &ready) -> int {
            std::size_t count = 0;
            int error =
                handle_ ? eddy_waitset_wait(handle_, until.at(), room.data(), room.size(), &count)
                        : EDDY_EINVAL;
            ready = room.first(count);
            return error;
        });
    }
    /* For event loops. */
    result<int> fd() noexcept
    {
        return result<int>::of(
            [&](int &fd) -> int { return handle_ ? eddy_waitset_fd(handle_, &fd) : EDDY_EINVAL; });
    }
};

/* --- calls: owners; what they do, the functions of eddy/call.h do, with get() ---------------------- */

class client : public detail::owner<::eddy_client, eddy_client_close>
{
  public:
    using owner::owner;
    static result<client> open(domain &d, const ::eddy_topic_identity &service,
                               const ::eddy_client_options &options = client_options()) noexcept
    {
        return result<client>::of(
            [&](client &c) { return eddy_client_open(d.get(), &service, &options, &c.handle_); });
    }
};

class server : public detail::owner<::eddy_server, eddy_server_close>
{
  public:
    using owner::owner;
    static result<server> open(domain &d, const ::eddy_topic_identity &service,
                               const ::eddy_server_options &options = server_options()) noexcept
    {
        return result<server>::of(
            [&](server &s) { return eddy_server_open(d.get(), &service, &options, &s.handle_); });
    }
};

} /* namespace cxx17 or cxx20 */
} /* namespace eddy */

#endif
