// One warp's flow, by the primal-dual iteration of Zach, Pock and Bischof (2007).
#pragma once

#include "plane.h"
#include "warp.h"

// What TV-L1 minimises and when it is content; the values are OpenCV's defaults.
struct Parameters {
    float tau = 0.25f;      // dual step
    float lambda = 0.15f;   // weight of the brightness difference
    float theta = 0.3f;     // how tightly the two halves of the energy are coupled
    float epsilon = 0.01f;  // stop when the flow moves less than this, in pixels (root mean square)
    int outer_iterations = 10;  // each begins with a median filter
    int inner_iterations = 30;
};

// The flow and the dual variables of its two components, kept from warp to warp.
struct State {
    Plane u, v;
    Plane pu_x, pu_y, pv_x, pv_y;

    State(Plane u, Plane v);
};

void solve(const Linearised& data, const Parameters& parameters, State& state);
