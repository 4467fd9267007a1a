#include "blocks.h"

#include <algorithm>
#include <cstdlib>

namespace {

// With 8-bit samples coefficients are at most 1024; encoders that round or sharpen exceed it slightly.
constexpr int LARGEST_DC = 1200;
constexpr int LARGEST_AC = 2048;
constexpr long long LARGEST_LEVEL = 1 << 20;

constexpr int GROUPS_OF_A_BUFFER = 3;  // that a full one holds in almost all cases

// The number that `size` bits stand for (F.2.2.1); without a branch, which would be as random as signs.
int extend(unsigned bits, int size) {
    const int value = static_cast<int>(bits), range = 1 << size;
    return value - (value < range / 2) * (range - 1);
}

}  // namespace

void Blocks::define_steps(int table, const std::array<int, SIZE>& steps) {
    steps_[table].dc = steps[0];
    for (int k = 0; k < SIZE; ++k) {
        int& bits = steps_[table].most_bits[k];
        for (bits = 0; bits < 32 && (1LL << bits) * steps[k] <= LARGEST_AC; ++bits) {}
    }
    const auto& most_bits = steps_[table].most_bits;
    steps_[table].least_bits = *std::min_element(most_bits.begin(), most_bits.end());
}

inline bool Blocks::read_dc(Bits& ahead, Component& component, int low, std::size_t mcu) {
    const auto [size, difference] = component.dc->read(ahead);
    if (size < 0 || size > 15) return false;
    component.last_dc += extend(difference, size);
    const int step = steps_[component.table].dc;
    const long long level = static_cast<long long>(component.last_dc) * (1 << low) * step;
    if (std::abs(component.last_dc) >= 1 << 16) return false;
    component.levels[mcu] += static_cast<int>(std::clamp(level, -LARGEST_LEVEL, LARGEST_LEVEL));
    suspect |= std::llabs(level) > LARGEST_DC + static_cast<long long>(step) * (1 << low);
    return true;
}

inline bool Blocks::read_ac(Bits& ahead, const Component& component) {
    const Steps& steps = steps_[component.table];
    bool large = false;
    int lowest = 0;  // coefficients of zero bits
    for (int k = 1, groups = 0; k < SIZE; ++k, ++groups) {
        if (groups % GROUPS_OF_A_BUFFER == 0) ahead.refill();
        const Group group = component.ac->peek_group(ahead);
        const int most_bits = group.most_bits;
        // A block whose last coefficient is coded has no end symbol.
        const bool fits = k + group.advance + group.ends <= SIZE;
        if (group.length && fits && most_bits <= steps.least_bits) {
            ahead.skip(group.length);
            lowest += group.lowest;
            if (group.ends) break;
            k += group.advance - 1;
            continue;
        }
        const auto [symbol, value] = component.ac->read(ahead);
        if (symbol < 0) return false;
        const int size = symbol & 15;
        k += symbol >> 4;
        if (size == 0) {
            if (symbol != 0xF0) break;
            continue;
        }
        if (k >= SIZE) return false;
        large |= size > steps.most_bits[k];
        lowest += value == 0;
    }
    // Missing data that were replaced by zeros decode to coefficients of zero bits, a real scene does
    // not.
    suspect |= large || lowest == SIZE - 1;
    return true;
}

bool Blocks::read_sequential(Component& component, std::size_t mcu) {
    Bits ahead = bits;  // a local variable, whose members are kept in registers
    const bool valid = read_dc(ahead, component, 0, mcu) && read_ac(ahead, component);
    bits = ahead;
    return valid;
}

bool Blocks::read(Component& component, const Scan& scan, int x, int y, std::size_t mcu) {
    if (!progressive) return read_sequential(component, mcu);
    std::uint64_t& nonzero =
        component.nonzero[static_cast<std::size_t>(y) * component.stride + x];
    if (scan.first == 0) {
        if (scan.high == 0) return read_dc(bits, component, scan.low, mcu);
        bits.read(1);
        return true;
    }
    return scan.high == 0 ? read_first_ac(component, scan, nonzero)
                          : read_refined_ac(component, scan, nonzero);
}

bool Blocks::read_first_ac(const Component& component, const Scan& scan, std::uint64_t& nonzero) {
    if (skipped_blocks > 0) {
        --skipped_blocks;
        return true;
    }
    for (int k = scan.first; k <= scan.last; ++k) {
        const int symbol = component.ac->read(bits).symbol;
        if (symbol < 0) return false;
        const int run = symbol >> 4, size = symbol & 15;
        if (size == 0) {
            if (run < 15) {
                skipped_blocks = (1 << run) - 1 + static_cast<int>(bits.read(run));
                return true;
            }
            k += 15;
            continue;
        }
        k += run;
        if (k > scan.last) return false;
        suspect |= size + scan.low > steps_[component.table].most_bits[k];
        nonzero |= 1ull << k;
    }
    return true;
}

bool Blocks::read_refined_ac(const Component& component, const Scan& scan, std::uint64_t& nonzero) {
    int k = scan.first;
    if (skipped_blocks == 0) {
        for (; k <= scan.last; ++k) {
            const int symbol = component.ac->read(bits).symbol;
            if (symbol < 0) return false;
            int run = symbol >> 4;
            const bool fresh = symbol & 15;
            if ((symbol & 15) > 1) return false;
            if (!fresh && run < 15) {
                skipped_blocks = (1 << run) + static_cast<int>(bits.read(run));
                break;
            }
            for (; k <= scan.last; ++k) {
                if (nonzero >> k & 1) {
                    bits.read(1);
                } else if (run-- == 0) {
                    break;
                }
            }
            if (!fresh) continue;
            if (k > scan.last) return false;
            nonzero |= 1ull << k;
        }
    }
    if (skipped_blocks > 0) {
        for (; k <= scan.last; ++k) {
            if (nonzero >> k & 1) bits.read(1);
        }
        --skipped_blocks;
    }
    return true;
}
