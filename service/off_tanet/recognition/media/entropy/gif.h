// Parses the coded frames of a GIF (89a).
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// Checks a whole file: the codes of each frame have to give as many pixels as its header declares, and
// only zeros may follow the last frame.
Outcome walk_gif(const std::uint8_t* data, std::size_t size);
