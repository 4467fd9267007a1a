#include "tiff.h"

#include <array>
#include <cstring>

namespace {

constexpr int CLEAR = 256, END = 257, FIRST = 258, MOST = 4096, WIDEST = 12;
constexpr std::size_t SPARE = 8;  // bytes that may follow: strips are filled up to whole words

Outcome ended(bool complete, std::size_t unread) {
    if (!complete) return LOST;
    return unread > SPARE ? SUSPECT : WHOLE;
}

// The bytes that a code stands for, as they came out before.
struct Span {
    std::size_t start, length;
};

}  // namespace

Outcome decode_lzw(const std::uint8_t* data, std::size_t size, std::uint8_t* decoded,
                   std::size_t expected) {
    if (size >= 2 && data[0] == 0 && (data[1] & 1)) return UNKNOWN;
    std::array<Span, MOST> spans{};
    int next = FIRST, width = 9, held = 0;
    bool fresh = true;  // behind a CLEAR, where a code adds nothing to the table
    std::uint32_t buffer = 0;
    std::size_t place = 0, made = 0;
    Span last{0, 0};
    while (made < expected) {
        for (; held < width; held += 8) {
            if (place == size) return LOST;
            buffer = buffer << 8 | data[place++];
        }
        held -= width;
        const int code = static_cast<int>(buffer >> held & ((1u << width) - 1));
        if (code == END) break;
        if (code == CLEAR) {
            next = FIRST, width = 9, fresh = true;
            continue;
        }
        if (!fresh && next < MOST) spans[next++] = {last.start, last.length + 1};
        if (code >= next) return LOST;
        const std::size_t length = code < CLEAR ? 1 : spans[code].length;
        if (length > expected - made) return SUSPECT;  // more than a strip's
        last = {made, length};
        if (code < CLEAR) {
            decoded[made++] = static_cast<std::uint8_t>(code);
        } else {
            // Byte by byte, as the string may reach into itself.
            const std::uint8_t* source = decoded + spans[code].start;
            for (std::size_t i = 0; i < length; ++i) decoded[made++] = source[i];
        }
        fresh = false;
        // One code early, as the standard has it.
        if (next + 1 >= 1 << width && width < WIDEST) ++width;
    }
    return ended(made == expected, size - place);
}

Outcome decode_packbits(const std::uint8_t* data, std::size_t size, std::uint8_t* decoded,
                        std::size_t expected) {
    std::size_t place = 0, made = 0;
    while (made < expected && place < size) {
        const int count = static_cast<std::int8_t>(data[place++]);
        if (count == -128) continue;
        const std::size_t taken = count < 0 ? 1 : count + 1;
        const std::size_t length = count < 0 ? 1 - count : count + 1;
        if (taken > size - place) return LOST;
        if (length > expected - made) return SUSPECT;
        if (count < 0) {
            std::memset(decoded + made, data[place], length);
        } else {
            std::memcpy(decoded + made, data + place, length);
        }
        place += taken;
        made += length;
    }
    return ended(made == expected, size - place);
}
