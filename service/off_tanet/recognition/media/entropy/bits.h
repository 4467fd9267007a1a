// The bits of a JPEG's entropy-coded data (ITU-T T.81, B.1.1.5), up to the next marker.
#pragma once

#include <cstddef>
#include <cstdint>

class Bits {
public:
    Bits(const std::uint8_t* data, const std::uint8_t* end) : next_(data), end_(end) {}

    // The next `count` bits, at most 16; behind the last they are zeros, as in libjpeg.
    unsigned peek(int count) {
        if (held_ < 16) fill();
        return static_cast<unsigned>(buffer_ >> (64 - count));
    }

    void skip(int count) {
        buffer_ <<= count;
        held_ -= count;
    }

    unsigned read(int count) {
        if (count == 0) return 0;
        const unsigned value = peek(count);
        skip(count);
        return value;
    }

    // Whether more bits were taken than there are.
    bool overrun() const { return held_ < lent_; }

    // Where the whole bytes end that no bit was taken of.
    const std::uint8_t* position() const {
        const std::uint8_t* place = next_;
        // Stuffed zeros count, too: they are passed over one by one, backwards.
        for (int bytes = (held_ - lent_) / 8; bytes > 0; --bytes) {
            --place;
            if (place > start_ && *place == 0 && place[-1] == 0xFF) --place;
        }
        return place;
    }

    // Whether the bits up to the next whole byte are all alike: encoders fill up with ones, a few
    // with zeros.
    bool padded() {
        const int count = (held_ - lent_) % 8;
        if (count <= 0) return true;
        const unsigned rest = peek(count);
        return rest == 0 || rest == (1u << count) - 1;
    }

    void start_at(const std::uint8_t* place) {
        next_ = start_ = place;
        buffer_ = 0;
        held_ = lent_ = 0;
    }

private:
    void fill() {
        while (held_ <= 56) {
            std::uint64_t byte = 0;
            if (next_ < end_ && (*next_ != 0xFF || (next_ + 1 < end_ && next_[1] == 0))) {
                byte = *next_;
                next_ += byte == 0xFF ? 2 : 1;
            } else {
                lent_ += 8;
            }
            buffer_ |= byte << (56 - held_);
            held_ += 8;
        }
    }

    const std::uint8_t* next_;
    const std::uint8_t* end_;
    const std::uint8_t* start_ = next_;
    std::uint64_t buffer_ = 0;
    int held_ = 0;  // bits in the buffer
    int lent_ = 0;  // those of them, the last ones, that are not in the data
};
