// The apex frame seen through the flow, linearised for the solver.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

#include "plane.h"
#include "solver_state.h"

// A frame and its gradient, prepared to be read at any position.
class Warp {
   public:
    Warp(const Plane& frame, std::pmr::memory_resource* memory);

    // Sets the sheet's brightness lines: where the frame, warped by the sheet's flow, has the
    // brightness of `onset`. Bicubic, and zero outside the frame.
    void linearise(const Plane& onset, Sheet& sheet) const;

   private:
    int width_;
    int height_;
    std::size_t stride_;
    std::pmr::vector<float> pixels_;  // value, x gradient, y gradient, 0; in a border of zeros
};
