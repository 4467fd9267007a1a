#include "warp.h"

#include <algorithm>
#include <cmath>

namespace {

struct Sample {
    float value;
    float ix;
    float iy;
};

// The weights of the four neighbours, Keys' cubic convolution with a = -0.75 (OpenCV's choice).
void cubic_weights(float t, float weights[4]) {
    constexpr float a = -0.75f;
    const float s = 1 - t;
    weights[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    weights[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    weights[2] = ((a + 2) * s - (a + 3)) * s * s + 1;
    weights[3] = 1 - weights[0] - weights[1] - weights[2];
}

Sample sample(const Plane& image, const Gradient& gradient, float x, float y) {
    Sample result{0, 0, 0};
    // Also sends a flow that is not a number, or far outside, to the empty border.
    if (!(x > -3 && y > -3 && x < image.width + 2 && y < image.height + 2)) return result;
    const int left = static_cast<int>(std::floor(x));
    const int top = static_cast<int>(std::floor(y));
    float across[4];
    float down[4];
    cubic_weights(x - left, across);
    cubic_weights(y - top, down);
    const int row_end = std::min(top + 3, image.height);
    const int column_end = std::min(left + 3, image.width);
    for (int row = std::max(top - 1, 0); row < row_end; ++row) {
        const float* values = image.row(row);
        const float* ix = gradient.x.row(row);
        const float* iy = gradient.y.row(row);
        for (int column = std::max(left - 1, 0); column < column_end; ++column) {
            const float weight = down[row - top + 1] * across[column - left + 1];
            result.value += weight * values[column];
            result.ix += weight * ix[column];
            result.iy += weight * iy[column];
        }
    }
    return result;
}

}  // namespace

Gradient central_gradient(const Plane& image) {
    Gradient gradient{Plane(image.width, image.height), Plane(image.width, image.height)};
    for (int y = 0; y < image.height; ++y) {
        const float* here = image.row(y);
        const float* above = image.row(std::max(y - 1, 0));
        const float* below = image.row(std::min(y + 1, image.height - 1));
        for (int x = 0; x < image.width; ++x) {
            const int left = std::max(x - 1, 0);
            const int right = std::min(x + 1, image.width - 1);
            gradient.x.row(y)[x] = 0.5f * (here[right] - here[left]);
            gradient.y.row(y)[x] = 0.5f * (below[x] - above[x]);
        }
    }
    return gradient;
}

Linearised linearise(const Plane& onset, const Plane& apex, const Gradient& apex_gradient,
                     const Plane& u, const Plane& v) {
    const int width = onset.width;
    const int height = onset.height;
    Linearised result{Plane(width, height), Plane(width, height), Plane(width, height)};
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const float dx = u.row(y)[x];
            const float dy = v.row(y)[x];
            const Sample warped = sample(apex, apex_gradient, x + dx, y + dy);
            result.ix.row(y)[x] = warped.ix;
            result.iy.row(y)[x] = warped.iy;
            result.residual.row(y)[x] =
                warped.value - warped.ix * dx - warped.iy * dy - onset.row(y)[x];
        }
    }
    return result;
}
