// Warping of the apex frame by the flow, linearised for the solver.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

#include "plane.h"
#include "solver_state.h"

// A frame and its gradient, laid out for sampling at any position.
class Warp {
   public:
    Warp(const Plane& frame, std::pmr::memory_resource* memory);

    // Sets the brightness lines of the state: where the frame, warped by the flow of the state, has
    // the brightness of `onset`. Sampling is bicubic, and zero outside the frame.
    void linearise(const Plane& onset, SolverState& state) const;

   private:
    int width_;
    int height_;
    std::size_t stride_;
    std::pmr::vector<float> pixels_;  // value, x gradient, y gradient, 0; in a border of zeros
};
