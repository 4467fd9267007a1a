// The blocks of a JPEG's scans (ITU-T T.81, F.2.2 and G.1.2): their codes are read, no sample is
// computed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bits.h"
#include "huffman.h"

constexpr int SIZE = 64;  // coefficients of a block

struct Component {
    int id = 0, across = 1, down = 1, table = 0;  // sampling factors, number of the quantization table
    int blocks_across = 0, blocks_down = 0;       // of a scan of its own
    int stride = 0;                               // blocks of a row, those that fill up an MCU too
    int last_dc = 0;
    int scans = 0;                                // in a sequential picture
    const Huffman* dc = nullptr;
    const Huffman* ac = nullptr;
    std::vector<int> levels{};                    // the mean of an MCU's blocks, in coefficients
    std::vector<std::uint64_t> known{};           // progressive: the coefficients that are not zero
    std::array<int, SIZE> missing_bits{};         // progressive: low bits still to come; -1: all
};

struct Scan {
    std::vector<Component*> components{};
    int first = 0, last = SIZE - 1, high = 0, low = 0;
};

// Reads one block after another; false where a code is none.
class Blocks {
public:
    Blocks(const std::uint8_t* data, const std::uint8_t* end) : bits(data, end) {}

    bool read(Component& component, const Scan& scan, int x, int y);

    Bits bits;
    bool progressive = false;
    bool suspect = false;  // a coefficient that no encoder writes was seen
    int ended_blocks = 0;  // blocks still to come of which nothing more is coded
    int mcus_across = 0;
    std::array<std::array<int, SIZE>, 4> steps{};  // of the quantization tables

private:
    bool dc(Component& component, int low, int x, int y);
    bool ac(const Component& component);
    bool first_ac(const Component& component, const Scan& scan, std::uint64_t& known);
    bool refined_ac(const Component& component, const Scan& scan, std::uint64_t& known);
    int extended(int size);
};
