// Median filtering of the flow between the solver's rounds (Sun, Roth, Black 2010).
#pragma once

#include "solver_state.h"

// Replaces each value of one component of the flow by the median of the 5 x 5 around it; the border
// value goes on beyond the picture. Values are rounded to 1/32767 of the greatest.
void filter_median(Sheet& sheet);
