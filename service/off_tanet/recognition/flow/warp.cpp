#include "warp.h"

#include <algorithm>

#include "simd.h"
#include "solver.h"

namespace {

constexpr int channels = 4;
constexpr int taps = 4;
constexpr int border = 3;
constexpr float flat = 1.1920929e-7f;  // OpenCV's: a smaller squared gradient counts as none

// The weights of the four neighbours as cubic polynomials in the distance t from the second one,
// constant term first: Keys' convolution with a = -0.75 (OpenCV's choice).
constexpr float a = -0.75f;
constexpr float cubics[taps][4] = {
    {0, a, -2 * a, a},
    {1, 0, -(a + 3), a + 2},
    {0, -a, 2 * a + 3, -(a + 2)},
    {0, 0, a, -a},
};

template <typename Term>
Floats cubic(const Term* terms, Floats t) {
    return terms[0] + t * (terms[1] + t * (terms[2] + t * terms[3]));
}

// A position as the largest integer not above it and the remaining fraction.
struct Split {
    Ints whole;
    Floats fraction;
};

// Positions are clamped: from two pixels outside the frame on, all neighbours are zero.
Split split(Floats position, int length) {
    const Floats clamped = clamp(position, splat(-2), splat(static_cast<float>(length)));
    Ints whole = __builtin_convertvector(clamped, Ints);
    whole += __builtin_convertvector(whole, Floats) > clamped;  // true is -1
    return {whole, clamped - __builtin_convertvector(whole, Floats)};
}

// Where a vector of pixels samples the frame, and with which weights.
struct Footprint {
    std::int32_t corner[lanes];  // the upper left neighbour
    float across[lanes];         // distance from the second column
    float down[taps][lanes];     // weights of the rows
};

// Samples all channels of a pixel at once. Each of the four rows of neighbours has 4 x 4 floats,
// held by `parts` vectors.
class Sampler {
   public:
    Sampler(const float* pixels, std::size_t stride) : pixels_(pixels), stride_(stride) {
        for (int i = 0; i < taps * channels; ++i) {
            for (int term = 0; term < 4; ++term) {
                columns_[i / lanes][term][i % lanes] = cubics[i / channels][term];
            }
        }
    }

    // Samples pixel i of the footprint; its channels are still spread over the vector.
    Floats sample(const Footprint& at, int i) const {
        const float* corner = pixels_ + at.corner[i];
        const Floats t = splat(at.across[i]);
        Floats result{};
        for (int part = 0; part < parts; ++part, corner += lanes) {
            const Floats upper = row(corner, at, 0, i) + row(corner, at, 1, i);
            const Floats lower = row(corner, at, 2, i) + row(corner, at, 3, i);
            result += (upper + lower) * cubic(columns_[part], t);
        }
        return result;
    }

   private:
    static constexpr int parts = taps * channels / lanes;

    Floats row(const float* corner, const Footprint& at, int tap, int i) const {
        return load<Floats>(corner + tap * stride_) * at.down[tap][i];
    }

    const float* pixels_;
    std::size_t stride_;
    Floats columns_[parts][4];  // the cubics of the columns, each for all channels
};

// Sums the spread channels of as many pixels as a vector holds, one vector each.
template <int pixels>
Floats gather(const Floats* spread) {
    if constexpr (pixels == 1) {
        return spread[0];
    } else {
        const Floats low = gather<pixels / 2>(spread);
        const Floats high = gather<pixels / 2>(spread + pixels / 2);
        return every_other<channels, 0>(low, high) + every_other<channels, 1>(low, high);
    }
}

struct Warped {
    Floats value;
    Floats ix;
    Floats iy;
};

Warped read(const Sampler& sampler, const Footprint& at) {
    constexpr int pixels = lanes / channels;
    Floats gathered[channels];
#pragma GCC unroll 4
    for (int group = 0; group < channels; ++group) {
        Floats spread[pixels];
#pragma GCC unroll 4
        for (int i = 0; i < pixels; ++i) spread[i] = sampler.sample(at, group * pixels + i);
        gathered[group] = gather<pixels>(spread);
    }
    const Floats even_low = every_other<1, 0>(gathered[0], gathered[1]);
    const Floats even_high = every_other<1, 0>(gathered[2], gathered[3]);
    const Floats odd_low = every_other<1, 1>(gathered[0], gathered[1]);
    const Floats odd_high = every_other<1, 1>(gathered[2], gathered[3]);
    return {every_other<1, 0>(even_low, even_high), every_other<1, 0>(odd_low, odd_high),
            every_other<1, 1>(even_low, even_high)};
}

// Sets the brightness line: value + ix (u' - u) + iy (v' - v) = onset.
void set_line(Cell& cell, const Warped& warped, Floats onset, Ints inside) {
    // The gradient with respect to a flow in the solver's unit.
    const Floats ix = warped.ix * pixels_per_unit;
    const Floats iy = warped.iy * pixels_per_unit;
    const Floats square = ix * ix + iy * iy;
    const Floats bound = splat(flat / (units_per_pixel * units_per_pixel));
    const Floats estimate = inverse_root(square);
    const Floats refined = estimate * (1.5f - 0.5f * square * estimate * estimate);
    const Floats inverse = inside & (square > bound) ? refined : Floats{};
    cell.nx = ix * inverse;
    cell.ny = iy * inverse;
    cell.offset = (onset - warped.value) * inverse + cell.nx * cell.u + cell.ny * cell.v;
    cell.reach = lambda * tau * units_per_pixel * square * inverse;
}

}  // namespace

Warp::Warp(const Plane& onset, const Plane& apex, std::pmr::memory_resource* memory)
    : width_(apex.width()), height_(apex.height()),
      stride_(static_cast<std::size_t>(width_ + 2 * border) * channels), onset_(memory),
      pixels_(stride_ * (height_ + 2 * border), 0.0f, memory) {
    const Stripes stripes(width_);
    onset_.reserve(static_cast<std::size_t>(stripes.cells()) * height_);
    for (int y = 0; y < height_; ++y) {
        for (int i = 0; i < stripes.cells(); ++i) onset_.push_back(stripes.gather(onset.row(y), i));
    }
    fill_pixels(apex);
}

void Warp::fill_pixels(const Plane& apex) {
    for (int y = 0; y < height_; ++y) {
        const float* here = apex.row(y);
        const float* above = apex.row(std::max(y - 1, 0));
        const float* below = apex.row(std::min(y + 1, height_ - 1));
        float* out = pixels_.data() + (y + border) * stride_ + border * channels;
        for (int x = 0; x < width_; ++x, out += channels) {
            out[0] = here[x];
            out[1] = 0.5f * (here[std::min(x + 1, width_ - 1)] - here[std::max(x - 1, 0)]);
            out[2] = 0.5f * (below[x] - above[x]);
        }
    }
}

void Warp::linearise(SolverState& state) const {
    // The first neighbour of the frame's first pixel.
    const Sampler sampler(pixels_.data() + (border - 1) * (stride_ + channels), stride_);
    const Stripes& stripes = state.stripes();
    const int end = stripes.cells();
    // The footprints of a row come first, so that sampling does not wait for addresses.
    std::vector<Footprint> row(end);
    for (int y = 0; y < height_; ++y) {
        Cell* cells = state.row(y);
        for (int i = 0; i < end; ++i) {
            const Cell& cell = cells[i];
            const Floats x = stripes.columns(i) + cell.u * pixels_per_unit;
            const Split column = split(x, width_);
            const Split line = split(static_cast<float>(y) + cell.v * pixels_per_unit, height_);
            Footprint& at = row[i];
            store(at.corner, line.whole * static_cast<int>(stride_) + column.whole * channels);
            store(at.across, column.fraction);
            for (int tap = 0; tap < taps; ++tap) store(at.down[tap], cubic(cubics[tap], line.fraction));
        }
        const Floats* onset = onset_.data() + static_cast<std::size_t>(end) * y;
        for (int i = 0; i < end; ++i) {
            set_line(cells[i], read(sampler, row[i]), onset[i], stripes.inside(i));
        }
    }
}
