#include "registration.h"

#include <cmath>
#include <vector>

#include "simd.h"

namespace {

constexpr int cell_side = side / cells;  // a vector of four
constexpr int border = 2;  // samples: what the head moves beyond the edge of the crop is not seen
constexpr float blur = 0.7f;  // samples

constexpr float outlier = 6, outlier_levels = 3;  // grey levels; of the mean residual
constexpr float foreign = 40;  // grey levels: what differs by more says nothing about the start
constexpr int most_steps = 6;
constexpr float small_step = 0.02f;  // samples: the next step would be a third of it
constexpr float near = 0.95f;        // of the mean residual before: the light is fitted, too

typedef float Four __attribute__((vector_size(16)));
using Picture = std::vector<float>;

float dot(const float* a, const float* b, int count) {
    Floats total{};
    int i = 0;
    for (; i + lanes <= count; i += lanes) total += load<Floats>(a + i) * load<Floats>(b + i);
    float result = sum(total);
    for (; i < count; ++i) result += a[i] * b[i];
    return result;
}

// Adds factors times the rows of a matrix [rows, columns] to a vector. Four rows at a time save loads
// and stores of the vector.
void add_rows(const float* matrix, const float* factors, int rows, int columns, float* vector) {
    int row = 0;
    for (; row + 4 <= rows; row += 4, matrix += 4 * columns, factors += 4) {
        for (int i = 0; i < columns; ++i) {
            vector[i] += factors[0] * matrix[i] + factors[1] * matrix[columns + i] +
                         factors[2] * matrix[2 * columns + i] + factors[3] * matrix[3 * columns + i];
        }
    }
    for (; row < rows; ++row, matrix += columns, ++factors) {
        for (int i = 0; i < columns; ++i) vector[i] += *factors * matrix[i];
    }
}

// A Gaussian blur of a picture [56, 56], whose border is repeated.
class Blur {
   public:
    Blur() {
        float total = 0;
        for (int i = -reach; i <= reach; ++i) {
            total += weights_[i + reach] = std::exp(-0.5f * (i * i) / (blur * blur));
        }
        for (float& weight : weights_) weight /= total;
    }

    void apply(float* picture) const {
        float line[side + 2 * reach];
        for (int y = 0; y < side; ++y) {
            float* row = picture + y * side;
            for (int x = -reach; x < side + reach; ++x) line[x + reach] = row[clamped(x)];
            for (int x = 0; x < side; ++x) {
                float total = 0;
                for (int i = 0; i <= 2 * reach; ++i) total += weights_[i] * line[x + i];
                row[x] = total;
            }
        }
        const Picture rows(picture, picture + samples);
        for (int y = 0; y < side; ++y) {
            float* row = picture + y * side;
            for (int x = 0; x < side; ++x) row[x] = 0;
            for (int i = -reach; i <= reach; ++i) {
                const float* from = rows.data() + clamped(y + i) * side;
                for (int x = 0; x < side; ++x) row[x] += weights_[i + reach] * from[x];
            }
        }
    }

   private:
    static constexpr int reach = 3;

    static int clamped(int place) { return least(greatest(place, 0), side - 1); }

    float weights_[2 * reach + 1];
};

// The blurred samples of a picture [112, 112].
template <typename Level>
Picture sampled(const Level* picture) {
    static const Blur gaussian;
    Picture result(samples);
    for (int y = 0; y < side; ++y) {
        const Level* above = picture + 2 * y * crop_side;
        const Level* below = above + crop_side;
        for (int x = 0; x < side; ++x) {
            const float total = static_cast<float>(above[2 * x]) + above[2 * x + 1] + below[2 * x] +
                                below[2 * x + 1];
            result[y * side + x] = total / 4;
        }
    }
    gaussian.apply(result.data());
    return result;
}

// A picture [56, 56] that is sampled between its pixels, with cubic polynomials; its border is
// repeated.
class Interpolated {
   public:
    explicit Interpolated(const Picture& picture) : padded_(stride * stride) {
        for (int y = 0; y < stride; ++y) {
            const float* from = picture.data() + least(greatest(y - before, 0), side - 1) * side;
            float* to = padded_.data() + y * stride;
            for (int x = 0; x < stride; ++x) to[x] = from[least(greatest(x - before, 0), side - 1)];
        }
    }

    float at(float x, float y) const {
        const Split across = split(x), down = split(y);
        const Four weights_x = cubic(across.fraction), weights_y = cubic(down.fraction);
        const float* row = padded_.data() + (down.whole + before - 1) * stride + across.whole + before - 1;
        Four total{};
        for (int tap = 0; tap < 4; ++tap, row += stride) total += weights_y[tap] * load<Four>(row);
        total *= weights_x;
        return (total[0] + total[1]) + (total[2] + total[3]);
    }

   private:
    struct Split {
        int whole;
        float fraction;
    };

    static constexpr int before = 3, stride = 64;

    // From two samples outside on, all neighbours are alike.
    static Split split(float place) {
        const float clamped = least(greatest(place, -2.0f), side + 1.0f);
        const float whole = std::floor(clamped);
        return {static_cast<int>(whole), clamped - whole};
    }

    // Keys' convolution with a = -0.75, OpenCV's choice.
    static Four cubic(float t) {
        constexpr float a = -0.75f;
        constexpr Four once = {a, 0, -a, 0}, twice = {-2 * a, -(a + 3), 2 * a + 3, a};
        constexpr Four thrice = {a, a + 2, -(a + 2), -a}, constant = {0, 1, 0, 0};
        return constant + t * (once + t * (twice + t * thrice));
    }

    Picture padded_;
};

// The motion of each sample from that of the cells, linearly interpolated.
class Spread {
   public:
    Spread() {
        for (int i = 0; i < side; ++i) {
            const float place = (i + 0.5f) / cell_side - 0.5f;
            const int whole = least(greatest(static_cast<int>(std::floor(place)), 0), cells - 2);
            first_[i] = whole;
            share_[i] = least(greatest(place - whole, 0.0f), 1.0f);
        }
    }

    // Writes u and v of each sample of a row, [56, 2].
    void row(const float* motion, int y, float* to) const {
        const float* above = motion + first_[y] * 2 * cells;
        float line[2 * cells];
        for (int i = 0; i < 2 * cells; ++i) {
            line[i] = above[i] + share_[y] * (above[2 * cells + i] - above[i]);
        }
        for (int x = 0; x < side; ++x) {
            const float* left = line + 2 * first_[x];
            to[2 * x] = left[0] + share_[x] * (left[2] - left[0]);
            to[2 * x + 1] = left[1] + share_[x] * (left[3] - left[1]);
        }
    }

   private:
    int first_[side];
    float share_[side];
};

// One crop that is being registered.
class Registration {
   public:
    Registration(const Reference& reference, const float* fine_light, const std::uint8_t* crop, Fit& fit)
        : reference_(reference),
          fine_light_(fine_light),
          fit_(fit),
          levels_(sampled(crop)),
          seen_(levels_) {}

    void run() {
        Picture residual = start();
        for (int step = 0; step < most_steps; ++step) {
            if (step) residual = this->residual(lit());
            const float level = mean_size(residual), before = fit_.level;
            // A change of light makes all residuals large until it is fitted.
            const float most = greatest(outlier, outlier_levels * level);
            for (float& each : residual) each = least(greatest(each, -most), most);
            fit_.level = level;
            if (improve(residual) < small_step && level > near * before) break;
        }
    }

   private:
    // The residual of the fit before, or of none if that fits better.
    Picture start() {
        const Picture lit = this->lit();
        Picture moved = residual(lit), still = levels_;
        for (int i = 0; i < samples; ++i) still[i] -= lit[i];
        if (misfit(still) >= misfit(moved)) return moved;
        for (int i = 0; i < motions; ++i) fit_.motion[i] = 0;
        return still;
    }

    // The reference in the light of the crop.
    Picture lit() const {
        std::vector<float> factors(fit_.terms, fit_.terms + reference_.terms);
        for (float& factor : factors) factor = -factor;
        if (!fine_light_) {
            Picture result(reference_.levels, reference_.levels + samples);
            add_rows(reference_.light, factors.data(), reference_.terms, samples, result.data());
            return result;
        }
        Picture fine(reference_.crop, reference_.crop + crop_side * crop_side);
        const int pixels = static_cast<int>(fine.size());
        add_rows(fine_light_, factors.data(), reference_.terms, pixels, fine.data());
        for (float& each : fine) each = least(greatest(each, 0.0f), 255.0f);
        return sampled(fine.data());
    }

    // What the crop has more than the reference where its cells are now.
    Picture residual(const Picture& lit) const {
        static const Spread spread;
        Picture result(samples);
        float moved[2 * side];
        for (int y = 0; y < side; ++y) {
            spread.row(fit_.motion, y, moved);
            for (int x = 0; x < side; ++x) {
                const int i = y * side + x;
                result[i] = seen_.at(x + moved[2 * x], y + moved[2 * x + 1]) - lit[i];
            }
        }
        return result;
    }

    // Changes motion and light by one step, and returns its largest motion.
    float improve(const Picture& residual) {
        const int terms = reference_.terms, count = motions + terms;
        std::vector<float> gradient(count), step(count);
        sum_slopes(residual, gradient.data());
        add_prior(gradient.data());
        for (int term = 0; term < terms; ++term) {
            gradient[motions + term] = dot(reference_.light + term * samples, residual.data(), samples) +
                                       reference_.light_prior[term] * fit_.terms[term];
        }
        add_rows(reference_.solution, gradient.data(), count, count, step.data());
        float largest = 0;
        for (int i = 0; i < motions; ++i) {
            fit_.motion[i] -= step[i];
            largest = greatest(largest, std::fabs(step[i]));
        }
        for (int term = 0; term < terms; ++term) fit_.terms[term] -= step[motions + term];
        return largest;
    }

    // Adds the gradient of the prior, a symmetric matrix for each axis.
    void add_prior(float* gradient) const {
        constexpr int count = cells * cells;
        for (int axis = 0; axis < 2; ++axis) {
            float motion[count], product[count] = {};
            for (int i = 0; i < count; ++i) motion[i] = fit_.motion[2 * i + axis];
            add_rows(reference_.prior, motion, count, count, product);
            for (int i = 0; i < count; ++i) gradient[2 * i + axis] += product[i];
        }
    }

    // The sums over each cell of slopes times residual, u and v of each.
    void sum_slopes(const Picture& residual, float* sums) const {
        for (int axis = 0; axis < 2; ++axis) {
            const float* slopes = reference_.slopes + axis * samples;
            for (int y = 0; y < side; ++y) {
                const float *slope = slopes + y * side, *left = residual.data() + y * side;
                float* sum = sums + y / cell_side * 2 * cells + axis;
                for (int cell = 0; cell < cells; ++cell, slope += cell_side, left += cell_side) {
                    const Four product = load<Four>(slope) * load<Four>(left);
                    sum[2 * cell] += (product[0] + product[1]) + (product[2] + product[3]);
                }
            }
        }
    }

    static float mean_size(const Picture& residual) {
        Floats total{};
        for (int i = 0; i < samples; i += lanes) {
            const Floats value = load<Floats>(residual.data() + i);
            total += greatest(value, -value);
        }
        return sum(total) / samples;
    }

    static float misfit(const Picture& residual) {
        float total = 0;
        for (int y = border; y < side - border; ++y) {
            for (int x = border; x < side - border; ++x) {
                total += least(std::fabs(residual[y * side + x]), foreign);
            }
        }
        return total;
    }

    const Reference& reference_;
    const float* fine_light_;  // null unless the crop is clipped
    Fit& fit_;
    const Picture levels_;
    const Interpolated seen_;
};

}  // namespace

void register_crop(const Reference& reference, const float* fine_light, const std::uint8_t* crop,
                   Fit& fit) {
    Registration(reference, fine_light, crop, fit).run();
}
