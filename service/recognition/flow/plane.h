// A picture of floats: one channel, rows one after another.
#pragma once

#include <cstddef>
#include <vector>

struct Plane {
    int width = 0;
    int height = 0;
    std::vector<float> values;

    Plane() = default;
    Plane(int width, int height)
        : width(width), height(height), values(static_cast<std::size_t>(width) * height) {}

    float* row(int y) { return values.data() + static_cast<std::size_t>(y) * width; }
    const float* row(int y) const { return values.data() + static_cast<std::size_t>(y) * width; }
};
