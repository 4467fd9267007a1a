#include "tiff.h"

#include <array>
#include <cstring>

namespace {

constexpr int CLEAR = 256, END = 257, FIRST = 258, MAX_CODES = 4096, MAX_WIDTH = 12;
constexpr std::size_t SPARE = 8;  // bytes allowed after the data: strips are padded to whole words

Outcome final_outcome(bool complete, std::size_t unread) {
    if (!complete) return LOST;
    return unread > SPARE ? SUSPECT : WHOLE;
}

// The earlier decoded bytes that a code represents.
struct Span {
    std::size_t start, length;
};

}  // namespace

Outcome decode_lzw(const std::uint8_t* data, std::size_t size, std::uint8_t* decoded,
                   std::size_t expected) {
    if (size >= 2 && data[0] == 0 && (data[1] & 1)) return UNKNOWN;
    std::array<Span, MAX_CODES> spans{};
    int next = FIRST, width = 9, held = 0;
    bool fresh = true;  // after a CLEAR, where a code adds no table entry
    std::uint32_t buffer = 0;
    std::size_t position = 0, written = 0;
    Span last{0, 0};
    while (written < expected) {
        for (; held < width; held += 8) {
            if (position == size) return LOST;
            buffer = buffer << 8 | data[position++];
        }
        held -= width;
        const int code = static_cast<int>(buffer >> held & ((1u << width) - 1));
        if (code == END) break;
        if (code == CLEAR) {
            next = FIRST, width = 9, fresh = true;
            continue;
        }
        if (!fresh && next < MAX_CODES) spans[next++] = {last.start, last.length + 1};
        if (code >= next) return LOST;
        const std::size_t length = code < CLEAR ? 1 : spans[code].length;
        if (length > expected - written) return SUSPECT;  // more than the strip has
        last = {written, length};
        if (code < CLEAR) {
            decoded[written++] = static_cast<std::uint8_t>(code);
        } else {
            // Byte by byte, since source and target may overlap.
            const std::uint8_t* source = decoded + spans[code].start;
            for (std::size_t i = 0; i < length; ++i) decoded[written++] = source[i];
        }
        fresh = false;
        // One code earlier than needed, by the standard.
        if (next + 1 >= 1 << width && width < MAX_WIDTH) ++width;
    }
    return final_outcome(written == expected, size - position);
}

Outcome decode_packbits(const std::uint8_t* data, std::size_t size, std::uint8_t* decoded,
                        std::size_t expected) {
    std::size_t position = 0, written = 0;
    while (written < expected && position < size) {
        const int count = static_cast<std::int8_t>(data[position++]);
        if (count == -128) continue;
        const std::size_t taken = count < 0 ? 1 : count + 1;
        const std::size_t length = count < 0 ? 1 - count : count + 1;
        if (taken > size - position) return LOST;
        if (length > expected - written) return SUSPECT;
        if (count < 0) {
            std::memset(decoded + written, data[position], length);
        } else {
            std::memcpy(decoded + written, data + position, length);
        }
        position += taken;
        written += length;
    }
    return final_outcome(written == expected, size - position);
}
