#include "steps.h"

#include <cstdint>
#include <cstdlib>

namespace {

constexpr std::size_t MIN_BLOCKS = 4;  // in the row on each side of the position
constexpr int MAX_CANDIDATES = 2000;   // examined closely; an image of noise has more
// This share of the blocks has to agree, within a tolerance relative to the shift. Measured: 2 of 1,960
// intact JPEGs are suspected; of 200 changed bytes, 2 that damage more than a twentieth of the image
// are not detected.
constexpr double MIN_AGREEMENT = 0.6, TOLERANCE = 0.4;

class Levels {
public:
    Levels(const std::vector<int>& levels, std::size_t width)
        : levels_(levels), width_(width), sums_(levels.size() + 1, 0) {
        for (std::size_t i = 0; i < levels.size(); ++i) {
            sums_[i + 1] = sums_[i] + change_from_above(i);
        }
    }

    // Returns the change from the block above.
    int change_from_above(std::size_t i) const {
        return i < width_ ? 0 : levels_[i] - levels_[i - width_];
    }

    // Returns the mean of this change over `width` blocks from `i` on.
    double mean(std::size_t i) const {
        return static_cast<double>(sums_[i + width_] - sums_[i]) / static_cast<double>(width_);
    }

    // Returns the share of the blocks from `from` to `to` whose change is about `shift`.
    double share(std::size_t from, std::size_t to, double shift, double tolerance) const {
        std::size_t count = 0;
        for (std::size_t i = from; i < to; ++i) {
            count += std::abs(change_from_above(i) - shift) <= tolerance;
        }
        return static_cast<double>(count) / static_cast<double>(to - from);
    }

    int change_from_previous(std::size_t i) const { return levels_[i] - levels_[i - 1]; }

private:
    const std::vector<int>& levels_;
    std::size_t width_;
    std::vector<std::int64_t> sums_;
};

}  // namespace

bool has_level_shift(const std::vector<int>& levels, std::size_t width, std::size_t height,
                     int min_shift) {
    if (width < 2 * MIN_BLOCKS || height < 3) return false;
    const Levels all(levels, width);
    int candidates = 0;
    for (std::size_t y = 1; y + 1 < height; ++y) {
        for (std::size_t x = MIN_BLOCKS; x + MIN_BLOCKS <= width; ++x) {
            const std::size_t i = y * width + x;
            const double shift = all.mean(i), tolerance = TOLERANCE * std::abs(shift);
            if (std::abs(shift) < min_shift || all.change_from_previous(i) * shift < 0) continue;
            if (std::abs(shift) < std::abs(all.mean(i - 1)) ||
                std::abs(shift) < std::abs(all.mean(i + 1))) {
                continue;
            }
            if (++candidates > MAX_CANDIDATES) return false;
            const std::size_t row = y * width, next = row + width;
            if (all.share(i, next, shift, tolerance) >= MIN_AGREEMENT &&
                all.share(next, i + width, shift, tolerance) >= MIN_AGREEMENT &&
                all.share(row, i, 0, tolerance) >= MIN_AGREEMENT &&
                all.share(i + width, next + width, 0, tolerance) >= MIN_AGREEMENT) {
                return true;
            }
        }
    }
    return false;
}
