// Detection of a lost DC difference. JPEG codes the brightness of a block as the difference from the
// previous block, so one wrong difference shifts all following blocks, in coding order.
#pragma once

#include <cstddef>
#include <vector>

// Returns whether the levels [height, width], stored row by row, are shifted from a position within a
// row on. Compared with the row above, the shift has to be the same up to the end of the row and up to
// that position in the next row, and absent before and after. `min_shift` is the smallest shift to
// detect. Edges in a scene start at the beginning of a row, or cross rows at an angle in several steps.
bool has_level_shift(const std::vector<int>& levels, std::size_t width, std::size_t height,
                     int min_shift);
