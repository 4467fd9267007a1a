#include "median.h"

#include <algorithm>
#include <vector>

namespace {

constexpr int block = 16;

// The field with a border of two repeated pixels, its width rounded up to whole blocks.
Plane bordered(const Plane& field) {
    const int padded = (field.width + block - 1) / block * block + 4;
    Plane result(padded, field.height + 4);
    for (int y = 0; y < result.height; ++y) {
        const float* from = field.row(std::clamp(y - 2, 0, field.height - 1));
        for (int x = 0; x < padded; ++x) {
            result.row(y)[x] = from[std::clamp(x - 2, 0, field.width - 1)];
        }
    }
    return result;
}

// The medians of 16 neighbours at once: of 14 values neither the least nor the greatest can be the
// median of 25, so both are forgotten and one new value enters, until three are left.
void medians(const Plane& field, int x, int y, float* out) {
    float kept[25][block];
    for (int i = 0; i < 25; ++i) {
        const float* from = field.row(y + i / 5) + x + i % 5;
        std::copy(from, from + block, kept[i]);
    }
    const auto sort_pair = [&](int low, int high) {
        for (int lane = 0; lane < block; ++lane) {
            const float a = kept[low][lane];
            const float b = kept[high][lane];
            kept[low][lane] = std::min(a, b);
            kept[high][lane] = std::max(a, b);
        }
    };
    for (int first = 0, last = 13; first <= 11; ++first) {
        for (int i = first; i < last; ++i) sort_pair(i, last);       // the greatest goes last
        for (int i = last - 1; i > first; --i) sort_pair(first, i);  // the least goes first
        if (first < 11) std::copy(kept[first + 14], kept[first + 14] + block, kept[last]);
    }
    std::copy(kept[12], kept[12] + block, out);
}

}  // namespace

Plane median_5x5(const Plane& field) {
    const Plane source = bordered(field);
    Plane result(field.width, field.height);
    float row[block];
    for (int y = 0; y < field.height; ++y) {
        for (int x = 0; x < field.width; x += block) {
            medians(source, x, y, row);
            std::copy(row, row + std::min(block, field.width - x), result.row(y) + x);
        }
    }
    return result;
}
