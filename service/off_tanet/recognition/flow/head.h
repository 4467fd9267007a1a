// The motion of a rigid head that most cells of a face follow.
#pragma once

// Writes the matrix [2][4] that maps the terms [count][4] of each cell to its motion [count][2], fitted
// by iteratively reweighted least squares, which an expression does not disturb. `least_spread` is added
// to the median of the residuals.
void fit_head(const double* motions, const double* terms, int count, double least_spread, double* matrix);
