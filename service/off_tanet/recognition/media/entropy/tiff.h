// The codings of a TIFF's strips and tiles (revision 6.0) that are no file format of their own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// Each decodes `size` bytes to the `expected` ones of `decoded`; what is missing stays as it was.

// Section 13: codes of 9 to 12 bits, the first bit first. The older order is UNKNOWN.
Outcome decode_lzw(const std::uint8_t* data, std::size_t size, std::uint8_t* decoded,
                   std::size_t expected);

// Section 9.
Outcome decode_packbits(const std::uint8_t* data, std::size_t size, std::uint8_t* decoded,
                        std::size_t expected);
