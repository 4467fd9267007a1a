#include "bitmap.h"

#include <algorithm>

namespace {

constexpr int END_OF_ROW = 0, END = 1, MOVE = 2;

class Runs {
public:
    Runs(const std::uint8_t* data, std::size_t size, std::uint8_t* numbers, std::size_t width,
         std::size_t height, int bits)
        : place_(data), end_(data + size), numbers_(numbers), width_(width), height_(height),
          bits_(bits), per_byte_(8 / bits) {}

    Outcome decode() {
        while (end_ - place_ >= 2) {
            const int count = place_[0], value = place_[1];
            place_ += 2;
            if (count > 0) {
                put(count, place_ - 1, true);
            } else if (value == END_OF_ROW) {
                x_ = 0, ++y_;
            } else if (value == END) {
                return outcome(true);
            } else if (value == MOVE) {
                if (end_ - place_ < 2) break;
                x_ += place_[0], y_ += place_[1];
                place_ += 2;
            } else if (!copy(value)) {
                break;
            }
        }
        return outcome(false);  // a few writers leave the end out
    }

private:
    // Pixels that are stored one by one, filled up to whole words.
    bool copy(int count) {
        const std::ptrdiff_t bytes = (count + per_byte_ - 1) / per_byte_;
        if (bytes > end_ - place_) return false;
        put(count, place_, false);
        place_ += std::min<std::ptrdiff_t>(bytes + bytes % 2, end_ - place_);
        return true;
    }

    // What goes beyond the row or the last row is left out. No place comes twice, so that all calls
    // together take no longer than the picture is large.
    void put(std::size_t count, const std::uint8_t* bytes, bool same) {
        const std::size_t room = y_ < height_ && x_ < width_ ? width_ - x_ : 0;
        const std::size_t fitting = std::min(count, room);
        for (std::size_t i = 0; i < fitting; ++i) {
            const int byte = bytes[same ? 0 : i / per_byte_];
            const int shift = 8 - bits_ * static_cast<int>(1 + i % per_byte_);
            numbers_[y_ * width_ + x_ + i] =
                static_cast<std::uint8_t>(byte >> shift & ((1 << bits_) - 1));
        }
        x_ += count;
        made_ += fitting;
        beyond_ |= fitting < count;
    }

    // Moves and an early end pass over pixels, which may be meant. A row that is too long is filled up
    // to whole words by a few writers, but one too long and another too short are a lost way.
    Outcome outcome(bool ended) const {
        if (made_ < width_ * height_) return beyond_ || !ended ? LOST : SUSPECT;
        return beyond_ ? SUSPECT : WHOLE;
    }

    const std::uint8_t* place_;
    const std::uint8_t* end_;
    std::uint8_t* numbers_;
    std::size_t width_, height_;
    int bits_, per_byte_;
    std::size_t x_ = 0, y_ = 0, made_ = 0;
    bool beyond_ = false;
};

}  // namespace

Outcome decode_bitmap_runs(const std::uint8_t* data, std::size_t size, std::uint8_t* numbers,
                           std::size_t width, std::size_t height, int bits) {
    return Runs(data, size, numbers, width, height, bits).decode();
}
