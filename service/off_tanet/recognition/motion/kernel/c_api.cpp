// The C interface of the library. Functions return 0, or 1 when memory ran out.
#include <cstdint>
#include <new>

#include "exported.h"
#include "head_fit.h"
#include "registration.h"

EXPORTED int off_tanet_register_crop(const Reference* reference, const float* fine_light,
                                     const std::uint8_t* crop, Fit* fit) {
    try {
        register_crop(*reference, fine_light, crop, *fit);
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}

EXPORTED int off_tanet_fit_head(const Head* head, const double* motion, double* matrix) {
    try {
        fit_head(*head, motion, matrix);
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}
