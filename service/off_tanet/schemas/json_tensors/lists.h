// Parsing of JSON lists of numbers, without a Python object for each number.
#pragma once

#include <cstddef>

#include "exported.h"

// Converts the number that `text` starts with to the nearest double, whatever the locale, and sets
// `end` behind it. This is Python's `PyOS_string_to_double`; null as the last argument makes it
// return infinity where a number is too large.
using Convert = double (*)(const char* text, char** end, void* overflow);

// Parses lists nested as `shape`, of `dimensions` >= 1 lengths, and rounds their numbers to float.
// Numbers beyond the range of float are infinite. The text must be followed by a byte that belongs
// to no number. Returns whether the text is exactly such lists; otherwise the values are undefined.
EXPORTED bool off_tanet_parse_lists(const char* text, std::size_t size, const std::size_t* shape,
                                    std::size_t dimensions, Convert convert, float* values);
