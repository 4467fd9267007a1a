// Warping of the apex frame by the flow, linearised for the solver.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

#include "plane.h"
#include "solver_state.h"

// The apex frame and its gradient, laid out for sampling at any position, and the onset frame.
class Warp {
   public:
    Warp(const Plane& onset, const Plane& apex, std::pmr::memory_resource* memory);

    // Sets the brightness lines of the state: where the apex frame, warped by the flow of the state, has
    // the brightness of the onset frame. Sampling is bicubic, and zero outside the frame.
    void linearise(SolverState& state) const;

   private:
    void fill_pixels(const Plane& apex);

    int width_;
    int height_;
    std::size_t stride_;
    std::pmr::vector<Floats> onset_;  // in the order of the solver's cells
    std::pmr::vector<float> pixels_;  // value, x gradient, y gradient, 0; in a border of zeros
};
