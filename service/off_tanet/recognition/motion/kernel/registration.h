// Registration of successive crops of a face with a reference crop; registration.py has the method.
#pragma once

#include <cstdint>

constexpr int crop_side = 112;
constexpr int side = 56;  // samples of a crop
constexpr int cells = 14;
constexpr int samples = side * side;
constexpr int motions = 2 * cells * cells;  // u and v of each cell

// What does not change from crop to crop. All pictures are in grey levels.
struct Reference {
    const std::uint8_t* crop;   // [112, 112]
    const float* levels;        // [56, 56]
    const float* slopes;        // across and down, [2, 56, 56], 0 near the edge
    const float* light;         // the derivatives by the terms of light, [terms, 56, 56]
    const float* prior;         // the precision of the motion along one axis, [196, 196]
    const float* light_prior;   // the precision of each term, [terms]
    const float* solution;      // from the gradient to a step, symmetric, [motions + terms] twice
    int terms;
};

// The fit of the crop before, with which that of the next one begins.
struct Fit {
    float* motion;  // u and v of each cell, [196, 2], in samples
    float* terms;   // of light, [terms]
    float level;    // the mean residual before the last step
};

// Registers a crop [112, 112]. With the derivatives of the whole reference by the terms of light,
// [terms, 112, 112], the reference in its light is limited to 0 and 255, as a clipped crop is.
void register_crop(const Reference& reference, const float* fine_light, const std::uint8_t* crop, Fit& fit);
