// The C interface of the library.
#include <cstdint>
#include <cstring>
#include <new>

#include "exported.h"
#include "light.h"
#include "processor.h"
#include "tvl1.h"

// Writes the flow [2, height, width] between two grey images [height, width]. Returns 0, or 1 when
// memory ran out.
EXPORTED int off_tanet_tvl1(const std::uint8_t* onset, const std::uint8_t* apex, int width, int height,
                            float* flow) {
    try {
        tvl1(onset, apex, width, height, flow);
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}

// Writes the terms of light that match the apex to the onset, two crops [112, 112], and the difference
// that remains. `levels`, `head`, `precision` and `still` are those of `LightModel`. Returns as above.
EXPORTED int off_tanet_fit_light(const std::uint8_t* onset, const std::uint8_t* apex,
                                 const float* levels, const float* head, const double* precision,
                                 const std::uint8_t* still, double* terms, double* unmatched) {
    try {
        *unmatched = fit_light(onset, apex, {levels, head, precision, still}, terms);
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}

// Whether this processor can run the build of that name.
EXPORTED int off_tanet_runs([[maybe_unused]] const char* build) {
#if defined(__x86_64__)
    if (std::strcmp(build, "avx2") == 0) return runs_avx2();
    if (std::strcmp(build, "avx512") == 0) return runs_avx512();
#endif
    return std::strcmp(build, "generic") == 0;
}
