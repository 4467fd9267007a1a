// TV-L1 optical flow (Zach, Pock, Bischof 2007; Sanchez, Meinhardt-Llopis, Facciolo, IPOL 2013) with
// the parameters and the conventions of OpenCV-contrib's DualTVL1OpticalFlow.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "plane.h"
#include "pyramid.h"
#include "solver.h"
#include "warp.h"

namespace {

constexpr int scales = 5;
constexpr float scale_step = 0.8f;
constexpr int smallest_side = 16;
constexpr int warps = 5;

Plane to_plane(const std::uint8_t* pixels, int width, int height) {
    Plane plane(width, height);
    std::copy(pixels, pixels + plane.values.size(), plane.values.begin());
    return plane;
}

void flow(const std::uint8_t* onset_pixels, const std::uint8_t* apex_pixels, int width, int height,
          float* out) {
    const std::vector<Plane> onset =
        pyramid(to_plane(onset_pixels, width, height), scales, scale_step, smallest_side);
    const std::vector<Plane> apex =
        pyramid(to_plane(apex_pixels, width, height), scales, scale_step, smallest_side);
    Plane u(onset.back().width, onset.back().height);
    Plane v(u);
    for (std::size_t level = onset.size(); level-- > 0;) {
        State state(resized(u, onset[level].width, onset[level].height,
                            level + 1 < onset.size() ? 1 / scale_step : 1),
                    resized(v, onset[level].width, onset[level].height,
                            level + 1 < onset.size() ? 1 / scale_step : 1));
        const Gradient gradient = central_gradient(apex[level]);
        for (int warp = 0; warp < warps; ++warp) {
            solve(linearise(onset[level], apex[level], gradient, state.u, state.v), Parameters{},
                  state);
        }
        u = std::move(state.u);
        v = std::move(state.v);
    }
    std::copy(u.values.begin(), u.values.end(), out);
    std::copy(v.values.begin(), v.values.end(), out + u.values.size());
}

}  // namespace

// Two grey pictures, [height, width], to the flow [2, height, width] in pixels: u right, v down.
// Returns 0, or 1 when memory ran out.
extern "C" __attribute__((visibility("default"))) int off_tanet_tvl1(const std::uint8_t* onset, const std::uint8_t* apex, int width,
                              int height, float* out) {
    try {
        flow(onset, apex, width, height, out);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}
