/* support.hpp - checks and a private domain folder, for tests in C++ (those of C are no C++).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_CPP_SUPPORT_HPP
#define EDDY_TESTS_CPP_SUPPORT_HPP

#include <eddy/eddy.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ftw.h>

/* How long anything may take before it counts as hung. */
inline constexpr std::chrono::seconds patience{30};

inline bool check_failed;

inline void check_that(bool holds, const char *text, const char *file, int line)
{
    if (holds)
        return;
    std::fprintf(stderr, "%s:%d: %s: does not hold (%s)\n", file, line, text, eddy_last_error());
    check_failed = true;
}
#define CHECK(...) check_that(bool(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
/* The call's result has no value, for this reason. */
#define CHECK_FAILS(call, code) CHECK((call).error() == (code))

/* A folder that EDDY_DIR names; all must have gone from it at the end. */
class world
{
  public:
    world()
    {
        unsetenv("EDDY_LOG");
        unsetenv("EDDY_MAX_BYTES");
        unsetenv("EDDY_SPIN");
        CHECK(mkdtemp(dir_) && setenv("EDDY_DIR", dir_, 1) == 0);
    }
    world(const world &) = delete;
    world &operator=(const world &) = delete;
    ~world()
    {
        nftw(dir_, look, 16, FTW_DEPTH | FTW_PHYS);
    }

  private:
    static int look(const char *path, const struct stat *, int kind, struct FTW *)
    {
        check_that(kind != FTW_F, path, "left behind", 0);
        return std::remove(path);
    }
    char dir_[40] = "/dev/shm/eddy-test-XXXXXX";
};

struct cpp_test {
    const char *name;
    void (*run)();
};
#define CPP_TEST(function)                                                                         \
    {                                                                                              \
#function, function                                                                        \
    }

template <std::size_t N> int run_tests(const cpp_test (&tests)[N])
{
    int failed = 0;
    for (const cpp_test &test : tests) {
        check_failed = false;
        try {
            world here;
            test.run();
        } catch (const std::exception &e) {
            check_that(false, e.what(), test.name, 0);
        }
        std::printf("[%s] %s\n", check_failed ? "FAILED" : "  OK  ", test.name);
        failed += check_failed;
    }
    return failed != 0;
}

#endif
