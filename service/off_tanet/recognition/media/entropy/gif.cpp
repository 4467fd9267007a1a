#include "gif.h"

#include <algorithm>
#include <array>

namespace {

constexpr int MAX_CODES = 4096, MAX_WIDTH = 12;
constexpr std::size_t SPARE = 8;  // bytes of a frame allowed after its last code

// Reads the bytes of a chain of data blocks of up to 255 bytes.
class Blocks {
public:
    Blocks(const std::uint8_t* position, const std::uint8_t* end) : position_(position), end_(end) {}

    // Returns the next byte, or -1 after the last.
    int next() {
        if (left_ == 0 && !open()) return -1;
        --left_;
        return *position_++;
    }

    // Skips the remaining bytes and returns their number.
    std::size_t skip_remaining() {
        std::size_t count = 0;
        while (left_ > 0 || open()) {
            count += left_;
            position_ += left_;
            left_ = 0;
        }
        return count;
    }

    const std::uint8_t* position() const { return position_; }
    bool complete() const { return ended_; }

private:
    bool open() {
        if (ended_ || position_ == end_) return false;
        left_ = *position_++;
        ended_ = left_ == 0;
        if (left_ > end_ - position_) left_ = 0;
        return left_ > 0;
    }

    const std::uint8_t* position_;
    const std::uint8_t* end_;
    std::ptrdiff_t left_ = 0;
    bool ended_ = false;
};

// Checks whether the codes of one frame give the expected number of pixels. Only the lengths of the
// strings are tracked.
Outcome walk_frame(Blocks& blocks, int bits, std::size_t expected) {
    const int clear = 1 << bits, end = clear + 1;
    std::array<std::size_t, MAX_CODES> lengths{};
    std::fill_n(lengths.begin(), clear, 1);
    int next = end + 1, width = bits + 1, held = 0;
    bool fresh = true;  // after a clear code, where a code adds no table entry
    std::uint32_t buffer = 0;
    std::size_t pixels = 0, last = 0;
    for (;;) {
        for (; held < width; held += 8) {
            const int byte = blocks.next();
            if (byte < 0) return pixels == expected ? WHOLE : LOST;  // a few writers omit the end code
            buffer |= static_cast<std::uint32_t>(byte) << held;
        }
        const int code = static_cast<int>(buffer & ((1u << width) - 1));
        buffer >>= width, held -= width;
        if (code == end) break;
        if (code == clear) {
            next = end + 1, width = bits + 1, fresh = true;
            continue;
        }
        if (!fresh && next < MAX_CODES) lengths[next++] = last + 1;
        if (code >= next) return LOST;
        last = lengths[code];
        pixels += last;
        fresh = false;
        if (next == 1 << width && width < MAX_WIDTH) ++width;
    }
    if (pixels < expected) return LOST;
    return pixels > expected || blocks.skip_remaining() > SPARE ? SUSPECT : WHOLE;
}

std::size_t palette_bytes(int flags) {
    return flags & 0x80 ? std::size_t{3} << ((flags & 7) + 1) : 0;
}

std::size_t read_u16(const std::uint8_t* position) { return position[0] | position[1] << 8; }

}  // namespace

Outcome walk_gif(const std::uint8_t* data, std::size_t size) {
    const std::uint8_t* const end = data + size;
    if (size < 13 || size - 13 < palette_bytes(data[10])) return LOST;
    const std::uint8_t* position = data + 13 + palette_bytes(data[10]);
    Outcome found = WHOLE;
    while (position < end && *position != 0x3B) {
        const bool is_frame = *position == 0x2C;
        if (!is_frame && *position != 0x21) return LOST;
        const std::size_t palette = is_frame && end - position > 9 ? palette_bytes(position[9]) : 0;
        const std::size_t header = is_frame ? 10 + palette : 1;
        if (static_cast<std::size_t>(end - position) < header + 1) return LOST;
        const int bits = position[header];
        Blocks blocks(position + header + 1, end);
        if (is_frame) {
            if (bits < 1 || bits >= MAX_WIDTH) return LOST;
            const std::size_t expected = read_u16(position + 5) * read_u16(position + 7);
            found = std::max(found, walk_frame(blocks, bits, expected));
        }
        blocks.skip_remaining();
        if (!blocks.complete()) return LOST;
        position = blocks.position();
    }
    if (position == end) return LOST;
    const bool ended = std::all_of(position + 1, end, [](std::uint8_t byte) { return byte == 0; });
    return ended ? found : std::max(found, SUSPECT);
}
