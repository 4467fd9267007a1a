#include "solver.h"

#include <limits>

#include "median.h"

namespace {

constexpr int outer_iterations = 10;  // each begins with a median filter
constexpr int inner_iterations = 30;

// Keeps 1 / sqrt(0) out of the length of a gradient, and is lost in any other.
constexpr float tiny = 1e-20f;

// One vector on its way along a row, and the one before it.
struct Trail {
    Floats u{}, v{};
};

// The primal step: towards the brightness line, but no farther than it reaches, and along the
// divergence of the dual variables. Returns the squared change.
inline Floats move_flow(const Cell& above, Cell& cell, Trail& left) {
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

// The dual step: along the gradient of the flow, back into the unit disc. `here` is the cell's own
// flow, read before; it is followed by the next cell's.
inline void move_dual(Cell& cell, const Cell& below, bool last, Ints has_right, Trail& here) {
    const Cell& after = (&cell)[1];
    const Trail next{after.u, after.v};
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

// The primal step of row y and, where asked for, the dual step of row y - 2. The dual step needs the
// new flow of its row and the next, so it could follow one row behind; two rows behind, the steps
// need nothing of each other, and the processor works on one while the other waits.
template <bool primal, bool dual>
Floats pass(Sheet& sheet, int y) {
    const int cells = sheet.cells();
    Cell* const moved = sheet.row(y);
    Cell* const bound = sheet.row(dual ? y - 2 : y);
    const Cell* const below = y <= sheet.height() ? bound + cells : bound;  // no gradient at the end
    const Ints has_right = sheet.has_right(cells - 1);
    Floats change{};
    Trail left;
    Trail here{bound->u, bound->v};
    for (int x = 0; x < cells; ++x) {
        if (primal) change += move_flow((moved - cells)[x], moved[x], left);
        if (dual) move_dual(bound[x], below[x], x + 1 == cells, has_right, here);
    }
    return change;
}

// One iteration in place. Returns the sum of the squared changes of the flow.
float sweep(Sheet& sheet) {
    const int height = sheet.height();
    Floats change = pass<true, false>(sheet, 0) + pass<true, false>(sheet, 1);
    for (int y = 2; y < height; ++y) change += pass<true, true>(sheet, y);
    for (int y = height; y < height + 2; ++y) pass<false, true>(sheet, y);
    return sum(change);
}

}  // namespace

void solve(Sheet& sheet) {
    constexpr float content = epsilon * epsilon * units_per_pixel * units_per_pixel;
    const float enough = content * static_cast<float>(sheet.width() * sheet.height());
    float change = std::numeric_limits<float>::max();
    for (int outer = 0; outer < outer_iterations && change > enough; ++outer) {
        filter_median(sheet);
        for (int inner = 0; inner < inner_iterations && change > enough; ++inner) {
            change = sweep(sheet);
        }
    }
}
