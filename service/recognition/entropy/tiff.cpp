#include "tiff.h"

#include <array>

namespace {

constexpr int CLEAR = 256, END = 257, FIRST = 258, MOST = 4096;
constexpr std::size_t SPARE = 8;  // bytes that may follow: strips are filled up to whole words

Outcome ended(std::size_t produced, std::size_t expected, std::size_t unread) {
    if (produced < expected) return LOST;
    return produced > expected || unread > SPARE ? SUSPECT : WHOLE;
}

}  // namespace

Outcome walk_lzw(const std::uint8_t* data, std::size_t size, std::size_t expected) {
    if (size >= 2 && data[0] == 0 && (data[1] & 1)) return UNKNOWN;
    std::array<std::uint32_t, MOST> lengths;  // of the string that each code stands for
    for (int code = 0; code < FIRST; ++code) lengths[code] = 1;
    int next = FIRST, width = 9, previous = -1, held = 0;
    std::uint32_t buffer = 0;
    std::size_t place = 0, produced = 0;
    while (produced < expected) {
        for (; held < width; held += 8) {
            if (place == size) return LOST;
            buffer = buffer << 8 | data[place++];
        }
        held -= width;
        const int code = static_cast<int>(buffer >> held & ((1u << width) - 1));
        if (code == END) break;
        if (code == CLEAR) {
            next = FIRST, width = 9, previous = -1;
            continue;
        }
        if (previous >= 0 && next < MOST) lengths[next++] = lengths[previous] + 1;
        if (code >= next || (previous < 0 && code >= CLEAR)) return LOST;
        produced += lengths[code];
        previous = code;
        // One code early: the writer's table is one behind the reader's.
        if (next + 1 >= 1 << width && width < 12) ++width;
    }
    return ended(produced, expected, size - place);
}

Outcome walk_packbits(const std::uint8_t* data, std::size_t size, std::size_t expected) {
    std::size_t place = 0, produced = 0;
    while (produced < expected && place < size) {
        const int count = static_cast<std::int8_t>(data[place++]);
        if (count == -128) continue;
        const std::size_t taken = count < 0 ? 1 : count + 1;
        if (taken > size - place) return LOST;
        place += taken;
        produced += count < 0 ? 1 - count : count + 1;
    }
    return ended(produced, expected, size - place);
}
