// A lost difference of brightness: JPEG codes each block's as the change from the block before, so that
// one wrong change lifts or lowers all that follows, in the order in which the blocks are coded.
#pragma once

#include <cstddef>
#include <vector>

// Whether the levels [height, width], row by row, are shifted from one place within a row on: against
// the row above, by the same amount to the row's end and on to that place in the next row, and nowhere
// beside it. `least` is the smallest shift that is sought. Edges in a scene begin with a row or run
// across it at an angle, which takes several steps.
bool shifted(const std::vector<int>& levels, std::size_t width, std::size_t height, int least);
