#include "solver.h"

#include <limits>

#include "median.h"

namespace {

constexpr int outer_iterations = 10;  // each starts with a median filter
constexpr int inner_iterations = 30;

// Avoids 1 / sqrt(0) for a gradient of zero; too small to change any other.
constexpr float tiny = 1e-20f;

// A value for u and one for v.
struct Pair {
    Floats u{}, v{};
};

// The dual variables of u and v.
struct Dual {
    Floats u_x, u_y, v_x, v_y;
};

inline Pair flow_of(const Cell& cell) { return {cell.u, cell.v}; }
inline Dual dual_of(const Cell& cell) { return {cell.pu_x, cell.pu_y, cell.pv_x, cell.pv_y}; }

// The primal step: moves the flow towards the brightness line, by `reach` at most, and along the
// divergence of the dual variables. `left` holds the x components of the left neighbours' dual
// variables on entry, and those of this cell on return. Adds the squared change of the flow to `change`
// if it is `measured`.
template <bool measured>
inline void primal_step(const Cell& above, Cell& cell, const Pair& flow, const Dual& p, Pair& left,
                        Pair& change) {
    const Floats u_spread = (p.u_x - left.u) + (p.u_y - above.pu_y);
    const Floats v_spread = (p.v_x - left.v) + (p.v_y - above.pv_y);
    left = {p.u_x, p.v_x};
    const Floats nx = cell.nx;
    const Floats ny = cell.ny;
    const Floats step = limit(cell.offset - nx * flow.u - ny * flow.v, cell.reach);
    // The dual variables come last, because the processor waits for them.
    const Floats u = tau * u_spread + (step * nx + flow.u);
    const Floats v = tau * v_spread + (step * ny + flow.v);
    cell.u = u;
    cell.v = v;
    if (measured) {
        change.u += (u - flow.u) * (u - flow.u);
        change.v += (v - flow.v) * (v - flow.v);
    }
}

// 1 / (1 + |gradient|)
inline Floats shrink(Floats x, Floats y) { return inverse_root_plus_1(y * y + (x * x + tiny)); }

// The dual step: moves the dual variables along the gradient of the flow and shrinks them into the
// unit disc. `right` is the flow of the right neighbours, which the `last` column has not.
inline Dual dual_step(Cell& cell, const Cell& below, const Pair& flow, const Pair& right, bool last,
                      Ints has_right) {
    Floats ux = right.u - flow.u;
    Floats vx = right.v - flow.v;
    if (last) {
        ux = has_right ? ux : Floats{};
        vx = has_right ? vx : Floats{};
    }
    const Floats uy = below.u - flow.u;
    const Floats vy = below.v - flow.v;
    const Floats u_shrink = shrink(ux, uy);
    const Floats v_shrink = shrink(vx, vy);
    const Dual p{(cell.pu_x + ux) * u_shrink, (cell.pu_y + uy) * u_shrink, (cell.pv_x + vx) * v_shrink,
                 (cell.pv_y + vy) * v_shrink};
    cell.pu_x = p.u_x;
    cell.pu_y = p.u_y;
    cell.pv_x = p.v_x;
    cell.pv_y = p.v_y;
    return p;
}

// The dual step of a row (if `dual`), and the primal step of the next iteration (if `primal`), which
// needs no dual variables but those of this row and the one above: the row is loaded once for both.
// Returns the squared change of the flow if it is `measured`.
template <bool dual, bool primal, bool measured>
Pair pass(SolverState& state, int y) {
    const int end = state.cells() - 1;
    Cell* const row = state.row(y);
    const Cell* const above = row - state.cells();
    // The last row is its own lower neighbour: the gradient there is 0.
    const Cell* const below = y + 1 < state.height() ? row + state.cells() : row;
    const int last = state.stripes().last_cell();
    const Ints has_right = state.stripes().has_right();
    const auto dual_at = [&](int x, const Pair& flow, const Pair& right) {
        return dual ? dual_step(row[x], below[x], flow, right, x == last, has_right) : dual_of(row[x]);
    };
    Pair change;
    Pair flow = flow_of(row[0]);
    // The last cell comes first: it has the left neighbours of the first one.
    const Dual wrapped = dual_at(end, flow_of(row[end]), {right_of_last(flow.u), right_of_last(flow.v)});
    Pair left{left_of_first(wrapped.u_x), left_of_first(wrapped.v_x)};
    for (int x = 0; x < end; ++x) {
        const Pair right = flow_of(row[x + 1]);
        const Dual p = dual_at(x, flow, right);
        if (primal) primal_step<measured>(above[x], row[x], flow, p, left, change);
        flow = right;
    }
    if (primal) primal_step<measured>(above[end], row[end], flow, wrapped, left, change);
    return change;
}

// A pass over all rows. Returns the sum of the squared changes of the flow if they are `measured`.
template <bool dual, bool primal, bool measured>
float sweep(SolverState& state) {
    Pair change;
    for (int y = 0; y < state.height(); ++y) {
        const Pair of_row = pass<dual, primal, measured>(state, y);
        change.u += of_row.u;
        change.v += of_row.v;
    }
    return sum(change.u + change.v);
}

// To measure the change takes an eighth of an iteration, so it is done when the change may be below the
// bound, and in the last iteration. From the fourth iteration on the change falls more slowly than this;
// in 128 flows one stopped an iteration late.
constexpr int steep_iterations = 4;
constexpr float steepest = 1.5f;

// The number of iterations until the change, which is `excess` times the bound, is measured again.
int unmeasured(int iterations, float excess) {
    int result = 0;
    if (iterations < steep_iterations) return result;
    for (; excess > steepest && iterations + result + 1 < inner_iterations; ++result) excess /= steepest;
    return result;
}

}  // namespace

void solve(SolverState& state) {
    constexpr float per_pixel = epsilon * epsilon * units_per_pixel * units_per_pixel;
    const float converged = per_pixel * static_cast<float>(state.width() * state.height());
    float change = std::numeric_limits<float>::max();
    for (int outer = 0; outer < outer_iterations && change > converged; ++outer) {
        filter_median(state);
        change = sweep<false, true, true>(state);
        for (int inner = 1; inner < inner_iterations && change > converged; ++inner) {
            const int until = inner + unmeasured(inner, change / converged);
            for (; inner < until; ++inner) sweep<true, true, false>(state);
            change = sweep<true, true, true>(state);
        }
        sweep<true, false, false>(state);
    }
}
