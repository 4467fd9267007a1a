// Reads the bits of entropy-coded JPEG data (ITU-T T.81, B.1.1.5) up to the next marker.
#pragma once

#include <cstddef>
#include <cstdint>

class Bits {
public:
    Bits(const std::uint8_t* data, const std::uint8_t* end) : next_(data), end_(end) {}

    static constexpr int MOST = 32;

    // Returns the next `count` bits, 1 to MOST; zeros after the end of the data, as in libjpeg.
    unsigned peek(int count) {
        if (buffered_ < MOST) fill();
        return static_cast<unsigned>(buffer_ >> (64 - count));
    }

    void skip(int count) {
        buffer_ <<= count;
        buffered_ -= count;
    }

    // Fills the buffer ahead of need: the processor predicts better when that is than when it is empty.
    void refill() { fill(); }

    unsigned read(int count) {
        if (count == 0) return 0;
        const unsigned value = peek(count);
        skip(count);
        return value;
    }

    // Whether more bits were read than the data have.
    bool overrun() const { return buffered_ < padding_; }

    // Returns the position of the first byte of which no bit was read.
    const std::uint8_t* position() const {
        const std::uint8_t* position = next_;
        // Steps backwards byte by byte, since stuffed zeros have to be skipped, too.
        for (int bytes = (buffered_ - padding_) / 8; bytes > 0; --bytes) {
            --position;
            if (position > start_ && *position == 0 && position[-1] == 0xFF) --position;
        }
        return position;
    }

    // Whether the remaining bits of the current byte are equal: encoders pad with ones, a few with
    // zeros.
    bool padded() {
        const int count = (buffered_ - padding_) % 8;
        if (count <= 0) return true;
        const unsigned remaining = peek(count);
        return remaining == 0 || remaining == (1u << count) - 1;
    }

    void start_at(const std::uint8_t* position) {
        next_ = start_ = position;
        buffer_ = 0;
        buffered_ = padding_ = 0;
    }

private:
    void fill() {
        if (end_ - next_ >= 8) {
            const std::uint64_t ahead = big_endian(next_);
            if (!has_stuffing(ahead)) {
                // A part of the byte after these is in the buffer, too; its bits are set again, to the
                // same values.
                buffer_ |= ahead >> buffered_;
                const int bytes = (63 - buffered_) / 8;
                next_ += bytes;
                buffered_ += 8 * bytes;
                return;
            }
        }
        fill_bytewise();
    }

    void fill_bytewise() {
        while (buffered_ <= 56) {
            std::uint64_t byte = 0;
            if (next_ < end_ && (*next_ != 0xFF || (next_ + 1 < end_ && next_[1] == 0))) {
                byte = *next_;
                next_ += byte == 0xFF ? 2 : 1;
            } else {
                padding_ += 8;
            }
            buffer_ |= byte << (56 - buffered_);
            buffered_ += 8;
        }
    }

    static std::uint64_t big_endian(const std::uint8_t* bytes) {
        std::uint64_t value = 0;
        for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
        return value;
    }

    // Whether a byte is FF: stuffing or a marker follows.
    static bool has_stuffing(std::uint64_t bytes) {
        return (~bytes - 0x0101010101010101) & bytes & 0x8080808080808080;
    }

    const std::uint8_t* next_;
    const std::uint8_t* end_;
    const std::uint8_t* start_ = next_;
    std::uint64_t buffer_ = 0;
    int buffered_ = 0;  // bits in the buffer
    int padding_ = 0;   // the last of them that are not in the data
};
