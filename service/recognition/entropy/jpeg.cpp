#include "jpeg.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "bits.h"
#include "huffman.h"
#include "steps.h"

namespace {

constexpr int SIZE = 64;             // coefficients of a block
constexpr int MOST_COMPONENTS = 4;
constexpr int MOST_SCANS = 100;      // as `jpeg.size` has it
// Of 8-bit samples no coefficient is larger than 1024; rounding and sharpening encoders go beyond it.
constexpr int LARGEST_DC = 1200;
constexpr int LARGEST_AC = 2048;
constexpr long long LARGEST_LEVEL = 1 << 20;
constexpr int LEAST_SHIFT = 16;      // two grey levels: a coefficient is eight times the mean

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

class Walker {
public:
    Walker(const std::uint8_t* data, std::size_t size)
        : place_(data + 2), end_(data + size), bits_(data, data + size) {}

    Outcome walk() {
        for (;;) {
            const int marker = next_marker();
            if (marker < 0 || marker == 0xD9) return finished();
            if (end_ - place_ < 2) return LOST;
            const std::size_t length = place_[0] << 8 | place_[1];
            if (length < 2 || length > static_cast<std::size_t>(end_ - place_)) return LOST;
            const std::uint8_t* segment = place_ + 2;
            place_ += length;
            const Outcome outcome = read(marker, segment, static_cast<int>(length) - 2);
            if (outcome >= LOST) return outcome;
        }
    }

private:
    Outcome read(int marker, const std::uint8_t* data, int size) {
        switch (marker) {
            case 0xC0: case 0xC1: case 0xC2: return frame(marker == 0xC2, data, size);
            case 0xC4: return huffman_tables(data, size);
            case 0xDB: return quantization_tables(data, size);
            case 0xDD:
                if (size < 2) return LOST;
                interval_ = data[0] << 8 | data[1];
                return WHOLE;
            case 0xDA: return scan(data, size);
            case 0xC3: case 0xC5: case 0xC6: case 0xC7: case 0xC9: case 0xCA: case 0xCB:
            case 0xCC: case 0xCD: case 0xCE: case 0xCF: return UNKNOWN;
            default: return WHOLE;
        }
    }

    // The next marker but RST and TEM, as `jpeg.py` finds it; -1 at the end of the data.
    int next_marker() {
        while (end_ - place_ >= 2) {
            const int code = place_[1];
            if (place_[0] == 0xFF && code != 0 && code != 1 && code != 0xFF &&
                (code < 0xD0 || code > 0xD7)) {
                place_ += 2;
                return code;
            }
            ++place_;
        }
        place_ = end_;
        return -1;
    }

    Outcome frame(bool progressive, const std::uint8_t* data, int size) {
        if (size < 6 || size < 6 + 3 * data[5] || data[5] > MOST_COMPONENTS || !data[5]) return LOST;
        if (data[0] != 8 || !components_.empty()) return UNKNOWN;
        progressive_ = progressive;
        const int height = data[1] << 8 | data[2], width = data[3] << 8 | data[4];
        if (!height || !width) return UNKNOWN;
        components_.resize(data[5]);
        for (std::size_t i = 0; i < components_.size(); ++i) {
            const std::uint8_t* entry = data + 6 + 3 * i;
            Component& component = components_[i];
            component.id = entry[0];
            component.across = entry[1] >> 4;
            component.down = entry[1] & 15;
            component.table = entry[2] & 3;
            if (!component.across || !component.down || component.across > 4 || component.down > 4) {
                return LOST;
            }
            most_across_ = std::max(most_across_, component.across);
            most_down_ = std::max(most_down_, component.down);
        }
        lay_out(width, height);
        return WHOLE;
    }

    void lay_out(int width, int height) {
        const auto parts = [](int length, int part) { return (length + part - 1) / part; };
        mcus_across_ = parts(width, 8 * most_across_);
        mcus_down_ = parts(height, 8 * most_down_);
        for (Component& component : components_) {
            component.blocks_across = parts(parts(width * component.across, most_across_), 8);
            component.blocks_down = parts(parts(height * component.down, most_down_), 8);
            component.stride = mcus_across_ * component.across;
            component.missing_bits.fill(-1);
            component.levels.assign(static_cast<std::size_t>(mcus_across_) * mcus_down_, 0);
            if (progressive_) {
                component.known.assign(
                    static_cast<std::size_t>(component.stride) * mcus_down_ * component.down, 0);
            }
        }
    }

    Outcome huffman_tables(const std::uint8_t* data, int size) {
        while (size > 0) {
            if (size < 17) return LOST;
            int total = 0;
            for (int i = 1; i <= 16; ++i) total += data[i];
            const int kind = data[0] >> 4, number = data[0] & 15;
            if (kind > 1 || number > 3 || total > 256 || size < 17 + total) return LOST;
            if (!tables_[kind][number].define(data + 1, data + 17, total)) return LOST;
            data += 17 + total;
            size -= 17 + total;
        }
        return WHOLE;
    }

    Outcome quantization_tables(const std::uint8_t* data, int size) {
        while (size > 0) {
            const int wide = data[0] >> 4, number = data[0] & 15, bytes = wide ? 128 : 64;
            if (number > 3 || size < 1 + bytes) return LOST;
            for (int k = 0; k < SIZE; ++k) {
                steps_[number][k] = wide ? data[1 + 2 * k] << 8 | data[2 + 2 * k] : data[1 + k];
            }
            data += 1 + bytes;
            size -= 1 + bytes;
        }
        return WHOLE;
    }

    Outcome scan(const std::uint8_t* data, int size) {
        if (components_.empty() || ++scans_ > MOST_SCANS) return LOST;
        const int count = size ? data[0] : 0;
        if (count < 1 || count > MOST_COMPONENTS || size < 4 + 2 * count) return LOST;
        Scan scan;
        for (int i = 0; i < count; ++i) {
            const auto found =
                std::find_if(components_.begin(), components_.end(),
                             [&](const Component& c) { return c.id == data[1 + 2 * i]; });
            const int tables = data[2 + 2 * i];
            if (found == components_.end() || (tables >> 4) > 3 || (tables & 15) > 3) return LOST;
            found->dc = &tables_[0][tables >> 4];
            found->ac = &tables_[1][tables & 15];
            scan.components.push_back(&*found);
        }
        const std::uint8_t* rest = data + 1 + 2 * count;
        if (progressive_) {
            scan.first = rest[0], scan.last = rest[1];
            scan.high = rest[2] >> 4, scan.low = rest[2] & 15;
            if (!lawful(scan)) return LOST;
        }
        if (!defined(scan)) return LOST;
        note(scan);
        const Outcome outcome = blocks(scan);
        place_ = bits_.position();
        return outcome;
    }

    static bool lawful(const Scan& scan) {
        return scan.first <= scan.last && scan.last < SIZE && scan.low <= 13 &&
               (scan.first ? scan.components.size() == 1 : scan.last == 0);
    }

    bool defined(const Scan& scan) const {
        const bool dc = scan.first == 0 && scan.high == 0, ac = scan.last > 0;
        return std::all_of(scan.components.begin(), scan.components.end(), [&](Component* c) {
            return (!dc || c->dc->defined()) && (!ac || c->ac->defined());
        });
    }

    // What a scan brings, so that at the end it is known what is missing.
    void note(const Scan& scan) {
        for (Component* component : scan.components) {
            ++component->scans;
            for (int k = scan.first; k <= scan.last; ++k) component->missing_bits[k] = scan.low;
        }
    }

    Outcome blocks(const Scan& scan) {
        const bool alone = scan.components.size() == 1;
        const Component& first = *scan.components[0];
        const int across = alone ? first.blocks_across : mcus_across_;
        const int down = alone ? first.blocks_down : mcus_down_;
        bits_.start_at(place_);
        restart();
        restarts_ = 0;
        int left = interval_;
        for (int y = 0; y < down; ++y) {
            for (int x = 0; x < across; ++x) {
                if (interval_ && left-- == 0) {
                    if (!restart_marker()) return LOST;
                    left = interval_ - 1;
                }
                if (!mcu(scan, alone, x, y)) return LOST;
            }
            if (bits_.overrun()) return LOST;
        }
        look_at_end();
        return WHOLE;
    }

    bool mcu(const Scan& scan, bool alone, int x, int y) {
        if (alone) return block(*scan.components[0], scan, x, y);
        for (Component* component : scan.components) {
            for (int v = 0; v < component->down; ++v) {
                for (int h = 0; h < component->across; ++h) {
                    if (!block(*component, scan, x * component->across + h, y * component->down + v)) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    bool block(Component& component, const Scan& scan, int x, int y) {
        if (!progressive_) return dc(component, 0, x, y) && ac(component);
        std::uint64_t& known =
            component.known[static_cast<std::size_t>(y) * component.stride + x];
        if (scan.first == 0) {
            if (scan.high == 0) return dc(component, scan.low, x, y);
            bits_.read(1);
            return true;
        }
        return scan.high == 0 ? first_ac(component, scan, known) : refined_ac(component, scan, known);
    }

    bool dc(Component& component, int low, int x, int y) {
        const int size = component.dc->read(bits_);
        if (size < 0 || size > 15) return false;
        component.last_dc += extended(size);
        const long long value = static_cast<long long>(component.last_dc) * (1 << low);
        const int step = steps_[component.table][0];
        if (std::abs(component.last_dc) >= 1 << 16) return false;
        const std::size_t mcu = static_cast<std::size_t>(y / component.down) * mcus_across_ +
                                x / component.across;
        component.levels[mcu] += static_cast<int>(
            std::clamp(value * step, -LARGEST_LEVEL, LARGEST_LEVEL) /
            (component.across * component.down));
        suspect_ |= std::llabs(value * step) > LARGEST_DC + static_cast<long long>(step) * (1 << low);
        return true;
    }

    bool ac(const Component& component) {
        int lowest = 0;  // coefficients of zero bits
        for (int k = 1; k < SIZE; ++k) {
            const int symbol = component.ac->read(bits_);
            if (symbol < 0) return false;
            const int size = symbol & 15;
            if (size == 0) {
                if (symbol != 0xF0) break;
                k += 15;
                continue;
            }
            k += symbol >> 4;
            if (k >= SIZE) return false;
            suspect_ |= (1 << (size - 1)) * steps_[component.table][k] > LARGEST_AC;
            lowest += bits_.peek(size) == 0;
            bits_.skip(size);
        }
        // As a hole that was filled with zeros is decoded, and no scene.
        suspect_ |= lowest == SIZE - 1;
        return true;
    }

    bool first_ac(const Component& component, const Scan& scan, std::uint64_t& known) {
        if (run_ > 0) {
            --run_;
            return true;
        }
        for (int k = scan.first; k <= scan.last; ++k) {
            const int symbol = component.ac->read(bits_);
            if (symbol < 0) return false;
            const int run = symbol >> 4, size = symbol & 15;
            if (size == 0) {
                if (run < 15) {
                    run_ = (1 << run) - 1 + static_cast<int>(bits_.read(run));
                    return true;
                }
                k += 15;
                continue;
            }
            k += run;
            if (k > scan.last) return false;
            suspect_ |= (1LL << (size - 1 + scan.low)) * steps_[component.table][k] > LARGEST_AC;
            bits_.read(size);
            known |= 1ull << k;
        }
        return true;
    }

    bool refined_ac(const Component& component, const Scan& scan, std::uint64_t& known) {
        int k = scan.first;
        if (run_ == 0) {
            for (; k <= scan.last; ++k) {
                const int symbol = component.ac->read(bits_);
                if (symbol < 0) return false;
                int run = symbol >> 4;
                const bool fresh = symbol & 15;
                if ((symbol & 15) > 1) return false;
                if (fresh) {
                    bits_.read(1);
                } else if (run < 15) {
                    run_ = (1 << run) + static_cast<int>(bits_.read(run));
                    break;
                }
                for (; k <= scan.last; ++k) {
                    if (known >> k & 1) {
                        bits_.read(1);
                    } else if (run-- == 0) {
                        break;
                    }
                }
                if (!fresh) continue;
                if (k > scan.last) return false;
                known |= 1ull << k;
            }
        }
        if (run_ > 0) {
            for (; k <= scan.last; ++k) {
                if (known >> k & 1) bits_.read(1);
            }
            --run_;
        }
        return true;
    }

    int extended(int size) {
        if (size == 0) return 0;
        const int value = static_cast<int>(bits_.read(size));
        return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
    }

    void restart() {
        run_ = 0;
        for (Component& component : components_) component.last_dc = 0;
    }

    // Whether the next marker is the next of the restarts'.
    bool restart_marker() {
        if (bits_.overrun()) return false;
        look_at_end();
        const std::uint8_t* place = bits_.position();
        while (end_ - place >= 2 && !(place[0] == 0xFF && place[1] != 0 && place[1] != 0xFF)) ++place;
        if (end_ - place < 2 || place[1] != 0xD0 + restarts_) return false;
        restarts_ = (restarts_ + 1) & 7;
        bits_.start_at(place + 2);
        restart();
        return true;
    }

    // Encoders leave nothing between the last block and the next marker, or bytes that are all alike.
    void look_at_end() {
        suspect_ |= run_ > 0;
        suspect_ |= !bits_.padded();
        const std::uint8_t* place = bits_.position();
        for (; place < end_ && (*place == 0 || *place == 0xFF); ++place) {
            if (*place == 0xFF && place + 1 < end_ && place[1] != 0 && place[1] != 0xFF) return;
        }
        suspect_ |= place < end_;
    }

    Outcome finished() const {
        if (components_.empty()) return LOST;
        bool rough = false, lifted = false;
        for (const Component& component : components_) {
            if (component.scans == 0 || component.missing_bits[0] < 0) return LOST;
            rough |= std::any_of(component.missing_bits.begin(), component.missing_bits.end(),
                                 [](int bits) { return bits != 0; });
            // Behind a restart the levels begin anew.
            lifted |= !interval_ && shifted(component.levels, mcus_across_, mcus_down_, LEAST_SHIFT);
        }
        return suspect_ || lifted || (progressive_ && rough) ? SUSPECT : WHOLE;
    }

    const std::uint8_t* place_;
    const std::uint8_t* end_;
    Bits bits_;
    bool progressive_ = false;
    bool suspect_ = false;
    int interval_ = 0;
    int restarts_ = 0;
    int scans_ = 0;
    int run_ = 0;  // blocks still to come that end at once
    int most_across_ = 1, most_down_ = 1, mcus_across_ = 0, mcus_down_ = 0;
    std::vector<Component> components_{};
    std::array<std::array<Huffman, 4>, 2> tables_{};
    std::array<std::array<int, SIZE>, 4> steps_{};
};

}  // namespace

Outcome walk_jpeg(const std::uint8_t* data, std::size_t size) {
    if (size < 4 || data[0] != 0xFF || data[1] != 0xD8) return LOST;
    return Walker(data, size).walk();
}
