// A Huffman table of a JPEG (ITU-T T.81, annexes C and F.2.2.3).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "bits.h"

// A symbol, and the bits that follow its code: as many as the lower half of the symbol says.
struct Coded {
    int symbol;
    unsigned value;
};

// As many symbols with their bits as fit into a few bits, all zero if none does.
struct Group {
    std::uint32_t length : 4;     // in bits
    std::uint32_t advance : 7;    // coefficients, zeros included
    std::uint32_t most_bits : 4;  // of a value
    std::uint32_t lowest : 3;     // values whose bits are zero
    std::uint32_t ends : 1;       // whether the last symbol ends the block (EOB)
};

class Huffman {
public:
    // Builds the table from the number of codes of each length, 1 to 16, and their symbols. Returns
    // false if the codes of a length do not fit.
    bool define(const std::uint8_t* counts, const std::uint8_t* symbols, int total) {
        direct_.fill(0);
        groups_.clear();
        int code = 0, index = 0;
        for (int length = 1; length <= 16; ++length) {
            first_[length] = index - code;
            for (int i = 0; i < counts[length - 1]; ++i, ++code, ++index) {
                if (code >= 1 << length || index >= total) return false;
                symbols_[index] = symbols[index];
                if (length <= DIRECT) add_to_lookup(code, length, symbols[index]);
            }
            beyond_[length] = code;
            code <<= 1;
        }
        defined_ = true;
        return true;
    }

    bool defined() const { return defined_; }

    // Reads a symbol and its bits. The symbol is -1 if the next bits are no code.
    Coded read(Bits& bits) const {
        const unsigned ahead = bits.peek(32);
        const std::uint16_t entry = direct_[ahead >> (32 - DIRECT)];
        if (entry) return take(bits, ahead, entry & 0xFF, entry >> 8);
        for (int length = DIRECT + 1; length <= 16; ++length) {
            const int code = static_cast<int>(ahead >> (32 - length));
            if (code < beyond_[length]) {
                const int symbol = symbols_[first_[length] + code];
                return take(bits, ahead, symbol, length + (symbol & 15));
            }
        }
        return {-1, 0};
    }

    // Prepares `peek_group`.
    void group() {
        if (!groups_.empty()) return;
        groups_.resize(1 << GROUPED);
        for (unsigned bits = 0; bits < groups_.size(); ++bits) add_symbols(bits, groups_[bits]);
    }

    // Returns the group that the next bits start with.
    Group peek_group(Bits& bits) const { return groups_[bits.peek(32) >> (32 - GROUPED)]; }

private:
    static constexpr int DIRECT = 10;   // bits that index the lookup table
    static constexpr int GROUPED = 11;  // bits that index the groups
    static constexpr int MOST_ADVANCE = 63;

    void add_symbols(unsigned bits, Group& group) const {
        while (!group.ends) {
            const unsigned rest = bits << group.length & ((1u << GROUPED) - 1);
            const std::uint16_t entry = direct_[rest >> (GROUPED - DIRECT)];
            const unsigned symbol = entry & 0xFF, length = entry >> 8, size = symbol & 15;
            const unsigned advance = (symbol >> 4) + 1;
            if (!entry || group.length + length > GROUPED) return;
            if (size == 0 && symbol != 0xF0) {
                group.ends = 1;
            } else if (group.advance + advance > MOST_ADVANCE) {
                return;
            } else {
                group.advance += advance;
                group.most_bits = std::max<unsigned>(group.most_bits, size);
                const unsigned value = rest >> (GROUPED - length) & ((1u << size) - 1);
                group.lowest += size > 0 && value == 0;
            }
            group.length += length;
        }
    }

    // `length` counts the bits of code and value, 31 at most.
    static Coded take(Bits& bits, unsigned ahead, int symbol, int length) {
        bits.skip(length);
        return {symbol, ahead >> (32 - length) & ((1u << (symbol & 15)) - 1)};
    }

    void add_to_lookup(int code, int length, std::uint8_t symbol) {
        const int spare = DIRECT - length, whole = length + (symbol & 15);
        for (int i = 0; i < 1 << spare; ++i) {
            direct_[(code << spare) + i] = static_cast<std::uint16_t>(whole << 8 | symbol);
        }
    }

    // Symbol, and length of code and value; 0 for longer codes.
    std::array<std::uint16_t, 1 << DIRECT> direct_{};
    std::vector<Group> groups_{};
    std::array<std::uint8_t, 256> symbols_{};
    std::array<int, 17> first_{};   // added to a code of that length: its index in `symbols_`
    std::array<int, 17> beyond_{};  // the first value that is no code of that length
    bool defined_ = false;
};
