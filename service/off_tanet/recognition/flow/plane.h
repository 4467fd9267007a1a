// An image of floats in memory from an arena.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

class Plane {
   public:
    Plane(int width, int height, std::pmr::memory_resource* memory)
        : width_(width), height_(height), stride_(width + slack),
          values_(stride_ * height, 0.0f, memory) {}

    int width() const { return width_; }
    int height() const { return height_; }

    // A whole vector may be read or written from any pixel of a row on.
    float* row(int y) { return values_.data() + y * stride_; }
    const float* row(int y) const { return values_.data() + y * stride_; }

   private:
    static constexpr std::size_t slack = 16;

    int width_;
    int height_;
    std::size_t stride_;
    std::pmr::vector<float> values_;
};
