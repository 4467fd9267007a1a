// Samples crops of random pictures, fits similarities to random points, and measures random crops. Built
// with the sanitizers by `make sanitize`; ends at the first fault, or when a result is out of range.
// Usage: program [ROUNDS [SEED]]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "appearance.h"
#include "crop.h"
#include "similarity.h"

namespace {

using Random = std::mt19937;

constexpr int pixels = crop_side * crop_side;

int whole(Random& random, int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
}

double within(Random& random, double size) {
    return std::uniform_real_distribution<double>(-size, size)(random);
}

// A size from 10^-most to 10^most.
double magnitude(Random& random, double most) { return std::pow(10.0, within(random, most)); }

// The arrays end where their memory ends, so that the sanitizer sees what is read beyond them.
void samples(Random& random) {
    const int width = whole(random, 1, 200), height = whole(random, 1, 200), gap = whole(random, 0, 3);
    const int stride = width + gap, length = stride * height - gap;
    const std::unique_ptr<std::uint8_t[]> levels(new std::uint8_t[length]);
    for (int i = 0; i < length; ++i) levels[i] = static_cast<std::uint8_t>(random());
    const int reach = whole(random, 0, 12);
    std::vector<float> weights(reach + 1);
    for (float& each : weights) each = static_cast<float>(within(random, 1));
    const double size = magnitude(random, 4), place = magnitude(random, 6);
    double transform[6];
    for (int i = 0; i < 6; ++i) transform[i] = within(random, i % 3 == 2 ? place : size);
    std::vector<std::uint8_t> crop(pixels);
    sample_crop({levels.get(), stride, width, height}, {weights.data(), reach}, transform, crop.data());
}

bool fits(Random& random) {
    const int all = whole(random, 1, 100), used = whole(random, 1, all);
    std::vector<double> x(all), y(all), target_x(used), target_y(used);
    std::vector<std::int32_t> places(used);
    const double size = magnitude(random, 6);
    for (std::vector<double>* axis : {&x, &y, &target_x, &target_y}) {
        for (double& each : *axis) each = within(random, size);
    }
    for (std::int32_t& each : places) each = whole(random, 0, all - 1);
    double transform[6] = {};
    fit_similarity({target_x.data(), target_y.data(), places.data(), used, whole(random, 1, 4)}, x.data(),
                   y.data(), transform);
    for (const double each : transform) {
        if (!std::isfinite(each)) return false;
    }
    return true;
}

bool measures(Random& random) {
    std::vector<float> crop(pixels), other(pixels);
    const double contrast = magnitude(random, 2);
    for (float& each : crop) each = static_cast<float>(128 + within(random, contrast));
    for (float& each : other) each = static_cast<float>(128 + within(random, contrast));
    const int eyes[] = {whole(random, 8, 103), whole(random, 5, 92), whole(random, 8, 103), whole(random, 5, 92)};
    const Appearance found = appearance_of(crop.data(), eyes);
    const double changed = changed_share(crop.data(), other.data());
    return found.mouth_depth >= 0 && found.mouth_depth < 4 && found.dark_share >= 0 &&
           found.dark_share <= 1 && changed >= 0 && changed <= 1;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const int rounds = argument_count > 1 ? std::atoi(arguments[1]) : 500;
    const int seed = argument_count > 2 ? std::atoi(arguments[2]) : 1;
    Random random(seed);
    for (int round = 0; round < rounds; ++round) {
        samples(random);
        if (!fits(random) || !measures(random)) {
            std::printf("failed in round %d of seed %d\n", round, seed);
            return 1;
        }
    }
    std::printf("%s: %d rounds of seed %d\n", arguments[0], rounds, seed);
    return 0;
}
