// Runs the optical flow on random sizes and contents, and the fit of light on random crops. Built with the
// sanitizers by `make sanitize`; ends at the first fault, or when the flow violates its contract.
// Usage: program [ROUNDS [SEED]]
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int off_tanet_tvl1(const std::uint8_t* onset, const std::uint8_t* apex, int width, int height,
                              float* flow);
extern "C" int off_tanet_fit_light(const std::uint8_t* onset, const std::uint8_t* apex,
                                   const float* levels, const float* head, const double* precision,
                                   const std::uint8_t* still, double* terms, double* unmatched);

namespace {

using Random = std::mt19937;
using Picture = std::vector<std::uint8_t>;

int between(Random& random, int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
}

// Sizes near a vector's and a pyramid's corners come often, long ones now and then.
int side(Random& random) {
    switch (between(random, 0, 9)) {
        case 0: return between(random, 16, 20);
        case 1: return 16 * between(random, 1, 8) + between(random, -1, 1) + 1;
        case 2: return between(random, 16, 400);
        default: return between(random, 16, 120);
    }
}

Picture picture(Random& random, int width, int height) {
    Picture result(static_cast<std::size_t>(width) * height);
    const int kind = between(random, 0, 4);
    const int level = between(random, 0, 255);
    const int period = between(random, 1, 9);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            int value = level;                                                          // even
            if (kind == 1) value = between(random, 0, 255);                             // noise
            if (kind == 2) value = (x / period + y / period) % 2 ? 255 : 0;             // chequered
            if (kind == 3) value = (x * level + y * period) / 4;                        // a slope
            if (kind == 4) value = between(random, 0, 200) == 0 ? 255 : value;          // stars
            result[static_cast<std::size_t>(y) * width + x] = static_cast<std::uint8_t>(value);
        }
    }
    return result;
}

bool keeps_its_promise(Random& random) {
    const int width = side(random);
    const int height = side(random);
    const bool still = between(random, 0, 3) == 0;
    const Picture onset = picture(random, width, height);
    const Picture apex = still ? onset : picture(random, width, height);
    std::vector<float> flow(2 * onset.size(), NAN);
    if (off_tanet_tvl1(onset.data(), apex.data(), width, height, flow.data()) != 0) {
        std::printf("no memory for %d x %d\n", width, height);
        return false;
    }
    for (const float value : flow) {
        if (!std::isfinite(value) || (still && value != 0)) {
            std::printf("%d x %d%s: %g\n", width, height, still ? ", still" : "", value);
            return false;
        }
    }
    return true;
}

// Any two crops give terms, whatever the motion of the head that explains them.
bool fits_light(Random& random) {
    constexpr int crop = 112, cells = 256, terms = 36;
    const Picture onset = picture(random, crop, crop);
    const Picture apex = picture(random, crop, crop);
    std::vector<float> levels, head;
    for (int level = 0; level < 256; ++level) {
        const float stops = std::log(static_cast<float>(level > 0 ? level : 1) / 255);
        const float clipped = level == 0 || level == 255;
        for (const float value : {1.0f, stops, stops * stops}) levels.push_back(value * level);
        levels.push_back(clipped);
    }
    for (int i = 0; i < 4 * cells; ++i) head.push_back(0.01f * between(random, -50, 50));
    const std::vector<double> precision(terms, 0.1);
    const std::vector<std::uint8_t> still(cells, 1);
    std::vector<double> found(terms, NAN);
    double unmatched = NAN;
    if (off_tanet_fit_light(onset.data(), apex.data(), levels.data(), head.data(), precision.data(),
                            still.data(), found.data(), &unmatched) != 0) {
        std::printf("no memory\n");
        return false;
    }
    for (const double term : found) {
        if (!std::isfinite(term)) {
            std::printf("a term of light is %g\n", term);
            return false;
        }
    }
    return std::isfinite(unmatched);
}

}  // namespace

int main(int count, char** arguments) {
    const int rounds = count > 1 ? std::atoi(arguments[1]) : 300;
    const int seed = count > 2 ? std::atoi(arguments[2]) : 1;
    Random random(seed);
    for (int round = 0; round < rounds; ++round) {
        if (!keeps_its_promise(random) || !fits_light(random)) {
            std::printf("failed in round %d of seed %d\n", round, seed);
            return 1;
        }
    }
    std::printf("%s: %d rounds of seed %d\n", arguments[0], rounds, seed);
    return 0;
}
