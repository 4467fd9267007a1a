// Parses random and damaged data. Built with the sanitizers by `make sanitize`; ends at the first
// fault. Usage: program [ROUNDS [SEED]]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "bitmap.h"
#include "gif.h"
#include "jpeg.h"
#include "tiff.h"

namespace {

using Random = std::mt19937;
using Bytes = std::vector<std::uint8_t>;

int between(Random& random, int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
}

void add(Bytes& bytes, std::initializer_list<int> values) {
    for (const int value : values) bytes.push_back(static_cast<std::uint8_t>(value));
}

void add_noise(Random& random, Bytes& bytes, int count) {
    for (int i = 0; i < count; ++i) add(bytes, {between(random, 0, 255)});
}

// A table of 8 codes of 3 bits: symbols with which a scan of noise is decoded for long.
void add_table(Random& random, Bytes& bytes, int kind) {
    add(bytes, {0xFF, 0xC4, 0, 27, kind, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    for (int i = 0; i < 8; ++i) {
        add(bytes, {kind < 16 ? between(random, 0, 11)
                              : between(random, 0, 15) << 4 | between(random, 0, 2)});
    }
}

void add_scan(Random& random, Bytes& bytes, int components, bool progressive) {
    const bool ac = progressive && between(random, 0, 1);
    const int count = ac ? 1 : components;
    add(bytes, {0xFF, 0xDA, 0, 6 + 2 * count, count});
    for (int i = 0; i < count; ++i) add(bytes, {i + 1, 0});
    const int first = ac ? between(random, 1, 63) : 0;
    const int last = progressive ? (ac ? between(random, first, 63) : 0) : 63;
    const int low = progressive ? between(random, 0, 3) : 0;
    add(bytes, {first, last, between(random, 0, 1) ? (low + 1) << 4 | low : low});
    add_noise(random, bytes, between(random, 0, 3000));
}

Bytes jpeg(Random& random) {
    Bytes bytes;
    const int components = between(random, 1, 3);
    const bool progressive = between(random, 0, 1);
    add(bytes, {0xFF, 0xD8, 0xFF, 0xC0 + (progressive ? 2 : 0), 0, 8 + 3 * components, 8});
    add(bytes, {0, between(random, 1, 200), 0, between(random, 1, 200), components});
    for (int i = 0; i < components; ++i) {
        add(bytes, {i + 1, between(random, 1, 4) << 4 | between(random, 1, 4), 0});
    }
    add_table(random, bytes, 0);
    add_table(random, bytes, 16);
    if (between(random, 0, 3) == 0) add(bytes, {0xFF, 0xDD, 0, 4, 0, between(random, 0, 9)});
    for (int i = between(random, 1, 6); i > 0; --i) add_scan(random, bytes, components, progressive);
    add(bytes, {0xFF, 0xD9});
    for (int i = between(random, 0, 3); i > 0; --i) {
        bytes[between(random, 0, static_cast<int>(bytes.size()) - 1)] = between(random, 0, 255);
    }
    bytes.resize(between(random, 0, static_cast<int>(bytes.size())));
    return bytes;
}

// Frames of noise, and blocks of noise.
Bytes gif(Random& random) {
    Bytes bytes = {'G', 'I', 'F', '8', '9', 'a', 16, 0, 16, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255};
    for (int i = between(random, 0, 4); i > 0; --i) {
        if (between(random, 0, 3) == 0) add(bytes, {0x21, 0xF9, 4, 0, 1, 0, 0, 0});
        add(bytes, {0x2C, 0, 0, 0, 0, between(random, 0, 99), 0, between(random, 0, 99), 0, 0});
        add(bytes, {between(random, 1, 8)});
        for (int block = between(random, 0, 3); block > 0; --block) {
            const int count = between(random, 1, 255);
            add(bytes, {count});
            add_noise(random, bytes, count);
        }
        add(bytes, {0});
    }
    add(bytes, {0x3B});
    if (between(random, 0, 1)) bytes.resize(between(random, 0, static_cast<int>(bytes.size())));
    return bytes;
}

}  // namespace

int main(int count, char** arguments) {
    const int rounds = count > 1 ? std::atoi(arguments[1]) : 20000;
    Random random(count > 2 ? std::atoi(arguments[2]) : 1);
    int found[4] = {};
    for (int round = 0; round < rounds; ++round) {
        const Bytes file = jpeg(random);
        ++found[walk_jpeg(file.data(), file.size())];
        const Bytes film = gif(random);
        ++found[walk_gif(film.data(), film.size())];
        Bytes coded, decoded(between(random, 1, 5000));
        add_noise(random, coded, between(random, 0, 2000));
        decode_lzw(coded.data(), coded.size(), decoded.data(), decoded.size());
        decode_packbits(coded.data(), coded.size(), decoded.data(), decoded.size());
        const std::size_t width = between(random, 1, 70);
        const int bits = between(random, 0, 1) ? 8 : 4;
        decode_bitmap_runs(coded.data(), coded.size(), decoded.data(), width,
                           decoded.size() / width, bits);
    }
    std::printf("whole %d, suspect %d, lost %d, unknown %d\n", found[0], found[1], found[2], found[3]);
    return 0;
}
