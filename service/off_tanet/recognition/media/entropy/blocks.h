// Parses the coded blocks in the scans of a JPEG (ITU-T T.81, F.2.2 and G.1.2) without computing
// samples.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bits.h"
#include "huffman.h"

constexpr int SIZE = 64;  // coefficients of a block

struct Component {
    int id = 0, across = 1, down = 1, table = 0;  // sampling factors, index of the quantization table
    int blocks_across = 0, blocks_down = 0;       // in a scan of this component only
    int stride = 0;                               // blocks in a row, including those that pad an MCU
    int last_dc = 0;
    int scans = 0;                                // that contain this component
    const Huffman* dc = nullptr;
    const Huffman* ac = nullptr;
    std::vector<int> levels{};                    // the sum of an MCU's blocks, in coefficients
    std::vector<std::uint64_t> nonzero{};         // progressive: nonzero coefficients, one bit each
    std::array<int, SIZE> missing_bits{};         // progressive: low bits not coded yet; -1: all
};

struct Scan {
    std::vector<Component*> components{};
    int first = 0, last = SIZE - 1, high = 0, low = 0;
};

// Reads block after block. Functions return false for an invalid code.
class Blocks {
public:
    Blocks(const std::uint8_t* data, const std::uint8_t* end) : bits(data, end) {
        for (int table = 0; table < TABLES; ++table) define_steps(table, {});
    }

    // Reads the block at (x, y) of a component, which is in the MCU of that number.
    bool read(Component& component, const Scan& scan, int x, int y, std::size_t mcu);

    void define_steps(int table, const std::array<int, SIZE>& steps);

    Bits bits;
    bool progressive = false;
    bool suspect = false;    // a coefficient had a value that no encoder writes
    int skipped_blocks = 0;  // number of following blocks without further codes (EOBRUN)

private:
    // A quantization table.
    struct Steps {
        int dc = 0;
        // The most bits of each coefficient, in the units of `Scan::low` 0.
        std::array<int, SIZE> most_bits{};
        int least_bits = 0;  // the least of them
    };

    bool read_sequential(Component& component, std::size_t mcu);
    bool read_dc(Bits& ahead, Component& component, int low, std::size_t mcu);
    bool read_ac(Bits& ahead, const Component& component);
    bool read_first_ac(const Component& component, const Scan& scan, std::uint64_t& nonzero);
    bool read_refined_ac(const Component& component, const Scan& scan, std::uint64_t& nonzero);

    static constexpr int TABLES = 4;
    std::array<Steps, TABLES> steps_{};
};
