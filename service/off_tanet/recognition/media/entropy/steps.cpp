#include "steps.h"

#include <cstdint>
#include <cstdlib>

namespace {

constexpr std::size_t SHORTEST = 4;       // blocks of a row on each side of the place
constexpr int MOST_PLACES = 2000;         // looked at closely: a picture of noise has more
// So many of the blocks agree, within this part of the shift. Measured: 2 of 1,960 whole JPEGs are
// suspected; of 200 changed bytes, 2 pass that spoil more than a twentieth of the picture.
constexpr double ALIKE = 0.6, NEAR = 0.4;

class Levels {
public:
    Levels(const std::vector<int>& levels, std::size_t width)
        : levels_(levels), width_(width), sums_(levels.size() + 1, 0) {
        for (std::size_t i = 0; i < levels.size(); ++i) sums_[i + 1] = sums_[i] + above(i);
    }

    // The change from the block above.
    int above(std::size_t i) const { return i < width_ ? 0 : levels_[i] - levels_[i - width_]; }

    // The mean change over a row's length from `i` on.
    double mean(std::size_t i) const {
        return static_cast<double>(sums_[i + width_] - sums_[i]) / static_cast<double>(width_);
    }

    // The part of the blocks from `from` to `to` whose change is `shift`, about.
    double agreeing(std::size_t from, std::size_t to, double shift, double tolerance) const {
        std::size_t count = 0;
        for (std::size_t i = from; i < to; ++i) count += std::abs(above(i) - shift) <= tolerance;
        return static_cast<double>(count) / static_cast<double>(to - from);
    }

    int before(std::size_t i) const { return levels_[i] - levels_[i - 1]; }

private:
    const std::vector<int>& levels_;
    std::size_t width_;
    std::vector<std::int64_t> sums_;
};

}  // namespace

bool shifted(const std::vector<int>& levels, std::size_t width, std::size_t height, int least) {
    if (width < 2 * SHORTEST || height < 3) return false;
    const Levels all(levels, width);
    int places = 0;
    for (std::size_t y = 1; y + 1 < height; ++y) {
        for (std::size_t x = SHORTEST; x + SHORTEST <= width; ++x) {
            const std::size_t i = y * width + x;
            const double shift = all.mean(i), tolerance = NEAR * std::abs(shift);
            if (std::abs(shift) < least || all.before(i) * shift < 0) continue;
            if (std::abs(shift) < std::abs(all.mean(i - 1)) ||
                std::abs(shift) < std::abs(all.mean(i + 1))) {
                continue;
            }
            if (++places > MOST_PLACES) return false;
            const std::size_t row = y * width, next = row + width;
            if (all.agreeing(i, next, shift, tolerance) >= ALIKE &&
                all.agreeing(next, i + width, shift, tolerance) >= ALIKE &&
                all.agreeing(row, i, 0, tolerance) >= ALIKE &&
                all.agreeing(i + width, next + width, 0, tolerance) >= ALIKE) {
                return true;
            }
        }
    }
    return false;
}
