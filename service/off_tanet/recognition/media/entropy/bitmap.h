// The run-length codings of bitmaps (BI_RLE8 and BI_RLE4 of Windows).
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// The number of each pixel, a byte each, first the row that comes first in the file. `bits`: 4 or 8.
// A pixel that is passed over keeps the number that stands there.
Outcome decode_bitmap_runs(const std::uint8_t* data, std::size_t size, std::uint8_t* numbers,
                           std::size_t width, std::size_t height, int bits);
