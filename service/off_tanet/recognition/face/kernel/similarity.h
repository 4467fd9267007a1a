// The fit of a similarity between points; alignment.py has the method.
#pragma once

#include <cstdint>

struct Target {
    const double* x;             // of the points that count, [count]
    const double* y;
    const std::int32_t* places;  // of these points among all, [count]
    int count;
    int steps;                   // fits, each but the first with weights of what the one before leaves
};

// Fits the transform [2, 3] from points to the target. Returns whether there is one: points that are
// all one point have none.
bool fit_similarity(const Target& target, const double* x, const double* y, double* transform);
