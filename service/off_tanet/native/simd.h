// Vectors of one width, chosen at compile time: VECTOR_BYTES is 16, 32 or 64.
//
// The compiler's vector extensions make the arithmetic portable. Only what a processor does in an
// instruction that no compiler finds has variants.
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

template <typename Value>
constexpr Value least(Value a, Value b) {
    return a < b ? a : b;
}

template <typename Value>
constexpr Value greatest(Value a, Value b) {
    return a > b ? a : b;
}

inline Floats clamp(Floats x, Floats low, Floats high) { return greatest(least(x, high), low); }

// x, clamped to -bound and bound, which must not be negative.
inline Floats limit(Floats x, Floats bound) {
#if VECTOR_BYTES == 64 && defined(__AVX512DQ__)
    constexpr int least_magnitude_with_sign_of_x = 0b0010;
    return (Floats)_mm512_range_ps((__m512)x, (__m512)bound, least_magnitude_with_sign_of_x);
#else
    return clamp(x, -bound, bound);
#endif
}

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

// 1 / (sqrt(x) + 1), to three or more digits, for x > 0. For a very small x it is exactly 1.
inline Floats inverse_root_plus_1(Floats x) {
    const Floats root = inverse_root(x);
#if VECTOR_BYTES == 64 && defined(__AVX512F__)
    // The estimate of 1/1 is exact, and that of other processors is not.
    return (Floats)_mm512_maskz_rcp14_ps(0xffff, (__m512)(x * root + 1.0f));
#else
    return root / (root + 1.0f);
#endif
}
