// Whether the coded data of a JPEG (ITU-T T.81) hold all of its picture.
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// Of a whole file: Huffman-coded, sequential or progressive, 8 bits a sample; else UNKNOWN.
Outcome walk_jpeg(const std::uint8_t* data, std::size_t size);
