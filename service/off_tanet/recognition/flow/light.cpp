#include "light.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "simd.h"

namespace {

constexpr int side = 112;
constexpr int across = 16;  // cells a side: coarse enough for motions of several pixels
constexpr int cells = across * across;
constexpr int pitch = side / across;
constexpr int channels = 4;

constexpr int steps = 5;           // with 4, a gain of 1.2 leaves 2 grey levels in one pixel of a hundred
constexpr double noise = 0.7;      // of the average of a cell, in grey levels
constexpr double motion_px = 1.5;  // of a cell, in addition to the head; with less, a rising brow is
                                   // taken for light
constexpr double clipped_share = 0.25;  // of the pixels of a cell, from which on it is ignored
constexpr double half_pi = 1.57079632679489661923;

// The terms: gains, which are products of vertical and horizontal waves; tones; offsets; the motion of
// the head to the right and downwards.
constexpr int waves = 9;
constexpr int both = 4;  // half periods of the vertical and the horizontal wave together
constexpr int gains = 2 * waves - 1 + both * (both - 1) / 2;
constexpr int tones = gains;
constexpr int offsets = tones + 2;
constexpr int motions = offsets + 3;
constexpr int motion_terms = 4;
constexpr int terms = motions + 2 * motion_terms;
constexpr int row_length = (terms + 8) / 8 * 8;  // with the difference to explain, in whole vectors

typedef double Doubles __attribute__((vector_size(VECTOR_BYTES)));
constexpr int doubles = VECTOR_BYTES / sizeof(double);
constexpr int tile = 6;  // terms whose sums are in registers
static_assert(terms % tile == 0);

// The derivatives of a cell's level by each term, then the difference that the terms are to explain.
using Row = std::array<double, row_length>;
using PerCell = std::array<double, cells>;
typedef float Values __attribute__((vector_size(channels * sizeof(float))));

// The values of a crop's levels, each averaged over the 7 x 7 pixels around it; at an edge, the pixels
// of the edge are repeated.
class Averages {
   public:
    explicit Averages(const float* levels) : levels_(levels), sums_(side * side) {}

    [[gnu::noinline]] void compute(const std::uint8_t* crop) {
        std::array<Values, side + 2 * reach> columns{};  // sums of `pitch` rows, with the edges repeated
        for (int by = -reach; by < reach; ++by) add(1, crop, by, columns.data() + reach);
        for (int y = 0; y < side; ++y) {
            add(1, crop, y + reach, columns.data() + reach);
            std::fill_n(columns.begin(), reach, columns[reach]);
            std::fill_n(columns.end() - reach, reach, columns[side + reach - 1]);
            for (int x = 0; x < side; ++x) {
                Values sum = columns[x];
                for (int step = 1; step < pitch; ++step) sum += columns[x + step];
                sums_[y * side + x] = sum;
            }
            add(-1, crop, y - reach, columns.data() + reach);
        }
    }

    // Returns the averages at a place, interpolated between pixels.
    Values at(double x, double y) const {
        x = std::clamp(x, 0.0, side - 1.0);
        y = std::clamp(y, 0.0, side - 1.0);
        const int left = static_cast<int>(x), top = static_cast<int>(y);
        const auto right_share = static_cast<float>(x - left), lower_share = static_cast<float>(y - top);
        const int right = left + 1 < side ? 1 : 0, below = top + 1 < side ? side : 0;
        const Values* corner = sums_.data() + top * side + left;
        const Values upper = corner[0] + right_share * (corner[right] - corner[0]);
        const Values lower = corner[below] + right_share * (corner[below + right] - corner[below]);
        return (upper + lower_share * (lower - upper)) * (1.0f / (pitch * pitch));
    }

   private:
    static constexpr int reach = pitch / 2;

    // Adds the values of a row, or subtracts them.
    void add(float sign, const std::uint8_t* crop, int y, Values* columns) const {
        const std::uint8_t* row = crop + std::clamp(y, 0, side - 1) * side;
        for (int x = 0; x < side; ++x) columns[x] += sign * load<Values>(levels_ + channels * row[x]);
    }

    const float* levels_;
    std::vector<Values> sums_;
};

double centre(int cell) { return cell * pitch + 0.5 * (pitch - 1); }

double product(const double* a, const double* b, int count) {
    double result = 0;
    for (int i = 0; i < count; ++i) result += a[i] * b[i];
    return result;
}

double quantile(const std::vector<double>& values, double share) {
    std::vector<double> ordered = values;
    const auto place = ordered.begin() + static_cast<int>(share * static_cast<double>(values.size()));
    std::nth_element(ordered.begin(), place, ordered.end());
    return *place;
}

// A constant, a slope and cosines of 1 to 4 periods at a place from -1 to 1.
std::array<double, waves> waves_at(double place) {
    std::array<double, waves> result{1, place};
    const double cosine = std::cos(half_pi * (place + 1));
    double before = 1, last = cosine;
    for (int i = 2; i < waves; ++i) {
        const double next = 2 * cosine * last - before;
        result[i] = next;
        before = last;
        last = next;
    }
    return result;
}

// Writes the derivatives by the terms of light of a cell that is seen at (x, y) and has these values.
[[gnu::noinline]] void write_light(Row& row, double x, double y, const Values& values) {
    const double right = (x + 0.5) * (2.0 / side) - 1, down = (y + 0.5) * (2.0 / side) - 1;
    const auto horizontal = waves_at(right), vertical = waves_at(down);
    int term = 0;
    for (int i = 0; i < waves; ++i) row[term++] = values[0] * vertical[i];
    for (int i = 1; i < waves; ++i) row[term++] = values[0] * horizontal[i];
    for (int sum = 2; sum <= both; ++sum) {
        for (int i = 1; i < sum; ++i) row[term++] = values[0] * vertical[i] * horizontal[sum - i];
    }
    row[tones] = values[1];
    row[tones + 1] = values[2];
    row[offsets] = 1;
    row[offsets + 1] = right;
    row[offsets + 2] = down;
}

// Solves symmetric equations, of which the columns from the diagonal on are given, and whose last column
// is the right side, by elimination: they are positive definite.
[[gnu::noinline]] void solve(std::array<Row, terms>& equations, double* result) {
    for (int k = 0; k < terms; ++k) {
        for (int i = k + 1; i < terms; ++i) {
            const double factor = equations[k][i] / equations[k][k];
            for (int j = i / doubles * doubles; j < row_length; ++j) {
                equations[i][j] -= factor * equations[k][j];
            }
        }
    }
    for (int k = terms - 1; k >= 0; --k) {
        const Row& row = equations[k];
        const double known = product(row.data() + k + 1, result + k + 1, terms - k - 1);
        result[k] = (row[terms] - known) / row[k];
    }
}

class Fit {
   public:
    Fit(const std::uint8_t* onset, const std::uint8_t* apex, const LightModel& model)
        : model_(model), averages_(model.levels), rows_(cells, Row{}), squares_(cells, 0.0) {
        averages_.compute(onset);
        for (int i = 0; i < cells; ++i) onset_[i] = averages_.at(centre(i % across), centre(i / across));
        averages_.compute(apex);
    }

    // One step of Gauss and Newton.
    void improve(double* found) {
        PerCell level, visible, precision;
        for (int i = 0; i < cells; ++i) {
            const double x = centre(i % across) + moved(found + motions, i);
            const double y = centre(i / across) + moved(found + motions + motion_terms, i);
            const Values values = averages_.at(x, y);
            write_light(rows_[i], x, y, values);
            level[i] = values[0] + product(rows_[i].data(), found, motions);
            const double clipped = std::max(onset_[i][3], values[3]);
            visible[i] = std::max(1 - clipped / clipped_share, 0.0);
            rows_[i][terms] = onset_[i][0] - values[0];
        }
        // The slopes are those of the mean of both.
        for (int i = 0; i < cells; ++i) level[i] = 0.5 * (level[i] + onset_[i][0]);
        for (int i = 0; i < cells; ++i) {
            const double slope_x = slope(level, i, i % across, 1);
            const double slope_y = slope(level, i, i / across, across);
            precision[i] = visible[i] / (noise * noise + motion_px * motion_px *
                                                             (slope_x * slope_x + slope_y * slope_y));
            write_motion(rows_[i], i, slope_x, slope_y);
            rows_[i][terms] += product(rows_[i].data() + motions, found + motions, terms - motions);
        }
        solve_for(precision, found);
        for (int i = 0; i < cells; ++i) {
            const double left = rows_[i][terms] - product(rows_[i].data(), found, terms);
            squares_[i] = precision[i] * left * left;
        }
    }

    double unmatched() const {
        std::vector<double> counted;
        for (int i = 0; i < cells; ++i) {
            if (model_.still[i]) counted.push_back(squares_[i]);
        }
        return std::sqrt(quantile(counted, 0.9));
    }

   private:
    // How far the head moves a cell along one axis.
    double moved(const double* motion, int i) const {
        double result = 0;
        for (int k = 0; k < motion_terms; ++k) result += motion[k] * model_.head[k * cells + i];
        return result;
    }

    // The change for a pixel to the next cell, `place` of `across`; an edge is its own neighbour.
    static double slope(const PerCell& level, int i, int place, int step) {
        const double after = level[place + 1 < across ? i + step : i];
        const double before = level[place > 0 ? i - step : i];
        return (after - before) / (2 * pitch);
    }

    void write_motion(Row& row, int i, double slope_x, double slope_y) const {
        for (int k = 0; k < motion_terms; ++k) {
            row[motions + k] = slope_x * model_.head[k * cells + i];
            row[motions + motion_terms + k] = slope_y * model_.head[k * cells + i];
        }
    }

    // The least squares, with the weights of Geman and McClure as in the fit of head motion.
    void solve_for(const PerCell& precision, double* found) const {
        const double scale = std::max(1.0, 2 * quantile(squares_, 0.5));
        PerCell weights;
        for (int i = 0; i < cells; ++i) {
            const double doubt = 1 + squares_[i] / scale;
            weights[i] = precision[i] / (doubt * doubt);
        }
        std::array<Row, terms> equations{};
        for (int term = 0; term < terms; term += tile) sum_products(weights, term, equations);
        for (int term = 0; term < terms; ++term) equations[term][term] += model_.precision[term];
        solve(equations, found);
    }

    // Sums the weighted products of `tile` terms and those from them on, in registers.
    [[gnu::noinline]] void sum_products(const PerCell& weights, int first, std::array<Row, terms>& equations) const {
        for (int from = first / doubles * doubles; from < row_length; from += doubles) {
            Doubles sums[tile]{};
            for (int i = 0; i < cells; ++i) {
                const double* row = rows_[i].data();
                const Doubles weighted = load<Doubles>(row + from) * weights[i];
                for (int term = 0; term < tile; ++term) sums[term] += weighted * row[first + term];
            }
            for (int term = 0; term < tile; ++term) store(equations[first + term].data() + from, sums[term]);
        }
    }

    const LightModel& model_;
    Averages averages_;  // of the apex
    std::array<Values, cells> onset_;
    std::vector<Row> rows_;
    std::vector<double> squares_;
};

}  // namespace

double fit_light(const std::uint8_t* onset, const std::uint8_t* apex, const LightModel& model,
                 double* terms_found) {
    Fit fit(onset, apex, model);
    std::fill_n(terms_found, terms, 0.0);
    for (int step = 0; step < steps; ++step) fit.improve(terms_found);
    return fit.unmatched();
}
