// The library's C interface.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <thread>
#include <vector>

#include "tvl1.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

// The flows [pairs, 2, height, width] of pairs of grey pictures, each [pairs, height, width], on up to
// `threads` threads. Returns 0, or 1 when memory ran out.
EXPORTED int off_tanet_tvl1(const std::uint8_t* onsets, const std::uint8_t* apexes, int pairs,
                            int width, int height, int threads, float* flows) {
    const std::size_t area = static_cast<std::size_t>(width) * height;
    std::atomic<int> next{0};
    std::atomic<int> failed{0};
    const auto work = [&] {
        try {
            Workspace workspace(width, height);
            for (int pair; (pair = next++) < pairs;) {
                tvl1(onsets + pair * area, apexes + pair * area, width, height, workspace,
                     flows + pair * area * 2);
            }
        } catch (const std::bad_alloc&) {
            failed = 1;
        }
    };
    std::vector<std::thread> helpers;
    try {
        for (int i = 1; i < std::min(threads, pairs); ++i) helpers.emplace_back(work);
    } catch (const std::exception&) {
        // With fewer threads than asked for the work is the same.
    }
    work();
    for (std::thread& helper : helpers) helper.join();
    return failed;
}

// Whether this processor can run the library built under that name.
EXPORTED int off_tanet_runs([[maybe_unused]] const char* build) {
#if defined(__x86_64__)
    if (std::strcmp(build, "avx2") == 0) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
    if (std::strcmp(build, "avx512") == 0) {
        return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    }
#endif
    return std::strcmp(build, "generic") == 0;
}
