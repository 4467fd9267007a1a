// The sampling of a crop from a grey picture; cropping.py has the method.
#pragma once

#include <cstddef>
#include <cstdint>

constexpr int crop_side = 112;

struct Grey {
    const std::uint8_t* levels;
    std::ptrdiff_t stride;  // from row to row
    int width, height;
};

// The weights of a symmetric filter from its middle on, [reach + 1].
struct Filter {
    const float* weights;
    int reach;
};

// Filters a picture along both axes and samples a crop [112, 112] of it with cubic polynomials. The
// transform [2, 3] leads from pixels of the crop to those of the picture, whose border is repeated.
void sample_crop(const Grey& picture, const Filter& filter, const double* transform, std::uint8_t* crop);
