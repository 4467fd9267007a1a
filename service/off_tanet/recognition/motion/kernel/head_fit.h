// The motion of a rigid head that the motions of the cells of a face follow; head_motion.py has the
// method.
#pragma once

#include <cstdint>

constexpr int head_terms = 4;  // x, y, 1 and the depth

struct Head {
    const double* terms;         // of each cell that counts, [4, count]
    const std::int32_t* places;  // of these cells among all, [count]
    int count;
};

// Fits a matrix [2, 4] to u and v of all cells, [cells, 2].
void fit_head(const Head& head, const double* motion, double* matrix);
