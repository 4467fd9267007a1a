// The C interface of the library. Functions return an `Outcome`.
#include <cstddef>
#include <cstdint>
#include <new>

#include "exported.h"
#include "bitmap.h"
#include "gif.h"
#include "jpeg.h"
#include "tiff.h"

EXPORTED int off_tanet_walk_jpeg(const std::uint8_t* data, std::size_t size) {
    try {
        return walk_jpeg(data, size);
    } catch (const std::bad_alloc&) {
        return UNKNOWN;
    }
}

EXPORTED int off_tanet_walk_gif(const std::uint8_t* data, std::size_t size) {
    return walk_gif(data, size);
}

EXPORTED int off_tanet_decode_lzw(const std::uint8_t* data, std::size_t size,
                                  std::uint8_t* decoded, std::size_t expected) {
    return decode_lzw(data, size, decoded, expected);
}

EXPORTED int off_tanet_decode_packbits(const std::uint8_t* data, std::size_t size,
                                       std::uint8_t* decoded, std::size_t expected) {
    return decode_packbits(data, size, decoded, expected);
}

EXPORTED int off_tanet_decode_bitmap_runs(const std::uint8_t* data, std::size_t size,
                                          std::uint8_t* indexes, std::size_t width,
                                          std::size_t height, int bits) {
    return decode_bitmap_runs(data, size, indexes, width, height, bits);
}
