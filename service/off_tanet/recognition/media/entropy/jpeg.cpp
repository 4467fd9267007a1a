#include "jpeg.h"

#include <algorithm>
#include <array>
#include <vector>

#include "blocks.h"
#include "standard.h"
#include "steps.h"

namespace {

constexpr int MAX_COMPONENTS = 4;
constexpr int MAX_SCANS = 100;  // as in `jpeg.size`
constexpr int MIN_SHIFT = 16;   // two grey levels: a DC coefficient is eight times the mean

class Walker {
public:
    Walker(const std::uint8_t* data, std::size_t size)
        : position_(data + 2), end_(data + size), blocks_(data, data + size) {
        for (int number : {0, 1}) {
            tables_[0][number].define(standard::DC_COUNTS[number].data(),
                                      standard::DC_SYMBOLS.data(), standard::DC_SYMBOLS.size());
            tables_[1][number].define(standard::AC_COUNTS[number].data(),
                                      standard::AC_SYMBOLS[number].data(),
                                      standard::AC_SYMBOLS[number].size());
        }
    }

    Outcome walk() {
        for (;;) {
            const int marker = next_marker();
            if (marker < 0 || marker == 0xD9) return final_outcome();
            if (end_ - position_ < 2) return LOST;
            const std::size_t length = position_[0] << 8 | position_[1];
            if (length < 2 || length > static_cast<std::size_t>(end_ - position_)) return LOST;
            const std::uint8_t* segment = position_ + 2;
            position_ += length;
            const Outcome outcome = read_segment(marker, segment, static_cast<int>(length) - 2);
            if (outcome >= LOST) return outcome;
        }
    }

private:
    Outcome read_segment(int marker, const std::uint8_t* data, int size) {
        switch (marker) {
            case 0xC0: case 0xC1: case 0xC2: return read_frame(marker == 0xC2, data, size);
            case 0xC4: return read_huffman_tables(data, size);
            case 0xDB: return read_quantization_tables(data, size);
            case 0xDD:
                if (size < 2) return LOST;
                interval_ = data[0] << 8 | data[1];
                return WHOLE;
            case 0xDA: return read_scan(data, size);
            case 0xC3: case 0xC5: case 0xC6: case 0xC7: case 0xC9: case 0xCA: case 0xCB:
            case 0xCC: case 0xCD: case 0xCE: case 0xCF: return UNKNOWN;
            default: return WHOLE;
        }
    }

    // Returns the next marker except RST and TEM, as `jpeg.py` does; -1 at the end of the data.
    int next_marker() {
        while (end_ - position_ >= 2) {
            const int code = position_[1];
            if (position_[0] == 0xFF && code != 0 && code != 1 && code != 0xFF &&
                (code < 0xD0 || code > 0xD7)) {
                position_ += 2;
                return code;
            }
            ++position_;
        }
        position_ = end_;
        return -1;
    }

    Outcome read_frame(bool progressive, const std::uint8_t* data, int size) {
        if (size < 6 || size < 6 + 3 * data[5] || data[5] > MAX_COMPONENTS || !data[5]) return LOST;
        if (data[0] != 8 || !components_.empty()) return UNKNOWN;
        blocks_.progressive = progressive;
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
            max_across_ = std::max(max_across_, component.across);
            max_down_ = std::max(max_down_, component.down);
        }
        lay_out(width, height);
        return WHOLE;
    }

    void lay_out(int width, int height) {
        const auto parts = [](int length, int part) { return (length + part - 1) / part; };
        mcus_across_ = parts(width, 8 * max_across_);
        mcus_down_ = parts(height, 8 * max_down_);
        for (Component& component : components_) {
            component.blocks_across = parts(parts(width * component.across, max_across_), 8);
            component.blocks_down = parts(parts(height * component.down, max_down_), 8);
            component.stride = mcus_across_ * component.across;
            component.missing_bits.fill(-1);
            component.levels.assign(static_cast<std::size_t>(mcus_across_) * mcus_down_, 0);
            if (blocks_.progressive) {
                component.nonzero.assign(
                    static_cast<std::size_t>(component.stride) * mcus_down_ * component.down, 0);
            }
        }
    }

    Outcome read_huffman_tables(const std::uint8_t* data, int size) {
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

    Outcome read_quantization_tables(const std::uint8_t* data, int size) {
        while (size > 0) {
            const int wide = data[0] >> 4, number = data[0] & 15, bytes = wide ? 128 : 64;
            if (number > 3 || size < 1 + bytes) return LOST;
            std::array<int, SIZE> steps;
            for (int k = 0; k < SIZE; ++k) {
                steps[k] = wide ? data[1 + 2 * k] << 8 | data[2 + 2 * k] : data[1 + k];
            }
            blocks_.define_steps(number, steps);
            data += 1 + bytes;
            size -= 1 + bytes;
        }
        return WHOLE;
    }

    Outcome read_scan(const std::uint8_t* data, int size) {
        if (components_.empty() || ++scans_ > MAX_SCANS) return LOST;
        const int count = size ? data[0] : 0;
        if (count < 1 || count > MAX_COMPONENTS || size < 4 + 2 * count) return LOST;
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
        if (blocks_.progressive) {
            scan.first = rest[0], scan.last = rest[1];
            scan.high = rest[2] >> 4, scan.low = rest[2] & 15;
            if (!is_valid(scan)) return LOST;
        }
        if (!has_tables(scan)) return LOST;
        for (int i = 0; i < count && !blocks_.progressive; ++i) {
            tables_[1][data[2 + 2 * i] & 15].group();
        }
        record_coverage(scan);
        const Outcome outcome = read_blocks(scan);
        position_ = blocks_.bits.position();
        return outcome;
    }

    static bool is_valid(const Scan& scan) {
        return scan.first <= scan.last && scan.last < SIZE && scan.low <= 13 &&
               (scan.first ? scan.components.size() == 1 : scan.last == 0);
    }

    bool has_tables(const Scan& scan) const {
        const bool dc = scan.first == 0 && scan.high == 0, ac = scan.last > 0;
        return std::all_of(scan.components.begin(), scan.components.end(), [&](Component* c) {
            return (!dc || c->dc->defined()) && (!ac || c->ac->defined());
        });
    }

    // Records which bits a scan codes, to find missing ones at the end.
    void record_coverage(const Scan& scan) {
        for (Component* component : scan.components) {
            ++component->scans;
            for (int k = scan.first; k <= scan.last; ++k) component->missing_bits[k] = scan.low;
        }
    }

    Outcome read_blocks(const Scan& scan) {
        const bool single = scan.components.size() == 1;
        const Component& first = *scan.components[0];
        const int across = single ? first.blocks_across : mcus_across_;
        const int down = single ? first.blocks_down : mcus_down_;
        blocks_.bits.start_at(position_);
        restart();
        restarts_ = 0;
        int remaining = interval_;
        for (int y = 0; y < down; ++y) {
            for (int x = 0; x < across; ++x) {
                if (interval_ && remaining-- == 0) {
                    if (!read_restart_marker()) return LOST;
                    remaining = interval_ - 1;
                }
                if (!read_mcu(scan, single, x, y)) return LOST;
            }
            if (blocks_.bits.overrun()) return LOST;
        }
        check_end();
        return WHOLE;
    }

    bool read_mcu(const Scan& scan, bool single, int x, int y) {
        if (single) {
            Component& component = *scan.components[0];
            const int row = y / component.down, column = x / component.across;
            return blocks_.read(component, scan, x, y, mcu(column, row));
        }
        for (Component* component : scan.components) {
            for (int v = 0; v < component->down; ++v) {
                for (int h = 0; h < component->across; ++h) {
                    if (!blocks_.read(*component, scan, x * component->across + h,
                                      y * component->down + v, mcu(x, y))) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    std::size_t mcu(int column, int row) const {
        return static_cast<std::size_t>(row) * mcus_across_ + column;
    }

    void restart() {
        blocks_.skipped_blocks = 0;
        for (Component& component : components_) component.last_dc = 0;
    }

    // Reads a restart marker; false if the next marker is not the expected one.
    bool read_restart_marker() {
        if (blocks_.bits.overrun()) return false;
        check_end();
        const std::uint8_t* position = blocks_.bits.position();
        while (end_ - position >= 2 &&
               !(position[0] == 0xFF && position[1] != 0 && position[1] != 0xFF)) {
            ++position;
        }
        if (end_ - position < 2 || position[1] != 0xD0 + restarts_) return false;
        restarts_ = (restarts_ + 1) & 7;
        blocks_.bits.start_at(position + 2);
        restart();
        return true;
    }

    // Checks the data between the last block and the next marker: encoders write nothing there, or
    // equal bytes.
    void check_end() {
        blocks_.suspect |= blocks_.skipped_blocks > 0;
        blocks_.suspect |= !blocks_.bits.padded();
        const std::uint8_t* position = blocks_.bits.position();
        for (; position < end_ && (*position == 0 || *position == 0xFF); ++position) {
            if (*position == 0xFF && position + 1 < end_ && position[1] != 0 && position[1] != 0xFF) {
                return;
            }
        }
        blocks_.suspect |= position < end_;
    }

    Outcome final_outcome() const {
        if (components_.empty()) return LOST;
        bool incomplete = false, shifted = false;
        for (const Component& component : components_) {
            if (component.scans == 0 || component.missing_bits[0] < 0) return LOST;
            incomplete |= std::any_of(component.missing_bits.begin(), component.missing_bits.end(),
                                      [](int bits) { return bits != 0; });
            // After a restart the levels start again.
            const int min_shift = MIN_SHIFT * component.across * component.down;
            shifted |= !interval_ && has_level_shift(component.levels, mcus_across_, mcus_down_,
                                                     min_shift);
        }
        return blocks_.suspect || shifted || (blocks_.progressive && incomplete) ? SUSPECT : WHOLE;
    }

    const std::uint8_t* position_;
    const std::uint8_t* end_;
    Blocks blocks_;
    int interval_ = 0;
    int restarts_ = 0;
    int scans_ = 0;
    int max_across_ = 1, max_down_ = 1;
    int mcus_across_ = 0, mcus_down_ = 0;
    std::vector<Component> components_{};
    std::array<std::array<Huffman, 4>, 2> tables_{};
};

}  // namespace

Outcome walk_jpeg(const std::uint8_t* data, std::size_t size) {
    if (size < 4 || data[0] != 0xFF || data[1] != 0xD8) return LOST;
    return Walker(data, size).walk();
}
