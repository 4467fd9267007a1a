#include "gif.h"

#include <algorithm>
#include <array>

namespace {

constexpr int MOST_CODES = 4096, WIDEST = 12;
constexpr std::size_t SPARE = 8;  // bytes of a frame that may follow its last code

// The bytes of a chain of blocks of up to 255.
class Blocks {
public:
    Blocks(const std::uint8_t* place, const std::uint8_t* end) : place_(place), end_(end) {}

    // The next byte, or -1 behind the last.
    int next() {
        if (left_ == 0 && !open()) return -1;
        --left_;
        return *place_++;
    }

    // Passes over the rest and tells how long it was.
    std::size_t rest() {
        std::size_t count = 0;
        while (left_ > 0 || open()) {
            count += left_;
            place_ += left_;
            left_ = 0;
        }
        return count;
    }

    const std::uint8_t* place() const { return place_; }
    bool whole() const { return ended_; }

private:
    bool open() {
        if (ended_ || place_ == end_) return false;
        left_ = *place_++;
        ended_ = left_ == 0;
        if (left_ > end_ - place_) left_ = 0;
        return left_ > 0;
    }

    const std::uint8_t* place_;
    const std::uint8_t* end_;
    std::ptrdiff_t left_ = 0;
    bool ended_ = false;
};

// Whether the codes of one frame give so many pixels: of each string only its length is looked at.
Outcome follow(Blocks& blocks, int bits, std::size_t expected) {
    const int clear = 1 << bits, end = clear + 1;
    std::array<std::size_t, MOST_CODES> lengths{};
    std::fill_n(lengths.begin(), clear, 1);
    int next = end + 1, width = bits + 1, held = 0;
    bool fresh = true;  // behind a clear code, where a code adds nothing to the table
    std::uint32_t buffer = 0;
    std::size_t made = 0, last = 0;
    for (;;) {
        for (; held < width; held += 8) {
            const int byte = blocks.next();
            if (byte < 0) return made == expected ? WHOLE : LOST;  // a few writers leave the end out
            buffer |= static_cast<std::uint32_t>(byte) << held;
        }
        const int code = static_cast<int>(buffer & ((1u << width) - 1));
        buffer >>= width, held -= width;
        if (code == end) break;
        if (code == clear) {
            next = end + 1, width = bits + 1, fresh = true;
            continue;
        }
        if (!fresh && next < MOST_CODES) lengths[next++] = last + 1;
        if (code >= next) return LOST;
        last = lengths[code];
        made += last;
        fresh = false;
        if (next == 1 << width && width < WIDEST) ++width;
    }
    if (made < expected) return LOST;
    return made > expected || blocks.rest() > SPARE ? SUSPECT : WHOLE;
}

std::size_t colours(int flags) { return flags & 0x80 ? std::size_t{3} << ((flags & 7) + 1) : 0; }

std::size_t number(const std::uint8_t* place) { return place[0] | place[1] << 8; }

}  // namespace

Outcome walk_gif(const std::uint8_t* data, std::size_t size) {
    const std::uint8_t* const end = data + size;
    if (size < 13 || size - 13 < colours(data[10])) return LOST;
    const std::uint8_t* place = data + 13 + colours(data[10]);
    Outcome found = WHOLE;
    while (place < end && *place != 0x3B) {
        const bool is_frame = *place == 0x2C;
        if (!is_frame && *place != 0x21) return LOST;
        const std::size_t head = is_frame ? 10 + (end - place > 9 ? colours(place[9]) : 0) : 1;
        if (static_cast<std::size_t>(end - place) < head + 1) return LOST;
        const int bits = place[head];
        Blocks blocks(place + head + 1, end);
        if (is_frame) {
            if (bits < 1 || bits >= WIDEST) return LOST;
            found = std::max(found, follow(blocks, bits, number(place + 5) * number(place + 7)));
        }
        blocks.rest();
        if (!blocks.whole()) return LOST;
        place = blocks.place();
    }
    if (place == end) return LOST;
    const bool ended = std::all_of(place + 1, end, [](std::uint8_t byte) { return byte == 0; });
    return ended ? found : std::max(found, SUSPECT);
}
