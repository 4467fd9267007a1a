#include "median.h"

#include <algorithm>
#include <cstdint>
#include <memory>

namespace {

// 16 bits are precise enough, and a vector compares twice as many of them as of floats.
using Value = std::int16_t;
constexpr float most = 32767;
typedef Value Values __attribute__((vector_size(VECTOR_BYTES)));
typedef Value CellValues __attribute__((vector_size(VECTOR_BYTES / 2)));
constexpr int values = VECTOR_BYTES / sizeof(Value);

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

// One component of the flow as integers, each row with the border that the filter reads.
class Component {
   public:
    explicit Component(SolverState& state)
        : width_(state.width()), height_(state.height()),
          stride_(state.cells() * lanes + 2 * values), rows_(new Value[stride_ * height_]),
          sorted_(new Value[stride_ * side]) {}

    void put(int y, int cell, Floats value) {
        store(rows_.get() + y * stride_ + reach + cell * lanes, rounded(value));
    }

    void extend(int y) {
        Value* const first = rows_.get() + y * stride_ + reach;
        std::fill_n(first - reach, reach, first[0]);
        std::fill_n(first + width_, reach, first[width_ - 1]);
    }

    // Writes the medians of a row to `out`.
    void filter(int y, Value* out) const {
        const Value* rows[side];
        Value* sorted[side];
        for (int i = 0; i < side; ++i) {
            rows[i] = rows_.get() + std::clamp(y + i - reach, 0, height_ - 1) * stride_;
            sorted[i] = sorted_.get() + i * stride_;
        }
        // Each column is sorted once for all five pixels whose square contains it.
        for (int x = 0; x < width_ + 2 * reach; x += values) {
            Values column[side];
            for (int i = 0; i < side; ++i) column[i] = load<Values>(rows[i] + x);
            sort(column);
            for (int i = 0; i < side; ++i) store(sorted[i] + x, column[i]);
        }
        for (int x = 0; x < width_; x += values) {
            Values square[side][side];
            for (int i = 0; i < side; ++i) {
                for (int j = 0; j < side; ++j) square[i][j] = load<Values>(sorted[i] + x + j);
            }
            store(out + x, middle(square));
        }
    }

    int stride() const { return stride_; }

   private:
    int width_;
    int height_;
    int stride_;
    std::unique_ptr<Value[]> rows_;
    std::unique_ptr<Value[]> sorted_;
};

}  // namespace

void filter_median(SolverState& state) {
    constexpr float still = 1e-30f;  // a smaller flow counts as none, and is no safe divisor
    const float unit = largest(state) / most;
    if (unit < still) return;
    const float per_unit = 1 / unit;
    Component u(state);
    Component v(state);
    for (int y = 0; y < state.height(); ++y) {
        const Cell* cells = state.row(y);
        for (int i = 0; i < state.cells(); ++i) {
            u.put(y, i, cells[i].u * per_unit);
            v.put(y, i, cells[i].v * per_unit);
        }
        u.extend(y);
        v.extend(y);
    }
    std::unique_ptr<Value[]> u_row(new Value[u.stride()]);
    std::unique_ptr<Value[]> v_row(new Value[u.stride()]);
    for (int y = 0; y < state.height(); ++y) {
        u.filter(y, u_row.get());
        v.filter(y, v_row.get());
        Cell* cells = state.row(y);
        for (int i = 0; i < state.cells(); ++i) {
            const Ints inside = state.inside(i);
            cells[i].u = inside ? unit * restored(u_row.get() + i * lanes) : Floats{};
            cells[i].v = inside ? unit * restored(v_row.get() + i * lanes) : Floats{};
        }
    }
}
