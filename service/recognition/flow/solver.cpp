#include "solver.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "median.h"

namespace {

float divergence(const Plane& px, const Plane& py, int x, int y) {
    const float across = px.row(y)[x] - (x > 0 ? px.row(y)[x - 1] : 0);
    const float down = py.row(y)[x] - (y > 0 ? py.row(y - 1)[x] : 0);
    return across + down;
}

// The threshold step and the primal step; returns the sum of the squared changes.
float update_flow(const Linearised& data, const Parameters& parameters, State& state) {
    const float step = parameters.lambda * parameters.theta;
    float change = 0;
    for (int y = 0; y < state.u.height; ++y) {
        float* u = state.u.row(y);
        float* v = state.v.row(y);
        const float* ix = data.ix.row(y);
        const float* iy = data.iy.row(y);
        const float* residual = data.residual.row(y);
        for (int x = 0; x < state.u.width; ++x) {
            const float square = ix[x] * ix[x] + iy[x] * iy[x];
            const float inverse = square > std::numeric_limits<float>::epsilon() ? 1 / square : 0;
            const float rho = residual[x] + ix[x] * u[x] + iy[x] * v[x];
            const float shift = std::clamp(-rho * inverse, -step, step);
            const float next_u = u[x] + shift * ix[x] +
                                 parameters.theta * divergence(state.pu_x, state.pu_y, x, y);
            const float next_v = v[x] + shift * iy[x] +
                                 parameters.theta * divergence(state.pv_x, state.pv_y, x, y);
            const float du = next_u - u[x];
            const float dv = next_v - v[x];
            change += du * du + dv * dv;
            u[x] = next_u;
            v[x] = next_v;
        }
    }
    return change;
}

void update_dual(const Plane& field, float step, Plane& px, Plane& py) {
    for (int y = 0; y < field.height; ++y) {
        const float* here = field.row(y);
        const float* below = field.row(std::min(y + 1, field.height - 1));
        for (int x = 0; x < field.width; ++x) {
            const float gx = x + 1 < field.width ? here[x + 1] - here[x] : 0;
            const float gy = below[x] - here[x];
            const float shrink = 1 / (1 + step * std::sqrt(gx * gx + gy * gy));
            px.row(y)[x] = (px.row(y)[x] + step * gx) * shrink;
            py.row(y)[x] = (py.row(y)[x] + step * gy) * shrink;
        }
    }
}

}  // namespace

State::State(Plane u, Plane v)
    : u(std::move(u)), v(std::move(v)), pu_x(this->u.width, this->u.height), pu_y(pu_x),
      pv_x(pu_x), pv_y(pu_x) {}

void solve(const Linearised& data, const Parameters& parameters, State& state) {
    const float pixels = static_cast<float>(state.u.values.size());
    const float content = parameters.epsilon * parameters.epsilon * pixels;
    const float dual_step = parameters.tau / parameters.theta;
    float change = std::numeric_limits<float>::max();
    for (int outer = 0; outer < parameters.outer_iterations && change > content; ++outer) {
        state.u = median_5x5(state.u);
        state.v = median_5x5(state.v);
        for (int inner = 0; inner < parameters.inner_iterations && change > content; ++inner) {
            change = update_flow(data, parameters, state);
            update_dual(state.u, dual_step, state.pu_x, state.pu_y);
            update_dual(state.v, dual_step, state.pv_x, state.pv_y);
        }
    }
}
