// Vectors of one width, chosen at compile time: VECTOR_BYTES is 16, 32 or 64.
//
// The compiler's vector extensions make the arithmetic portable. Only the estimate of 1/sqrt(x) and
// the access to a neighbour in a row have variants for some processors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

constexpr int lanes = VECTOR_BYTES / sizeof(float);

typedef float Floats __attribute__((vector_size(VECTOR_BYTES)));
typedef std::int32_t Ints __attribute__((vector_size(VECTOR_BYTES)));
using Lanes = std::make_integer_sequence<int, lanes>;

template <typename Vector, typename Element>
inline Vector load(const Element* from) {
    Vector result;
    std::memcpy(&result, from, sizeof result);
    return result;
}

template <typename Vector, typename Element>
inline void store(Element* to, Vector value) {
    std::memcpy(to, &value, sizeof value);
}

inline Floats splat(float value) { return value - Floats{}; }

template <int... i>
constexpr Floats count(std::integer_sequence<int, i...>) {
    return Floats{static_cast<float>(i)...};
}

// The column of each lane where the first lane is at column x.
inline Floats columns_from(int x) {
    return count(Lanes()) + static_cast<float>(x);
}

template <typename Value>
constexpr Value least(Value a, Value b) {
    return a < b ? a : b;
}

template <typename Value>
constexpr Value greatest(Value a, Value b) {
    return a > b ? a : b;
}

inline Floats clamp(Floats x, Floats low, Floats high) { return greatest(least(x, high), low); }

inline float sum(Floats values) {
    float result = 0;
    for (int lane = 0; lane < lanes; ++lane) result += values[lane];
    return result;
}

inline float maximum(Floats values) {
    float result = values[0];
    for (int lane = 1; lane < lanes; ++lane) result = greatest(result, values[lane]);
    return result;
}

// The values at the given places of two concatenated vectors.
template <int... places>
inline Floats pick(Floats low, Floats high, std::integer_sequence<int, places...>) {
#if defined(__clang__)
    return __builtin_shufflevector(low, high, places...);
#else
    return __builtin_shuffle(low, high, Ints{places...});
#endif
}

template <int run, int first, int... i>
constexpr auto alternate(std::integer_sequence<int, i...>) {
    return std::integer_sequence<int, ((2 * (i / run) + first) * run + i % run)...>();
}

// Every second run of values of two concatenated vectors, starting with the run `first`.
template <int run, int first>
inline Floats every_other(Floats low, Floats high) {
    return pick(low, high, alternate<run, first>(Lanes()));
}

template <int first, int... i>
constexpr auto from(std::integer_sequence<int, i...>) {
    return std::integer_sequence<int, (first + i)...>();
}

// The left neighbour of each lane; `before` is the previous vector in the row.
inline Floats left_of(Floats here, Floats before) {
#if VECTOR_BYTES == 64 && defined(__AVX512F__)
    // One instruction; the compiler would emit a table look-up and a copy.
    return (Floats)_mm512_maskz_alignr_epi32(0xffff, (__m512i)here, (__m512i)before, lanes - 1);
#else
    return pick(before, here, from<lanes - 1>(Lanes()));
#endif
}

// The right neighbour of each lane; `after` is the next vector in the row.
inline Floats right_of(Floats here, Floats after) {
#if VECTOR_BYTES == 64 && defined(__AVX512F__)
    return (Floats)_mm512_maskz_alignr_epi32(0xffff, (__m512i)after, (__m512i)here, 1);
#else
    return pick(here, after, from<1>(Lanes()));
#endif
}

// 1 / sqrt(x), to three or more digits.
inline Floats inverse_root(Floats x) {
#if VECTOR_BYTES == 64 && defined(__AVX512F__)
    return (Floats)_mm512_maskz_rsqrt14_ps(0xffff, (__m512)x);
#elif VECTOR_BYTES == 32 && defined(__AVX__)
    return (Floats)_mm256_rsqrt_ps((__m256)x);
#elif VECTOR_BYTES == 16 && defined(__SSE2__)
    return (Floats)_mm_rsqrt_ps((__m128)x);
#elif VECTOR_BYTES == 16 && defined(__aarch64__)
    const float32x4_t estimate = vrsqrteq_f32((float32x4_t)x);
    return (Floats)vmulq_f32(estimate, vrsqrtsq_f32(vmulq_f32((float32x4_t)x, estimate), estimate));
#else
    Floats result;
    for (int lane = 0; lane < lanes; ++lane) result[lane] = 1 / __builtin_sqrtf(x[lane]);
    return result;
#endif
}
