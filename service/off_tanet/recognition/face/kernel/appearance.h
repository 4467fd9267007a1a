// What is seen of a face whose landmarks lie at those of the average face; visibility.py has the method.
#pragma once

struct Appearance {
    double mouth_depth;  // the natural logarithm of the contrast of the mouth's line
    double dark_share;   // of the pixels around the eyes, those darker than skin
};

// The crop [112, 112] is one of `_upright`; the eyes are columns and rows of their centres, [2, 2].
Appearance appearance_of(const float* crop, const int* eyes);

// The share of textured blocks that do not correlate between two crops [112, 112], in any light.
double changed_share(const float* before, const float* after);
