#include "blocks.h"

#include <algorithm>
#include <cstdlib>

namespace {

// With 8-bit samples coefficients are at most 1024; encoders that round or sharpen exceed it slightly.
constexpr int LARGEST_DC = 1200;
constexpr int LARGEST_AC = 2048;
constexpr long long LARGEST_LEVEL = 1 << 20;

}  // namespace

bool Blocks::read(Component& component, const Scan& scan, int x, int y) {
    if (!progressive) return read_dc(component, 0, x, y) && read_ac(component);
    std::uint64_t& nonzero =
        component.nonzero[static_cast<std::size_t>(y) * component.stride + x];
    if (scan.first == 0) {
        if (scan.high == 0) return read_dc(component, scan.low, x, y);
        bits.read(1);
        return true;
    }
    return scan.high == 0 ? read_first_ac(component, scan, nonzero)
                          : read_refined_ac(component, scan, nonzero);
}

bool Blocks::read_dc(Component& component, int low, int x, int y) {
    const int size = component.dc->read(bits);
    if (size < 0 || size > 15) return false;
    component.last_dc += read_extended(size);
    const long long value = static_cast<long long>(component.last_dc) * (1 << low);
    const int step = steps[component.table][0];
    if (std::abs(component.last_dc) >= 1 << 16) return false;
    const std::size_t mcu = static_cast<std::size_t>(y / component.down) * mcus_across +
                            x / component.across;
    component.levels[mcu] += static_cast<int>(
        std::clamp(value * step, -LARGEST_LEVEL, LARGEST_LEVEL) /
        (component.across * component.down));
    suspect |= std::llabs(value * step) > LARGEST_DC + static_cast<long long>(step) * (1 << low);
    return true;
}

bool Blocks::read_ac(const Component& component) {
    int lowest = 0;  // coefficients of zero bits
    for (int k = 1; k < SIZE; ++k) {
        const int symbol = component.ac->read(bits);
        if (symbol < 0) return false;
        const int size = symbol & 15;
        if (size == 0) {
            if (symbol != 0xF0) break;
            k += 15;
            continue;
        }
        k += symbol >> 4;
        if (k >= SIZE) return false;
        suspect |= (1 << (size - 1)) * steps[component.table][k] > LARGEST_AC;
        lowest += bits.peek(size) == 0;
        bits.skip(size);
    }
    // Missing data that were replaced by zeros decode to this, a real scene does not.
    suspect |= lowest == SIZE - 1;
    return true;
}

bool Blocks::read_first_ac(const Component& component, const Scan& scan, std::uint64_t& nonzero) {
    if (skipped_blocks > 0) {
        --skipped_blocks;
        return true;
    }
    for (int k = scan.first; k <= scan.last; ++k) {
        const int symbol = component.ac->read(bits);
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
        suspect |= (1LL << (size - 1 + scan.low)) * steps[component.table][k] > LARGEST_AC;
        bits.read(size);
        nonzero |= 1ull << k;
    }
    return true;
}

bool Blocks::read_refined_ac(const Component& component, const Scan& scan, std::uint64_t& nonzero) {
    int k = scan.first;
    if (skipped_blocks == 0) {
        for (; k <= scan.last; ++k) {
            const int symbol = component.ac->read(bits);
            if (symbol < 0) return false;
            int run = symbol >> 4;
            const bool fresh = symbol & 15;
            if ((symbol & 15) > 1) return false;
            if (fresh) {
                bits.read(1);
            } else if (run < 15) {
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

int Blocks::read_extended(int size) {
    if (size == 0) return 0;
    const int value = static_cast<int>(bits.read(size));
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}
