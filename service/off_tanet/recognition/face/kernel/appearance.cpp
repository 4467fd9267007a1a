#include "appearance.h"

#include <algorithm>
#include <cmath>

namespace {

constexpr int side = 112;

// The line of the mouth lies between these rows and columns.
constexpr int mouth_top = 56, mouth_bottom = 107, mouth_left = 42, mouth_right = 70;

constexpr int eye_height = 5, eye_width = 8;   // half of them, pixels
constexpr int skin_top = 12, skin_bottom = 20; // rows below the centre of the eye
constexpr float dark = 0.6f;                   // of the skin's brightness

// Grey levels of the 2nd and 98th percentile after stretching.
constexpr double low_share = 0.02, high_share = 0.98;
constexpr float darkest = 20, brightest = 220;

constexpr int block = 14;                           // pixels
constexpr int first_block = 1, last_block = 6;      // those outside show hair and background
constexpr float alike = 0.4f;  // the lowest correlation of a block that counts as unchanged
constexpr float least_contrast = 4;                 // grey levels; flatter blocks correlate by chance

// Every second pixel of a crop along both axes.
class Sample {
   public:
    explicit Sample(const float* crop) {
        float* to = levels_;
        for (int y = 0; y < side; y += 2) {
            for (int x = 0; x < side; x += 2) *to++ = crop[y * side + x];
        }
    }

    // The percentile of a share, between the two values nearest to it. Reorders the values.
    float percentile(double share) {
        const double place = share * (count - 1);
        const int rank = static_cast<int>(place);
        std::nth_element(levels_, levels_ + rank, levels_ + count);
        const float below = levels_[rank];
        const float above = *std::min_element(levels_ + rank + 1, levels_ + count);
        return below + static_cast<float>(place - rank) * (above - below);
    }

   private:
    static constexpr int count = side / 2 * side / 2;

    float levels_[count];
};

// A crop with full contrast: a veil of light must not look like closed lids or a mask.
class Evened {
   public:
    explicit Evened(const float* crop) : crop_(crop) {
        Sample sample(crop);
        low_ = sample.percentile(low_share);
        scale_ = (brightest - darkest) / std::max(sample.percentile(high_share) - low_, 1.0f);
    }

    float at(int x, int y) const {
        const float level = (crop_[y * side + x] - low_) * scale_ + darkest;
        return std::min(std::max(level, 0.0f), 255.0f);
    }

   private:
    const float* crop_;
    float low_, scale_;
};

double mouth_depth(const Evened& face) {
    constexpr int rows = mouth_bottom - mouth_top, columns = mouth_right - mouth_left;
    double levels[rows], below[rows];
    for (int i = 0; i < rows; ++i) {
        double product = 1;  // below 263 ^ 28: the sum of logarithms is that of the product
        for (int x = mouth_left; x < mouth_right; ++x) product *= face.at(x, mouth_top + i) + 8;
        levels[i] = std::log(product) / columns;
    }
    below[rows - 1] = levels[rows - 1];
    for (int i = rows - 2; i >= 0; --i) below[i] = std::max(levels[i], below[i + 1]);
    double above = levels[0], depth = 0;
    for (int i = 0; i < rows; ++i) {
        above = std::max(above, levels[i]);
        depth = std::max(depth, std::min(above, below[i]) - levels[i]);
    }
    return depth;
}

double dark_share(const Evened& face, int across, int down) {
    double skin = 0;
    for (int y = down + skin_top; y < down + skin_bottom; ++y) {
        for (int x = across - eye_width; x <= across + eye_width; ++x) skin += face.at(x, y);
    }
    const float limit = dark * skin / ((skin_bottom - skin_top) * (2 * eye_width + 1));
    int count = 0;
    for (int y = down - eye_height; y <= down + eye_height; ++y) {
        for (int x = across - eye_width; x <= across + eye_width; ++x) count += face.at(x, y) < limit;
    }
    return static_cast<double>(count) / ((2 * eye_height + 1) * (2 * eye_width + 1));
}

// The sums of the columns of a block, which the compiler adds up in parallel.
struct Columns {
    float sums[block] = {};

    float mean() const {
        float total = 0;
        for (const float sum : sums) total += sum;
        return total / (block * block);
    }
};

float mean(const float* corner) {
    Columns levels;
    for (int y = 0; y < block; ++y, corner += side) {
        for (int x = 0; x < block; ++x) levels.sums[x] += corner[x];
    }
    return levels.mean();
}

struct Comparison {
    bool is_textured, is_unlike;
};

Comparison compare(const float* before, const float* after) {
    const float level = mean(before), later_level = mean(after);
    Columns variance, later_variance, product;
    for (int y = 0; y < block; ++y, before += side, after += side) {
        for (int x = 0; x < block; ++x) {
            const float first = before[x] - level, second = after[x] - later_level;
            variance.sums[x] += first * first;
            later_variance.sums[x] += second * second;
            product.sums[x] += first * second;
        }
    }
    const float contrast = std::sqrt(variance.mean()), later_contrast = std::sqrt(later_variance.mean());
    return {std::max(contrast, later_contrast) > least_contrast,
            product.mean() < alike * contrast * later_contrast};
}

}  // namespace

Appearance appearance_of(const float* crop, const int* eyes) {
    const Evened face(crop);
    const double right = dark_share(face, eyes[0], eyes[1]), left = dark_share(face, eyes[2], eyes[3]);
    return {mouth_depth(face), (right + left) / 2};
}

double changed_share(const float* before, const float* after) {
    int changed = 0, textured = 0;
    for (int down = first_block; down <= last_block; ++down) {
        for (int across = first_block; across <= last_block; ++across) {
            const int corner = block * (down * side + across);
            const Comparison found = compare(before + corner, after + corner);
            textured += found.is_textured;
            changed += found.is_textured && found.is_unlike;
        }
    }
    return static_cast<double>(changed) / std::max(1, textured);
}
