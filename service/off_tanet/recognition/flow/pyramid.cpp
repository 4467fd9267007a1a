#include "pyramid.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace {

constexpr std::size_t scales = 5;
constexpr int smallest_side = 16;

// The two input pixels between which an output pixel lies.
struct Tap {
    int first;
    int second;
    float weight;  // of the second
};

// Pixel centres lie at half-integers; the border pixel is repeated beyond the image.
std::vector<Tap> taps(int from, int to, float ratio) {
    std::vector<Tap> result(to);
    for (int i = 0; i < to; ++i) {
        const float position = (static_cast<float>(i) + 0.5f) * ratio - 0.5f;
        const float below = std::floor(position);
        const int first = static_cast<int>(below);
        result[i] = {std::clamp(first, 0, from - 1), std::clamp(first + 1, 0, from - 1),
                     position - below};
    }
    return result;
}

void resample(const Plane& from, Plane& to, float x_ratio, float y_ratio, float gain) {
    const std::vector<Tap> columns = taps(from.width(), to.width(), x_ratio);
    const std::vector<Tap> lines = taps(from.height(), to.height(), y_ratio);
    std::vector<float> blend(from.width());
    for (int y = 0; y < to.height(); ++y) {
        const auto [first, second, weight] = lines[y];
        const float* upper = from.row(first);
        const float* lower = from.row(second);
        for (int x = 0; x < from.width(); ++x) {
            blend[x] = gain * (upper[x] + weight * (lower[x] - upper[x]));
        }
        float* out = to.row(y);
        for (int x = 0; x < to.width(); ++x) {
            const float left = blend[columns[x].first];
            out[x] = left + columns[x].weight * (blend[columns[x].second] - left);
        }
    }
}

// Rounds halves to the even neighbour, as OpenCV rounds sizes.
int scaled(int length) {
    return static_cast<int>(std::nearbyint(length * static_cast<double>(scale_step)));
}

}  // namespace

std::pmr::vector<Plane> pyramid(const std::uint8_t* pixels, int width, int height,
                                std::pmr::memory_resource* memory) {
    std::pmr::vector<Plane> result(memory);
    result.reserve(scales);
    Plane& finest = result.emplace_back(width, height, memory);
    for (int y = 0; y < height; ++y) std::copy_n(pixels + y * width, width, finest.row(y));
    while (result.size() < scales) {
        const Plane& last = result.back();
        const int next_width = scaled(last.width());
        const int next_height = scaled(last.height());
        if (std::min(next_width, next_height) < smallest_side) break;
        Plane& next = result.emplace_back(next_width, next_height, memory);
        // The exact step, not the ratio of the rounded sizes, as in OpenCV.
        resample(last, next, 1 / scale_step, 1 / scale_step, 1);
    }
    return result;
}

void resize(const Plane& from, Plane& to, float gain) {
    resample(from, to, static_cast<float>(from.width()) / static_cast<float>(to.width()),
             static_cast<float>(from.height()) / static_cast<float>(to.height()), gain);
}
