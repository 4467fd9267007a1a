// Checks whether the coded data of a JPEG (ITU-T T.81) are complete.
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// Checks a whole file: Huffman-coded, sequential or progressive, 8 bits per sample; otherwise UNKNOWN.
Outcome walk_jpeg(const std::uint8_t* data, std::size_t size);
