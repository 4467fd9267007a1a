// The state of the solver: for every pixel the flow, its dual variables and the brightness line, on
// which the flow explains the brightness.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

#include "plane.h"
#include "simd.h"
#include "stripes.h"

// As many pixels of a row as a vector has lanes, in the order of stripes.h. All their fields are
// adjacent, so that an iteration reads memory in one stream.
//
// The unit of flow is the one in which the dual step is 1 (see solver.h).
struct Cell {
    Floats u, v;
    Floats pu_x, pu_y, pv_x, pv_y;  // dual variables of u and v
    Floats nx, ny;                  // unit vector along the brightness gradient, or 0
    Floats offset;                  // the brightness line is nx u + ny v = offset
    Floats reach;                   // the most by which one step moves the flow towards the line
};

// In lanes beyond the width, the flow and the dual variables stay 0.
class SolverState {
   public:
    SolverState(int width, int height, std::pmr::memory_resource* memory)
        : width_(width), height_(height), stripes_(width),
          // A row of zeros above the first row.
          values_(static_cast<std::size_t>(cells()) * (height + 1), Cell{}, memory) {}

    int width() const { return width_; }
    int height() const { return height_; }
    const Stripes& stripes() const { return stripes_; }
    int cells() const { return stripes_.cells(); }  // in a row

    // Row -1 is above the image and all zero.
    Cell* row(int y) { return values_.data() + static_cast<std::size_t>(cells()) * (y + 1); }

   private:
    int width_;
    int height_;
    Stripes stripes_;
    std::pmr::vector<Cell> values_;
};
