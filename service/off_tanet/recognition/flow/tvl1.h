// TV-L1 optical flow of one pair of frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

// One block for all that a pair of this size needs, kept from pair to pair: the many pages of fresh
// memory would come from the system each time, for a fifth of the run time.
struct Workspace {
    Workspace(int width, int height);

    std::unique_ptr<std::byte[]> block;
    std::size_t lasting_bytes;  // for what every scale uses
    std::size_t scale_bytes;    // for one scale at a time
};

// From two grey pictures, [height, width], to the flow [2, height, width] in pixels: u right, v down.
void tvl1(const std::uint8_t* onset, const std::uint8_t* apex, int width, int height,
          Workspace& workspace, float* flow);
