// The C interface of the library. Functions that may fail return 0, or 1 when memory ran out, or 2 when
// the question has no answer.
#include <cstdint>
#include <new>

#include "appearance.h"
#include "crop.h"
#include "exported.h"
#include "similarity.h"

EXPORTED int off_tanet_sample_crop(const Grey* picture, const Filter* filter, const double* transform,
                                   std::uint8_t* crop) {
    try {
        sample_crop(*picture, *filter, transform, crop);
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}

EXPORTED int off_tanet_fit_similarity(const Target* target, const double* x, const double* y,
                                      double* transform) {
    try {
        return fit_similarity(*target, x, y, transform) ? 0 : 2;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

EXPORTED void off_tanet_measure_appearance(const float* crop, const int* eyes, Appearance* appearance) {
    *appearance = appearance_of(crop, eyes);
}

EXPORTED double off_tanet_changed_share(const float* before, const float* after) {
    return changed_share(before, after);
}
