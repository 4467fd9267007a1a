// Which instructions this processor and its operating system support.
#pragma once

#if defined(__x86_64__)

#if defined(_WIN32)
// `__builtin_cpu_supports` needs a library of the compiler that Windows does not have.
#include <cpuid.h>

#include <cstdint>

namespace processor {

struct Registers {
    unsigned a = 0, b = 0, c = 0, d = 0;
};

inline Registers query(unsigned leaf) {
    Registers found;
    __get_cpuid_count(leaf, 0, &found.a, &found.b, &found.c, &found.d);
    return found;
}

constexpr unsigned bit(int place) { return 1u << place; }
constexpr bool all(unsigned found, unsigned wanted) { return (found & wanted) == wanted; }

constexpr unsigned fma_and_osxsave = bit(12) | bit(27);                       // leaf 1, ecx
constexpr unsigned avx2 = bit(5);                                             // leaf 7, ebx
constexpr unsigned avx512 = bit(16) | bit(17) | bit(30) | bit(31);            // f, dq, bw, vl
constexpr unsigned saved_avx = bit(1) | bit(2);                               // by the system
constexpr unsigned saved_avx512 = saved_avx | bit(5) | bit(6) | bit(7);

// The registers that the operating system saves when it switches threads.
inline unsigned saved_registers() {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

inline bool runs(unsigned extensions, unsigned saved) {
    return all(query(1).c, fma_and_osxsave) && all(query(7).b, extensions) &&
           all(saved_registers(), saved);
}

}  // namespace processor

inline bool runs_avx2() { return processor::runs(processor::avx2, processor::saved_avx); }
inline bool runs_avx512() { return processor::runs(processor::avx512, processor::saved_avx512); }

#else

inline bool runs_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

inline bool runs_avx512() {
    return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

#endif
#endif
