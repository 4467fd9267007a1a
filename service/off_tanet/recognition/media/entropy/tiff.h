// Decoders for the strips and tiles of a TIFF (revision 6.0).
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// Each decodes `size` bytes to `expected` bytes at `decoded`. Missing bytes are left unchanged.

// LZW (section 13): codes of 9 to 12 bits, highest bit first. The older bit order is UNKNOWN.
Outcome decode_lzw(const std::uint8_t* data, std::size_t size, std::uint8_t* decoded,
                   std::size_t expected);

// PackBits (section 9).
Outcome decode_packbits(const std::uint8_t* data, std::size_t size, std::uint8_t* decoded,
                        std::size_t expected);
