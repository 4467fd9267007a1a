// The primal-dual iteration of Zach, Pock and Bischof (2007) for one linearised pair of frames.
#pragma once

#include "solver_state.h"

constexpr float tau = 0.25f;      // dual step
constexpr float lambda = 0.15f;   // weight of the brightness difference
constexpr float theta = 0.3f;     // coupling of the two halves of the energy
constexpr float epsilon = 0.01f;  // converged when the flow changes by less, in pixels (RMS)

// The dual step is tau / theta times the gradient of the flow in pixels.
constexpr float units_per_pixel = tau / theta;
constexpr float pixels_per_unit = theta / tau;

// Updates the flow until it has converged or the iterations are used up.
void solve(SolverState& state);
