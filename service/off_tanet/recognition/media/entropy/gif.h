// The coded frames of a GIF (89a).
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// A whole file: each frame's codes have to give the pixels that it is said to have, and nothing but
// zeros may follow the last.
Outcome walk_gif(const std::uint8_t* data, std::size_t size);
