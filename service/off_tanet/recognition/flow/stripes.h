// How the pixels of a row are dealt to vectors, which are called cells: the row is cut into as many
// pieces as a vector has lanes, and lane l of cell i is pixel i of piece l. So the left and right
// neighbours of a cell's pixels are the cells before and after it, and no lanes are shifted but at the
// ends of a row. The layout is M. Farrar's ("Striped Smith-Waterman speeds database searches six times
// over other SIMD implementations", Bioinformatics 23, 2007).
#pragma once

#include "simd.h"

class Stripes {
   public:
    explicit Stripes(int width) : width_(width), cells_((width + lanes - 1) / lanes) {}

    int cells() const { return cells_; }  // in a row

    // The columns of a cell's lanes, and which of them are in the image.
    Floats columns(int cell) const {
        return static_cast<float>(cells_) * count(Lanes()) + static_cast<float>(cell);
    }
    Ints inside(int cell) const { return columns(cell) < static_cast<float>(width_); }

    // Where the last column is.
    int last_cell() const { return (width_ - 1) % cells_; }
    int last_lane() const { return (width_ - 1) / cells_; }

    // Which lanes of the last column's cell have a right neighbour in the image.
    Ints has_right() const { return inside(last_cell() + 1); }

    // A cell of an image's row. Reads less than a vector beyond the row's end.
    Floats gather(const float* row, int cell) const {
        Floats result;
        for (int lane = 0; lane < lanes; ++lane) result[lane] = row[lane * cells_ + cell];
        return result;
    }
    void scatter(Floats values, float* row, int cell) const {
        for (int lane = 0; lane < lanes; ++lane) row[lane * cells_ + cell] = values[lane];
    }

   private:
    int width_;
    int cells_;
};

// The left neighbours of the first cell of a row are in its last cell, one lane before; the right
// neighbours of the last cell are in the first one, one lane later. Beyond the image they are 0.
inline Floats left_of_first(Floats last) { return pick(Floats{}, last, from<lanes - 1>(Lanes())); }
inline Floats right_of_last(Floats first) { return pick(first, Floats{}, from<1>(Lanes())); }
