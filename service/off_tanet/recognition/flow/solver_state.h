// The state of the solver: for every pixel the flow, its dual variables and the brightness line, on
// which the flow explains the brightness.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

#include "plane.h"
#include "simd.h"

// As many neighbouring pixels of a row as a vector has lanes. All their fields are adjacent, so that
// an iteration reads memory in one stream.
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
        : width_(width), height_(height), cells_((width + lanes - 1) / lanes),
          // A row of zeros above the first row, and a readable cell after the last one.
          values_(static_cast<std::size_t>(cells_) * (height + 1) + 1, Cell{}, memory) {}

    int width() const { return width_; }
    int height() const { return height_; }
    int cells() const { return cells_; }  // in a row

    // Row -1 is above the image and all zero.
    Cell* row(int y) { return values_.data() + static_cast<std::size_t>(cells_) * (y + 1); }

    // The lanes of a cell that lie in the image, and those whose right neighbour does.
    Ints inside(int cell) const { return columns_from(cell * lanes) < static_cast<float>(width_); }
    Ints has_right(int cell) const {
        return columns_from(cell * lanes + 1) < static_cast<float>(width_);
    }

   private:
    int width_;
    int height_;
    int cells_;
    std::pmr::vector<Cell> values_;
};
