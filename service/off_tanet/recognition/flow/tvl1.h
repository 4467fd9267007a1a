// TV-L1 optical flow of one pair of frames.
#pragma once

#include <cstdint>

// Computes the flow [2, height, width] in pixels (u right, v down) between two grey images
// [height, width].
void tvl1(const std::uint8_t* onset, const std::uint8_t* apex, int width, int height, float* flow);
