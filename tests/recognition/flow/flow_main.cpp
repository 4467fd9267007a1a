// The optical flow as a program, for processors other than this machine's.
// Usage: program PAIRS WIDTH HEIGHT <onsets-and-apexes >flows
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

extern "C" int off_tanet_tvl1(const std::uint8_t* onsets, const std::uint8_t* apexes, int pairs,
                              int width, int height, int threads, float* flows);

int main(int count, char** arguments) {
    if (count != 4) return 2;
    const int pairs = std::atoi(arguments[1]);
    const int width = std::atoi(arguments[2]);
    const int height = std::atoi(arguments[3]);
    const std::size_t size = static_cast<std::size_t>(pairs) * width * height;
    std::vector<std::uint8_t> frames(2 * size);
    std::vector<float> flows(2 * size);
    if (std::fread(frames.data(), 1, frames.size(), stdin) != frames.size()) return 2;
    if (off_tanet_tvl1(frames.data(), frames.data() + size, pairs, width, height, 1,
                       flows.data()) != 0) {
        return 1;
    }
    return std::fwrite(flows.data(), sizeof(float), flows.size(), stdout) != flows.size();
}
