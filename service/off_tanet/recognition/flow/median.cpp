#include "median.h"

#include <algorithm>
#include <cstdint>
#include <memory>

namespace {

// 16 bits are precise enough: a vector holds both components of a cell.
using Value = std::int16_t;
constexpr float most = 32767;
typedef Value Values __attribute__((vector_size(VECTOR_BYTES)));
typedef Value CellValues __attribute__((vector_size(VECTOR_BYTES / 2)));
constexpr int values = 2 * lanes;

constexpr int reach = 2;
constexpr int side = 2 * reach + 1;

template <typename T>
constexpr void order(T& low, T& high) {
    const T first = low;
    low = least(first, high);
    high = greatest(first, high);
}

template <typename T>
constexpr void sort(T (&five)[side]) {
    constexpr struct { int low, high; } network[] = {
        {0, 1}, {3, 4}, {2, 4}, {2, 3}, {0, 3}, {1, 4}, {0, 2}, {1, 3}, {1, 2},
    };
#pragma GCC unroll 9
    for (const auto [low, high] : network) order(five[low], five[high]);
}

// The median of a 5 x 5 square whose columns are sorted. When its rows are sorted too, 6 values are
// certainly not above the median and 6 not below it; the network selects the middle one of the
// other 13. It was found by a search and is proved below by the zero-one principle.
template <typename T>
constexpr T middle(T (&square)[side][side]) {
#pragma GCC unroll 5
    for (auto& row : square) sort(row);
    T left[13] = {square[0][3], square[0][4], square[1][2], square[1][3], square[1][4],
                  square[2][1], square[2][2], square[2][3], square[3][0], square[3][1],
                  square[3][2], square[4][0], square[4][1]};
    constexpr struct { int low, high; } network[] = {
        {1, 9},  {3, 11}, {1, 3}, {3, 6},  {6, 11}, {6, 9}, {3, 6}, {4, 8}, {2, 12}, {0, 10}, {6, 10},
        {4, 7},  {6, 7},  {0, 12}, {6, 12}, {5, 8}, {6, 8}, {5, 6}, {0, 6}, {2, 6},  {4, 6},
    };
#pragma GCC unroll 21
    for (const auto [low, high] : network) order(left[low], left[high]);
    return left[6];
}

// A network that is correct for zeros and ones is correct for all values (Knuth, 5.3.4).
constexpr bool sorts() {
    for (int bits = 0; bits < 1 << side; ++bits) {
        int five[side] = {};
        for (int i = 0; i < side; ++i) five[i] = bits >> i & 1;
        sort(five);
        for (int i = 1; i < side; ++i) {
            if (five[i - 1] > five[i]) return false;
        }
    }
    return true;
}
static_assert(sorts());

// A sorted column of zeros and ones is described by its number of ones, and sorting the rows makes
// the order of the columns irrelevant. So every ascending list of five numbers is a complete test.
constexpr bool finds_the_median(int column, int least_ones, int ones, const int (&numbers)[side]) {
    if (column == side) {
        int square[side][side] = {};
        for (int i = 0; i < side; ++i) {
            for (int j = 0; j < numbers[i]; ++j) square[side - 1 - j][i] = 1;
        }
        return middle(square) == (ones > side * side / 2);
    }
    for (int number = least_ones; number <= side; ++number) {
        int next[side] = {};
        for (int i = 0; i < column; ++i) next[i] = numbers[i];
        next[column] = number;
        if (!finds_the_median(column + 1, number, ones + number, next)) return false;
    }
    return true;
}
static_assert(finds_the_median(0, 0, 0, {}));

// The greatest of all |u| and |v|.
float largest(SolverState& state) {
    Floats result{};
    for (int y = 0; y < state.height(); ++y) {
        const Cell* cells = state.row(y);
        for (int i = 0; i < state.cells(); ++i) {
            result = greatest(result, greatest(cells[i].u, -cells[i].u));
            result = greatest(result, greatest(cells[i].v, -cells[i].v));
        }
    }
    return maximum(result);
}

CellValues rounded(Floats value) {
    const Floats nearest = value + (value < 0.0f ? splat(-0.5f) : splat(0.5f));
    return __builtin_convertvector(__builtin_convertvector(nearest, Ints), CellValues);
}

Floats restored(const Value* from) {
    return __builtin_convertvector(__builtin_convertvector(load<CellValues>(from), Ints), Floats);
}

// Both components of a row as integers, cell by cell, u in the lower half of each vector and v in the
// upper one. The border pixel is repeated beyond the image, for `reach` cells at both ends (where a cell
// has the values of one at the other end, shifted by a lane: see stripes.h).
class RoundedRow {
   public:
    RoundedRow(Value* row, const Stripes& stripes) : row_(row + reach * values), stripes_(stripes) {}

    void put(const Cell* cells, Floats Cell::*component, int half, float per_unit) {
        const int end = stripes_.cells();
        const float border = (cells[stripes_.last_cell()].*component)[stripes_.last_lane()];
        for (int i = 0; i < end; ++i) {
            const Floats value = stripes_.inside(i) ? cells[i].*component : splat(border);
            store(at(i, half), rounded(value * per_unit));
        }
        const Value first = *at(0, half);
        const Value last = at(stripes_.last_cell(), half)[stripes_.last_lane()];
        for (int i = 0; i < reach; ++i) {
            Value* const before = at(-1 - i, half);
            Value* const after = at(end + i, half);
            before[0] = first;
            std::copy_n(at(end - 1 - i, half), lanes - 1, before + 1);
            std::copy_n(at(i, half) + 1, lanes - 1, after);
            after[lanes - 1] = last;
        }
    }

   private:
    Value* at(int cell, int half) { return row_ + cell * values + half * lanes; }

    Value* row_;
    const Stripes& stripes_;
};

// The median filter of both components of the flow.
class Filter {
   public:
    Filter(SolverState& state, float unit)
        : state_(state), unit_(unit), vectors_(state.cells() + 2 * reach),
          rounded_(new Value[static_cast<std::size_t>(vectors_) * values * state.height()]),
          sorted_(new Value[vectors_ * values * side]) {
        for (int y = 0; y < state.height(); ++y) {
            RoundedRow row(this->row(y), state.stripes());
            row.put(state.row(y), &Cell::u, 0, 1 / unit);
            row.put(state.row(y), &Cell::v, 1, 1 / unit);
        }
    }

    void filter(int y) {
        sort_columns(y);
        Cell* cells = state_.row(y);
        for (int i = 0; i < state_.cells(); ++i) {
            Values square[side][side];
            for (int column = 0; column < side; ++column) {
                for (int k = 0; k < side; ++k) square[k][column] = load<Values>(sorted(i + column, k));
            }
            Value median[values];
            store(median, middle(square));
            const Ints inside = state_.stripes().inside(i);
            cells[i].u = inside ? unit_ * restored(median) : Floats{};
            cells[i].v = inside ? unit_ * restored(median + lanes) : Floats{};
        }
    }

   private:
    // Each column is sorted once for all five pixels whose square contains it.
    void sort_columns(int y) {
        const Value* rows[side];
        for (int i = 0; i < side; ++i) rows[i] = row(std::clamp(y + i - reach, 0, state_.height() - 1));
        for (int x = 0; x < vectors_; ++x) {
            Values column[side];
            for (int i = 0; i < side; ++i) column[i] = load<Values>(rows[i] + x * values);
            sort(column);
            for (int i = 0; i < side; ++i) store(sorted(x, i), column[i]);
        }
    }

    Value* row(int y) { return rounded_.get() + static_cast<std::size_t>(vectors_) * values * y; }
    Value* sorted(int x, int rank) { return sorted_.get() + (x * side + rank) * values; }

    SolverState& state_;
    float unit_;
    int vectors_;  // in a row
    std::unique_ptr<Value[]> rounded_;
    std::unique_ptr<Value[]> sorted_;
};

}  // namespace

void filter_median(SolverState& state) {
    constexpr float still = 1e-30f;  // a smaller flow counts as none, and is no safe divisor
    const float unit = largest(state) / most;
    if (unit < still) return;
    Filter filter(state, unit);
    for (int y = 0; y < state.height(); ++y) filter.filter(y);
}
