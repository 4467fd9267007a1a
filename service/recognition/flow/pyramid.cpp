#include "pyramid.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace {

// Where an output pixel falls between two input pixels.
struct Tap {
    int first;
    int second;
    float weight;  // of the second
};

// Pixel centres lie at half-integers; beyond the picture its border pixel goes on.
std::vector<Tap> taps(int from, int to, float ratio) {
    std::vector<Tap> result(to);
    for (int i = 0; i < to; ++i) {
        const float position = (i + 0.5f) * ratio - 0.5f;
        const float below = std::floor(position);
        const int first = static_cast<int>(below);
        result[i] = {std::clamp(first, 0, from - 1), std::clamp(first + 1, 0, from - 1),
                     position - below};
    }
    return result;
}

Plane sampled(const Plane& from, int width, int height, float x_ratio, float y_ratio, float gain) {
    Plane to(width, height);
    const std::vector<Tap> columns = taps(from.width, width, x_ratio);
    const std::vector<Tap> lines = taps(from.height, height, y_ratio);
    for (int y = 0; y < height; ++y) {
        const float* upper = from.row(lines[y].first);
        const float* lower = from.row(lines[y].second);
        float* out = to.row(y);
        for (int x = 0; x < width; ++x) {
            const auto [left, right, weight] = columns[x];
            const float above = upper[left] + weight * (upper[right] - upper[left]);
            const float below = lower[left] + weight * (lower[right] - lower[left]);
            out[x] = gain * (above + lines[y].weight * (below - above));
        }
    }
    return to;
}

// Halves go to the even neighbour, as OpenCV rounds sizes.
int scaled(int length, float step) {
    return static_cast<int>(std::nearbyint(static_cast<double>(length) * step));
}

}  // namespace

std::vector<Plane> pyramid(Plane finest, int levels, float step, int smallest) {
    std::vector<Plane> result;
    result.push_back(std::move(finest));
    while (static_cast<int>(result.size()) < levels) {
        const Plane& last = result.back();
        const int width = scaled(last.width, step);
        const int height = scaled(last.height, step);
        if (width < smallest || height < smallest) break;
        // The exact step and not the ratio of the rounded sizes, again as OpenCV does it.
        result.push_back(sampled(last, width, height, 1 / step, 1 / step, 1));
    }
    return result;
}

Plane resized(const Plane& field, int width, int height, float gain) {
    return sampled(field, width, height, static_cast<float>(field.width) / width,
                   static_cast<float>(field.height) / height, gain);
}
