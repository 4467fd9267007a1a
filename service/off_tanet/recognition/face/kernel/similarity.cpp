#include "similarity.h"

#include <algorithm>
#include <complex>
#include <vector>

namespace {

constexpr double least_variance = 1e-18;  // of the squared distance to the origin: less is rounding
constexpr double least_spread = 0.5;      // crop pixels; people differ from the average by more

using Point = std::complex<double>;
using Points = std::vector<Point>;
using Weights = std::vector<double>;

struct Similarity {
    Point factor, shift;
};

Point mean(const Points& points, const Weights& weights, double total) {
    Point sum = 0;
    for (std::size_t i = 0; i < points.size(); ++i) sum += weights[i] * points[i];
    return sum / total;
}

// The similarity with the least weighted squares of what is left.
bool fit_weighted(const Points& source, const Points& target, const Weights& weights,
                  Similarity& similarity) {
    double total = 0, variance = 0;
    for (const double weight : weights) total += weight;
    const Point middle = mean(source, weights, total);
    Point product = 0;  // the weighted sum of z is zero: the target's mean need not be taken off
    for (std::size_t i = 0; i < source.size(); ++i) {
        const Point z = source[i] - middle;
        variance += weights[i] * std::norm(z);
        product += weights[i] * std::conj(z) * target[i];
    }
    if (!(variance > least_variance * std::norm(middle) * total)) return false;
    similarity.factor = product / variance;
    similarity.shift = mean(target, weights, total) - similarity.factor * middle;
    return true;
}

// The weights of Geman and McClure, whose scale is the median of what is left.
void reweight(const Points& source, const Points& target, const Similarity& similarity,
              Weights& weights) {
    const std::size_t count = source.size(), half = count / 2;
    Weights left(count);
    for (std::size_t i = 0; i < count; ++i) {
        left[i] = std::sqrt(std::norm(similarity.factor * source[i] + similarity.shift - target[i]));
    }
    Weights ordered = left;
    std::nth_element(ordered.begin(), ordered.begin() + half, ordered.end());
    double median = ordered[half];
    if (count % 2 == 0) {
        median = (median + *std::max_element(ordered.begin(), ordered.begin() + half)) / 2;
    }
    const double scale = 1 / (2 * (median + least_spread));
    for (std::size_t i = 0; i < count; ++i) {
        const double distance = scale * left[i], spread = 1 + distance * distance;
        weights[i] = 1 / (spread * spread);
    }
}

}  // namespace

bool fit_similarity(const Target& target, const double* x, const double* y, double* transform) {
    Points from, to;
    for (int i = 0; i < target.count; ++i) {
        from.emplace_back(x[target.places[i]], y[target.places[i]]);
        to.emplace_back(target.x[i], target.y[i]);
    }
    Weights weights(target.count, 1.0);
    Similarity found{};
    for (int step = 0; step < target.steps; ++step) {
        if (step) reweight(from, to, found, weights);
        if (!fit_weighted(from, to, weights, found)) return false;
    }
    const double rows[] = {found.factor.real(), -found.factor.imag(), found.shift.real(),
                           found.factor.imag(), found.factor.real(),  found.shift.imag()};
    std::copy(rows, rows + 6, transform);
    return true;
}
