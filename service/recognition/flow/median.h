// Median filtering of a flow field between the solver's rounds (Sun, Roth, Black 2010).
#pragma once

#include "plane.h"

// The 5 x 5 median of each pixel; the border pixel goes on beyond the field.
Plane median_5x5(const Plane& field);
