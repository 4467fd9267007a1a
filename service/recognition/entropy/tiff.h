// Whether the coded data of a TIFF's strip or tile (revision 6.0) hold all of its bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// Section 13: codes of 9 to 12 bits, the first bit first. The older order is UNKNOWN.
Outcome walk_lzw(const std::uint8_t* data, std::size_t size, std::size_t expected);

// Section 9.
Outcome walk_packbits(const std::uint8_t* data, std::size_t size, std::size_t expected);
