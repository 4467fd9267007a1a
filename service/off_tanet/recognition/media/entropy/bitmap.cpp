#include "bitmap.h"

#include <algorithm>

namespace {

constexpr int END_OF_ROW = 0, END = 1, MOVE = 2;

class Runs {
public:
    Runs(const std::uint8_t* data, std::size_t size, std::uint8_t* indexes, std::size_t width,
         std::size_t height, int bits)
        : position_(data), end_(data + size), indexes_(indexes), width_(width), height_(height),
          bits_(bits), per_byte_(8 / bits) {}

    Outcome decode() {
        while (end_ - position_ >= 2) {
            const int count = position_[0], value = position_[1];
            position_ += 2;
            if (count > 0) {
                put(count, position_ - 1, true);
            } else if (value == END_OF_ROW) {
                x_ = 0, ++y_;
            } else if (value == END) {
                return outcome(true);
            } else if (value == MOVE) {
                if (end_ - position_ < 2) break;
                x_ += position_[0], y_ += position_[1];
                position_ += 2;
            } else if (!copy(value)) {
                break;
            }
        }
        return outcome(false);  // a few writers omit the end code
    }

private:
    // Uncompressed pixels, padded to 16-bit words.
    bool copy(int count) {
        const std::ptrdiff_t bytes = (count + per_byte_ - 1) / per_byte_;
        if (bytes > end_ - position_) return false;
        put(count, position_, false);
        position_ += std::min<std::ptrdiff_t>(bytes + bytes % 2, end_ - position_);
        return true;
    }

    // Pixels beyond the end of a row or after the last row are dropped. No pixel is written twice, so
    // the total time is limited by the size of the image.
    void put(std::size_t count, const std::uint8_t* bytes, bool same) {
        const std::size_t room = y_ < height_ && x_ < width_ ? width_ - x_ : 0;
        const std::size_t fitting = std::min(count, room);
        for (std::size_t i = 0; i < fitting; ++i) {
            const int byte = bytes[same ? 0 : i / per_byte_];
            const int shift = 8 - bits_ * static_cast<int>(1 + i % per_byte_);
            indexes_[y_ * width_ + x_ + i] =
                static_cast<std::uint8_t>(byte >> shift & ((1 << bits_) - 1));
        }
        x_ += count;
        written_ += fitting;
        beyond_ |= fitting < count;
    }

    // Moves and an early end skip pixels, which may be intended. A few writers pad rows to whole words,
    // so a row may be too long. But too long and incomplete rows in one image mean lost data.
    Outcome outcome(bool ended) const {
        if (written_ < width_ * height_) return beyond_ || !ended ? LOST : SUSPECT;
        return beyond_ ? SUSPECT : WHOLE;
    }

    const std::uint8_t* position_;
    const std::uint8_t* end_;
    std::uint8_t* indexes_;
    std::size_t width_, height_;
    int bits_, per_byte_;
    std::size_t x_ = 0, y_ = 0, written_ = 0;
    bool beyond_ = false;
};

}  // namespace

Outcome decode_bitmap_runs(const std::uint8_t* data, std::size_t size, std::uint8_t* indexes,
                           std::size_t width, std::size_t height, int bits) {
    return Runs(data, size, indexes, width, height, bits).decode();
}
