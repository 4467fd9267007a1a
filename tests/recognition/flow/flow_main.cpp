// The optical flow as a program, for processors other than this machine's.
// Usage: program PAIRS WIDTH HEIGHT <onsets-and-apexes >flows
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

extern "C" int off_tanet_tvl1(const std::uint8_t* onset, const std::uint8_t* apex, int width, int height,
                              float* flow);

int main(int count, char** arguments) {
    if (count != 4) return 2;
    const int pairs = std::atoi(arguments[1]);
    const int width = std::atoi(arguments[2]);
    const int height = std::atoi(arguments[3]);
    const std::size_t area = static_cast<std::size_t>(width) * height;
    const std::size_t size = pairs * area;
    std::vector<std::uint8_t> frames(2 * size);
    std::vector<float> flows(2 * size);
    if (std::fread(frames.data(), 1, frames.size(), stdin) != frames.size()) return 2;
    for (int pair = 0; pair < pairs; ++pair) {
        const std::uint8_t* const onset = frames.data() + pair * area;
        if (off_tanet_tvl1(onset, onset + size, width, height, flows.data() + 2 * pair * area) != 0) {
            return 1;
        }
    }
    return std::fwrite(flows.data(), sizeof(float), flows.size(), stdout) != flows.size();
}
