// TV-L1 optical flow of one pair of frames.
#pragma once

#include <cstdint>

// From two grey pictures, [height, width], to the flow [2, height, width] in pixels: u right, v down.
void tvl1(const std::uint8_t* onset, const std::uint8_t* apex, int width, int height, float* flow);
