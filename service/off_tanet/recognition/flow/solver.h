// The primal-dual iteration of Zach, Pock and Bischof (2007) for one linearised pair of frames.
#pragma once

#include "solver_state.h"

constexpr float tau = 0.25f;      // dual step
constexpr float lambda = 0.15f;   // weight of the brightness difference
constexpr float theta = 0.3f;     // how tightly the two halves of the energy are coupled
constexpr float epsilon = 0.01f;  // content when the flow moves less, in pixels (root mean square)

// The dual step is tau / theta times the gradient of the flow in pixels.
constexpr float units_per_pixel = tau / theta;

// Moves the sheet's flow until it is content or has used up its iterations.
void solve(Sheet& sheet);
