#include "solver.h"

#include <limits>

#include "median.h"

namespace {

constexpr int outer_iterations = 10;  // each starts with a median filter
constexpr int inner_iterations = 30;

// Avoids 1 / sqrt(0) for a gradient of zero; too small to change any other.
constexpr float tiny = 1e-20f;

// Values of u and v that one cell of a row passes on to the next.
struct Carry {
    Floats u{}, v{};
};

// The primal step: moves the flow towards the brightness line, by `reach` at most, and along the
// divergence of the dual variables. `left` holds the x components of the previous cell's dual
// variables. Returns the squared change.
inline Floats primal_step(const Cell& above, Cell& cell, Carry& left) {
    const Floats pu_x = cell.pu_x;
    const Floats pv_x = cell.pv_x;
    const Floats u_spread = (pu_x - left_of(pu_x, left.u)) + (cell.pu_y - above.pu_y);
    const Floats v_spread = (pv_x - left_of(pv_x, left.v)) + (cell.pv_y - above.pv_y);
    left = {pu_x, pv_x};

    const Floats u = cell.u;
    const Floats v = cell.v;
    const Floats nx = cell.nx;
    const Floats ny = cell.ny;
    const Floats reach = cell.reach;
    const Floats step = clamp(cell.offset - nx * u - ny * v, -reach, reach);
    const Floats du = step * nx + tau * u_spread;
    const Floats dv = step * ny + tau * v_spread;
    cell.u = u + du;
    cell.v = v + dv;
    return du * du + dv * dv;
}

// 1 / (1 + |gradient|)
inline Floats shrink(Floats x, Floats y) {
    const Floats square = y * y + (x * x + tiny);
    return 1.0f / (square * inverse_root(square) + 1.0f);
}

// The dual step: moves the dual variables along the gradient of the flow and shrinks them into the
// unit disc. `here` holds the flow of this cell on entry and that of the next cell on return.
inline void dual_step(Cell& cell, const Cell& below, bool last, Ints has_right, Carry& here) {
    const Cell& after = (&cell)[1];
    const Carry next{after.u, after.v};
    Floats ux = right_of(here.u, next.u) - here.u;
    Floats vx = right_of(here.v, next.v) - here.v;
    if (last) {
        ux = has_right ? ux : Floats{};
        vx = has_right ? vx : Floats{};
    }
    const Floats uy = below.u - here.u;
    const Floats vy = below.v - here.v;
    here = next;
    const Floats u_shrink = shrink(ux, uy);
    const Floats v_shrink = shrink(vx, vy);
    const Floats pu_x = (cell.pu_x + ux) * u_shrink;
    const Floats pu_y = (cell.pu_y + uy) * u_shrink;
    const Floats pv_x = (cell.pv_x + vx) * v_shrink;
    const Floats pv_y = (cell.pv_y + vy) * v_shrink;
    cell.pu_x = pu_x;
    cell.pu_y = pu_y;
    cell.pv_x = pv_x;
    cell.pv_y = pv_y;
}

// The primal step of row y (if `primal`) and the dual step of row y - 2 (if `dual`). The dual step
// needs the new flow of its own row and the next, so one row behind would do; two rows behind, the
// steps do not depend on each other, and the processor overlaps them.
template <bool primal, bool dual>
Floats pass(SolverState& state, int y) {
    const int cells = state.cells();
    Cell* const primal_row = state.row(y);
    Cell* const dual_row = state.row(dual ? y - 2 : y);
    // The last row is its own lower neighbour: the gradient there is 0.
    const Cell* const below = y <= state.height() ? dual_row + cells : dual_row;
    const Ints has_right = state.has_right(cells - 1);
    Floats change{};
    Carry left;
    Carry here{dual_row->u, dual_row->v};
    for (int x = 0; x < cells; ++x) {
        if (primal) change += primal_step((primal_row - cells)[x], primal_row[x], left);
        if (dual) dual_step(dual_row[x], below[x], x + 1 == cells, has_right, here);
    }
    return change;
}

// One iteration in place. Returns the sum of the squared changes of the flow.
float sweep(SolverState& state) {
    const int height = state.height();
    Floats change = pass<true, false>(state, 0) + pass<true, false>(state, 1);
    for (int y = 2; y < height; ++y) change += pass<true, true>(state, y);
    for (int y = height; y < height + 2; ++y) pass<false, true>(state, y);
    return sum(change);
}

}  // namespace

void solve(SolverState& state) {
    constexpr float per_pixel = epsilon * epsilon * units_per_pixel * units_per_pixel;
    const float converged = per_pixel * static_cast<float>(state.width() * state.height());
    float change = std::numeric_limits<float>::max();
    for (int outer = 0; outer < outer_iterations && change > converged; ++outer) {
        filter_median(state);
        for (int inner = 0; inner < inner_iterations && change > converged; ++inner) {
            change = sweep(state);
        }
    }
}
