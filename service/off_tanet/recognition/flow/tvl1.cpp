// Zach, Pock, Bischof 2007; Sanchez, Meinhardt-Llopis, Facciolo, IPOL 2013; with the parameters and
// the conventions of OpenCV-contrib's DualTVL1OpticalFlow.
#include "tvl1.h"

#include <cstddef>
#include <memory>
#include <memory_resource>

#include "arena.h"
#include "plane.h"
#include "pyramid.h"
#include "solver.h"
#include "solver_state.h"
#include "warp.h"

namespace {

constexpr int warps = 5;

using Memory = std::pmr::memory_resource*;

struct Field {
    Plane u;
    Plane v;

    Field(int width, int height, Memory memory)
        : u(width, height, memory), v(width, height, memory) {}
};

void load_flow(const Field& field, SolverState& state) {
    for (int y = 0; y < state.height(); ++y) {
        for (int i = 0; i < state.cells(); ++i) {
            const Ints inside = state.stripes().inside(i);
            Cell& cell = state.row(y)[i];
            cell.u = inside ? state.stripes().gather(field.u.row(y), i) : Floats{};
            cell.v = inside ? state.stripes().gather(field.v.row(y), i) : Floats{};
        }
    }
}

void store_flow(SolverState& state, Field& field) {
    for (int y = 0; y < state.height(); ++y) {
        for (int i = 0; i < state.cells(); ++i) {
            state.stripes().scatter(state.row(y)[i].u, field.u.row(y), i);
            state.stripes().scatter(state.row(y)[i].v, field.v.row(y), i);
        }
    }
}

// Refines the flow at one scale.
void refine(const Plane& onset, const Plane& apex, Field& flow, Memory memory) {
    SolverState state(onset.width(), onset.height(), memory);
    const Warp warp(onset, apex, memory);
    load_flow(flow, state);
    for (int i = 0; i < warps; ++i) {
        warp.linearise(state);
        solve(state);
    }
    store_flow(state, flow);
}

Field enlarged(const Field& flow, const Plane& finer, Memory memory) {
    Field result(finer.width(), finer.height(), memory);
    resize(flow.u, result.u, 1 / scale_step);
    resize(flow.v, result.v, 1 / scale_step);
    return result;
}

void write(const Plane& plane, float* out) {
    for (int y = 0; y < plane.height(); ++y) {
        const float* row = plane.row(y);
        for (int x = 0; x < plane.width(); ++x) *out++ = row[x] * pixels_per_unit;
    }
}

}  // namespace

void tvl1(const std::uint8_t* onset_pixels, const std::uint8_t* apex_pixels, int width, int height,
          float* flow) {
    // One block for the whole call: `lasting` holds what every scale uses, `passing` one scale at a
    // time. Both sizes are estimates; an arena that is full allocates more.
    const std::size_t area = static_cast<std::size_t>(width + 32) * (height + 8);
    const std::size_t lasting_bytes = area * 56;
    const std::size_t scale_bytes = area * (sizeof(Cell) / lanes + 5 * sizeof(float));
    const std::unique_ptr<std::byte[]> block(new std::byte[lasting_bytes + scale_bytes]);
    Arena lasting(block.get(), lasting_bytes);
    const auto onset = pyramid(onset_pixels, width, height, &lasting);
    const auto apex = pyramid(apex_pixels, width, height, &lasting);
    Field field(onset.back().width(), onset.back().height(), &lasting);
    for (std::size_t scale = onset.size() - 1;; --scale) {
        // Each scale reuses the memory of the previous one, which the caches still hold.
        Arena passing(block.get() + lasting_bytes, scale_bytes);
        refine(onset[scale], apex[scale], field, &passing);
        if (scale == 0) break;
        field = enlarged(field, onset[scale - 1], &lasting);
    }
    write(field.u, flow);
    write(field.v, flow + static_cast<std::size_t>(width) * height);
}
