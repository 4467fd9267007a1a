#include "head_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace {

constexpr int steps = 8;
constexpr double least_spread = 0.02;  // pixels: less than the noise of any flow
constexpr double least_pivot = 1e-9;   // less is rounding: the term is a sum of others

using Doubles = std::vector<double>;

// Solves a system of four equations for two right-hand sides, by elimination with pivots. A term that is
// a sum of others, as the depth of a flat head is, gets no share.
void solve(double system[head_terms][head_terms + 2], double* matrix) {
    for (int column = 0; column < head_terms; ++column) {
        int pivot = column;
        for (int row = column + 1; row < head_terms; ++row) {
            if (std::fabs(system[row][column]) > std::fabs(system[pivot][column])) pivot = row;
        }
        for (int i = 0; i < head_terms + 2; ++i) std::swap(system[column][i], system[pivot][i]);
        if (std::fabs(system[column][column]) < least_pivot) continue;
        for (int row = 0; row < head_terms; ++row) {
            if (row == column) continue;
            const double factor = system[row][column] / system[column][column];
            for (int i = column; i < head_terms + 2; ++i) system[row][i] -= factor * system[column][i];
        }
    }
    for (int row = 0; row < head_terms; ++row) {
        for (int axis = 0; axis < 2; ++axis) {
            const double pivot = system[row][row], right = system[row][head_terms + axis];
            matrix[axis * head_terms + row] = std::fabs(pivot) < least_pivot ? 0 : right / pivot;
        }
    }
}

// The matrix with the least weighted squares of what is left.
void fit_weighted(const Head& head, const Doubles& moved, const Doubles& weights, double* matrix) {
    double system[head_terms][head_terms + 2] = {};
    for (int i = 0; i < head.count; ++i) {
        double values[head_terms + 2];
        for (int term = 0; term < head_terms; ++term) values[term] = head.terms[term * head.count + i];
        values[head_terms] = moved[i];
        values[head_terms + 1] = moved[head.count + i];
        for (int term = 0; term < head_terms; ++term) {
            const double weighted = weights[i] * values[term];
            for (int other = 0; other < head_terms + 2; ++other) {
                system[term][other] += weighted * values[other];
            }
        }
    }
    solve(system, matrix);
}

// The weights of Geman and McClure, whose scale is the median of what is left.
void reweight(const Head& head, const Doubles& moved, const double* matrix, Doubles& weights) {
    Doubles left(head.count);
    for (int i = 0; i < head.count; ++i) {
        double u = moved[i], v = moved[head.count + i];
        for (int term = 0; term < head_terms; ++term) {
            u -= matrix[term] * head.terms[term * head.count + i];
            v -= matrix[head_terms + term] * head.terms[term * head.count + i];
        }
        left[i] = std::sqrt(u * u + v * v);
    }
    Doubles ordered = left;
    std::nth_element(ordered.begin(), ordered.begin() + head.count / 2, ordered.end());
    const double scale = 1 / (ordered[head.count / 2] + least_spread);
    for (int i = 0; i < head.count; ++i) {
        const double distance = scale * left[i], spread = 1 + distance * distance;
        weights[i] = 1 / (spread * spread);
    }
}

}  // namespace

void fit_head(const Head& head, const double* motion, double* matrix) {
    Doubles moved(2 * head.count), weights(head.count, 1.0);
    for (int i = 0; i < head.count; ++i) {
        moved[i] = motion[2 * head.places[i]];
        moved[head.count + i] = motion[2 * head.places[i] + 1];
    }
    for (int step = 0; step < steps; ++step) {
        if (step) reweight(head, moved, matrix, weights);
        fit_weighted(head, moved, weights, matrix);
    }
}
