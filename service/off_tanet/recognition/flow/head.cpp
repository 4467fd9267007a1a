#include "head.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace {

constexpr int steps = 8;
constexpr int unknowns = 4;

// The normal equations of both rows of the matrix: the last two columns are their right sides.
using Equations = std::array<std::array<double, unknowns + 2>, unknowns>;

Equations equations_of(const double* motions, const double* terms, const std::vector<double>& weights) {
    Equations result{};
    for (const double weight : weights) {
        const double row[unknowns + 2] = {terms[0], terms[1], terms[2], terms[3], motions[0], motions[1]};
        for (int k = 0; k < unknowns; ++k) {
            const double weighted = weight * row[k];
            for (int j = 0; j < unknowns + 2; ++j) result[k][j] += weighted * row[j];
        }
        motions += 2;
        terms += unknowns;
    }
    return result;
}

// By elimination: the equations are positive definite.
void solve(Equations& equations, double* matrix) {
    for (int k = 0; k < unknowns; ++k) {
        for (int i = 0; i < unknowns; ++i) {
            if (i == k) continue;
            const double factor = equations[i][k] / equations[k][k];
            for (int j = k; j < unknowns + 2; ++j) equations[i][j] -= factor * equations[k][j];
        }
    }
    for (int k = 0; k < unknowns; ++k) {
        matrix[k] = equations[k][unknowns] / equations[k][k];
        matrix[unknowns + k] = equations[k][unknowns + 1] / equations[k][k];
    }
}

double residual(const double* motion, const double* terms, const double* matrix) {
    double left[2] = {motion[0], motion[1]};
    for (int k = 0; k < unknowns; ++k) {
        left[0] -= matrix[k] * terms[k];
        left[1] -= matrix[unknowns + k] * terms[k];
    }
    return std::sqrt(left[0] * left[0] + left[1] * left[1]);
}

}  // namespace

void fit_head(const double* motions, const double* terms, int count, double least_spread,
              double* matrix) {
    std::vector<double> weights(count, 1.0), residuals(count), ordered;
    for (int step = 0; step < steps; ++step) {
        Equations equations = equations_of(motions, terms, weights);
        solve(equations, matrix);
        for (int i = 0; i < count; ++i) {
            residuals[i] = residual(motions + 2 * i, terms + unknowns * i, matrix);
        }
        ordered = residuals;
        std::nth_element(ordered.begin(), ordered.begin() + count / 2, ordered.end());
        const double scale = ordered[count / 2] + least_spread;
        for (int i = 0; i < count; ++i) {
            const double distance = residuals[i] / scale, doubt = 1 + distance * distance;
            weights[i] = 1 / (doubt * doubt);
        }
    }
}
