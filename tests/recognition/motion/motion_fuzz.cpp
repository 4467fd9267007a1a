// Registers random crops with random references, and fits heads to random motions. Built with the
// sanitizers by `make sanitize`; ends at the first fault, or when a result is no number.
// Usage: program [ROUNDS [SEED]]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "head_fit.h"
#include "registration.h"

namespace {

using Random = std::mt19937;
using Numbers = std::vector<float>;

constexpr int terms = 28, pixels = crop_side * crop_side, count = motions + terms;

float within(Random& random, float size) {
    return std::uniform_real_distribution<float>(-size, size)(random);
}

Numbers numbers(Random& random, std::size_t length, float size) {
    Numbers result(length);
    for (float& each : result) each = within(random, size);
    return result;
}

std::vector<std::uint8_t> crop(Random& random) {
    std::vector<std::uint8_t> result(pixels);
    const int kind = std::uniform_int_distribution<int>(0, 3)(random);
    for (int i = 0; i < pixels; ++i) {
        const int noise = std::uniform_int_distribution<int>(0, 255)(random);
        result[i] = kind == 0 ? noise : kind == 1 ? 255 : kind == 2 ? 0 : i / crop_side;
    }
    return result;
}

bool all_finite(const Numbers& values) {
    for (const float value : values) {
        if (!std::isfinite(value)) return false;
    }
    return true;
}

// Motions far outside the crop come often: the step of a bad fit may be of any length.
bool registers(Random& random) {
    const float size = std::pow(10.0f, within(random, 4));
    const auto reference_crop = crop(random), later_crop = crop(random);
    const Numbers levels = numbers(random, samples, 255), slopes = numbers(random, 2 * samples, 100);
    const Numbers light = numbers(random, terms * samples, 300);
    const Numbers fine_light = numbers(random, terms * pixels, 300);
    const Numbers prior = numbers(random, cells * cells * cells * cells, 1);
    const Numbers light_prior = numbers(random, terms, 1);
    const Numbers solution = numbers(random, count * count, 1e-6f * size);
    const Reference reference{reference_crop.data(), levels.data(),      slopes.data(),   light.data(),
                              prior.data(),          light_prior.data(), solution.data(), terms};
    Numbers motion = numbers(random, motions, size), light_terms = numbers(random, terms, 1);
    Fit fit{motion.data(), light_terms.data(), 0};
    const bool is_clipped = std::uniform_int_distribution<int>(0, 1)(random);
    register_crop(reference, is_clipped ? fine_light.data() : nullptr, later_crop.data(), fit);
    return all_finite(motion) && all_finite(light_terms) && std::isfinite(fit.level);
}

bool fits(Random& random) {
    constexpr int all = 196;
    const int used = std::uniform_int_distribution<int>(8, all)(random);
    std::vector<double> head_values(head_terms * used), motion(2 * all), matrix(2 * head_terms);
    std::vector<std::int32_t> places(used);
    for (double& each : head_values) each = within(random, 0.5f);
    for (double& each : motion) each = within(random, std::pow(10.0f, within(random, 3)));
    for (int i = 0; i < used; ++i) places[i] = i;
    fit_head({head_values.data(), places.data(), used}, motion.data(), matrix.data());
    for (const double each : matrix) {
        if (!std::isfinite(each)) return false;
    }
    return true;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const int rounds = argument_count > 1 ? std::atoi(arguments[1]) : 100;
    const int seed = argument_count > 2 ? std::atoi(arguments[2]) : 1;
    Random random(seed);
    for (int round = 0; round < rounds; ++round) {
        if (!registers(random) || !fits(random)) {
            std::printf("failed in round %d of seed %d\n", round, seed);
            return 1;
        }
    }
    std::printf("%s: %d rounds of seed %d\n", arguments[0], rounds, seed);
    return 0;
}
