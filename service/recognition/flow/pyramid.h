// The scales of a picture, coarse to fine, and the way of a flow field between them.
#pragma once

#include <vector>

#include "plane.h"

// The picture and its smaller versions, finest first: at most `levels`, none under `smallest` pixels.
std::vector<Plane> pyramid(Plane finest, int levels, float step, int smallest);

// The field resampled bilinearly to another size, its values times `gain`.
Plane resized(const Plane& field, int width, int height, float gain);
