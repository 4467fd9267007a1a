#include "crop.h"

#include <cmath>
#include <cstring>
#include <memory>

#include "simd.h"

namespace {

constexpr int group = 4;  // pixels that are sampled together
static_assert(crop_side % group == 0);

typedef float Four __attribute__((vector_size(group * sizeof(float))));

// Repeats the first and the last value of a line beyond its ends.
void repeat_ends(float* line, int length, int reach) {
    for (int i = 1; i <= reach; ++i) {
        line[-i] = line[0];
        line[length - 1 + i] = line[length - 1];
    }
}

// Adds two rows or parts of a row. Inlined, GCC unrolls the loops around it and no longer vectorises.
template <typename Level>
__attribute__((noinline)) void add(const Level* before, const Level* after, float weight, int width,
                                   float* __restrict to) {
    for (int x = 0; x < width; ++x) to[x] += weight * (before[x] + after[x]);
}

// Filters row y of a picture along the columns.
void filter_down(const Grey& picture, const Filter& filter, int y, float* line) {
    const std::uint8_t* middle = picture.levels + y * picture.stride;
    for (int x = 0; x < picture.width; ++x) line[x] = filter.weights[0] * middle[x];
    for (int i = 1; i <= filter.reach; ++i) {
        const std::uint8_t* above = picture.levels + greatest(y - i, 0) * picture.stride;
        const std::uint8_t* below = picture.levels + least(y + i, picture.height - 1) * picture.stride;
        add(above, below, filter.weights[i], picture.width, line);
    }
}

// Filters a line, which continues beyond both ends.
void filter_across(const float* line, const Filter& filter, int width, float* to) {
    for (int x = 0; x < width; ++x) to[x] = filter.weights[0] * line[x];
    for (int i = 1; i <= filter.reach; ++i) add(line - i, line + i, filter.weights[i], width, to);
}

// A filtered picture that is sampled between its pixels, with cubic polynomials. Its border is repeated.
class Filtered {
   public:
    Filtered(const Grey& picture, const Filter& filter)
        : width_(picture.width),
          height_(picture.height),
          stride_(width_ + 2 * border),
          padded_(new float[static_cast<std::size_t>(stride_) * (height_ + 2 * border)]) {
        const std::unique_ptr<float[]> buffer(new float[width_ + 2 * filter.reach]);
        float* line = buffer.get() + filter.reach;
        for (int y = 0; y < height_; ++y) {
            filter_down(picture, filter, y, line);
            repeat_ends(line, width_, filter.reach);
            filter_across(line, filter, width_, at(0, y));
            repeat_ends(at(0, y), width_, border);
        }
        for (int i = 1; i <= border; ++i) {
            copy_row(0, -i);
            copy_row(height_ - 1, height_ - 1 + i);
        }
    }

    // Samples four places, each by the pixel before it, in both directions, and the fraction of a pixel.
    Four sample(const int* x, const int* y, const float* across, const float* down) const {
        Four shares[group], total;
        for (int i = 0; i < group; ++i) shares[i] = weighted(at(x[i] - 1, y[i] - 1), across[i], down[i]);
        for (int i = 0; i < group; ++i) {
            total[i] = (shares[i][0] + shares[i][1]) + (shares[i][2] + shares[i][3]);
        }
        return total;
    }

   private:
    static constexpr int border = 3;

    float* at(int x, int y) const {
        return padded_.get() + static_cast<std::ptrdiff_t>(y + border) * stride_ + x + border;
    }

    void copy_row(int from, int to) {
        std::memcpy(at(-border, to), at(-border, from), stride_ * sizeof(float));
    }

    // The neighbours of a place, weighted, of each column.
    Four weighted(const float* row, float across, float down) const {
        const Four weights = cubic(down);
        Four total{};
        for (int tap = 0; tap < 4; ++tap, row += stride_) total += weights[tap] * load<Four>(row);
        return total * cubic(across);
    }

    // Keys' convolution with a = -0.75, OpenCV's choice.
    static Four cubic(float t) {
        constexpr float a = -0.75f;
        constexpr Four once = {a, 0, -a, 0}, twice = {-2 * a, -(a + 3), 2 * a + 3, a};
        constexpr Four thrice = {a, a + 2, -(a + 2), -a}, constant = {0, 1, 0, 0};
        return constant + t * (once + t * (twice + t * thrice));
    }

    int width_, height_, stride_;
    std::unique_ptr<float[]> padded_;
};

// The places of a row of the crop along one axis of the picture.
struct Places {
    int whole[crop_side];
    float fraction[crop_side];

    Places(float first, float step, int length) {
        for (int i = 0; i < crop_side; ++i) {
            // From there on, all neighbours are alike.
            const float place = least(greatest(first + step * i, -2.0f), static_cast<float>(length));
            whole[i] = static_cast<int>(place + 2) - 2;  // rounds down
            fraction[i] = place - whole[i];
        }
    }
};

}  // namespace

void sample_crop(const Grey& picture, const Filter& filter, const double* transform, std::uint8_t* crop) {
    const Filtered filtered(picture, filter);
    for (int y = 0; y < crop_side; ++y, crop += crop_side) {
        const Places across(transform[1] * y + transform[2], transform[0], picture.width);
        const Places down(transform[4] * y + transform[5], transform[3], picture.height);
        for (int x = 0; x < crop_side; x += group) {
            const Four levels = filtered.sample(across.whole + x, down.whole + x, across.fraction + x,
                                                down.fraction + x);
            for (int i = 0; i < group; ++i) {
                const float level = least(greatest(levels[i], 0.0f), 255.0f);
                crop[x + i] = static_cast<std::uint8_t>(std::lrint(level));
            }
        }
    }
}
