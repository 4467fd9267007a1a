// What the solver works on: for every pixel the flow, its dual variables and the line of the
// brightness that the flow should reach.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

#include "plane.h"
#include "simd.h"

// As many neighbouring pixels of a row as a vector has lanes. All their fields lie side by side, so
// that a sweep over a sheet reads memory in one stream.
//
// Flow is counted in units in which the dual step is 1 (see solver.h).
struct Cell {
    Floats u, v;
    Floats pu_x, pu_y, pv_x, pv_y;  // dual variables of u and v
    Floats nx, ny;                  // unit vector along the brightness gradient, or 0
    Floats offset;                  // flow explains the brightness where nx u + ny v = offset
    Floats reach;                   // the farthest that one step moves the flow towards that line
};

// The flow of a sheet's lanes beyond its width is kept at 0, and so are their dual variables.
class Sheet {
   public:
    Sheet(int width, int height, std::pmr::memory_resource* memory)
        : width_(width), height_(height), cells_((width + lanes - 1) / lanes),
          // A row of zeros above the first one, and a cell behind the last one that may be read.
          values_(static_cast<std::size_t>(cells_) * (height + 1) + 1, Cell{}, memory) {}

    int width() const { return width_; }
    int height() const { return height_; }
    int cells() const { return cells_; }  // in a row

    // Row -1 is above the picture and all zero.
    Cell* row(int y) { return values_.data() + static_cast<std::size_t>(cells_) * (y + 1); }

    // Which lanes of a row's cell lie in the picture, or in it with their right neighbour.
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
