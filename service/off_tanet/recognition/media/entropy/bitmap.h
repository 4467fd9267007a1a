// The run-length codings of bitmaps (BI_RLE8 and BI_RLE4 of Windows).
#pragma once

#include <cstddef>
#include <cstdint>

#include "outcome.h"

// Writes the palette index of each pixel, one byte each, in the order of rows of the file. `bits` per
// pixel: 4 or 8. Skipped pixels keep the value in `indexes`.
Outcome decode_bitmap_runs(const std::uint8_t* data, std::size_t size, std::uint8_t* indexes,
                           std::size_t width, std::size_t height, int bits);
