// The apex frame seen through the flow, linearised for the solver.
#pragma once

#include "plane.h"

struct Gradient {
    Plane x;
    Plane y;
};

// Central differences; the border pixel goes on beyond the picture.
Gradient central_gradient(const Plane& image);

// rho(u, v) = residual + ix * u + iy * v is the brightness difference the flow should remove.
struct Linearised {
    Plane ix;
    Plane iy;
    Plane residual;
};

// Warps the apex frame and its gradient by the flow: bicubic, zero outside the picture.
Linearised linearise(const Plane& onset, const Plane& apex, const Gradient& apex_gradient,
                     const Plane& u, const Plane& v);
