// Median filtering of the flow between the solver's outer iterations (Sun, Roth, Black 2010).
#pragma once

#include "solver_state.h"

// Replaces each value of each flow component by the median of the 5 x 5 values around it. The border
// values are repeated beyond the image. Values are rounded to 1/32767 of the greatest.
void filter_median(SolverState& state);
