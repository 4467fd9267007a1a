#include "lists.h"

#include <cstdint>
#include <cstring>
#include <limits>

namespace {

static_assert(std::numeric_limits<double>::is_iec559 && std::numeric_limits<float>::is_iec559);

// Powers of ten that are exact as doubles.
constexpr double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int MAX_POWER = 22;
constexpr int MAX_EXPONENT_DIGITS = 3;   // of exponents that are computed here
constexpr int MAX_DIGITS = 19;           // that always fit into 64 bits
constexpr std::uint64_t EXACT = std::uint64_t{1} << 53;  // integers up to it are exact as doubles

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::uint64_t load(const char* text) {
    std::uint64_t bytes = 0;
    for (int i = 0; i < 8; ++i) {  // one instruction on little-endian processors
        bytes |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
    }
    return bytes;
}

bool are_digits(std::uint64_t bytes) {
    constexpr std::uint64_t high = 0xF0F0F0F0F0F0F0F0, zeros = 0x3030303030303030;
    return (bytes & high) == zeros && ((bytes + 0x0606060606060606) & high) == zeros;
}

// The value of eight digits: pairs, then fours, then all of them.
std::uint64_t value_of(std::uint64_t bytes) {
    bytes &= 0x0F0F0F0F0F0F0F0F;
    bytes = (bytes * 10 + (bytes >> 8)) & 0x00FF00FF00FF00FF;
    bytes = (bytes * 100 + (bytes >> 16)) & 0x0000FFFF0000FFFF;
    return (bytes * 10000 + (bytes >> 32)) & 0xFFFFFFFF;
}

// A decimal number: digits * 10^exponent.
struct Decimal {
    std::uint64_t digits = 0;
    int count = 0;      // of digits without leading zeros
    int exponent = 0;
    bool exact = true;  // otherwise there are more digits than these, or a huge exponent
};

// Whether rounding `value`, which is off by up to two units in its last place, to float gives the
// float that is the nearest to the true number.
bool rounds_surely(double value) {
    constexpr std::int64_t below_float = (std::int64_t{1} << 29) - 1, half = std::int64_t{1} << 28;
    constexpr std::int64_t margin = 8;
    const double size = value < 0 ? -value : value;
    if (size < std::numeric_limits<float>::min() || size >= std::numeric_limits<float>::max()) {
        return false;
    }
    std::int64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const std::int64_t from_half = (bits & below_float) - half;
    return from_half > margin || from_half < -margin;
}

class Parser {
public:
    Parser(const char* text, std::size_t size, Convert convert, float* values)
        : at_(text), end_(text + size), convert_(convert), values_(values) {}

    bool all(const std::size_t* shape, std::size_t dimensions) {
        if (!list(shape, dimensions)) return false;
        skip_space();
        return at_ == end_;
    }

private:
    bool list(const std::size_t* shape, std::size_t dimensions) {
        if (!take('[')) return false;
        for (std::size_t i = 0; i < shape[0]; ++i) {
            if (i > 0 && !take(',')) return false;
            if (dimensions > 1 ? !list(shape + 1, dimensions - 1) : !number()) return false;
        }
        return take(']');
    }

    void skip_space() {
        while (at_ < end_ && is_space(*at_)) ++at_;
    }

    bool take(char expected) {
        skip_space();
        if (at_ == end_ || *at_ != expected) return false;
        ++at_;
        return true;
    }

    bool number() {
        skip_space();
        const char* start = at_;
        const bool negative = at_ < end_ && *at_ == '-';
        at_ += negative;
        Decimal decimal;
        if (!read(decimal)) return false;
        *values_++ = rounded(decimal, negative, start);
        return true;
    }

    // Reads a number without its sign, as the grammar of JSON has it (RFC 8259, section 6).
    bool read(Decimal& decimal) {
        if (at_ == end_ || !is_digit(*at_)) return false;
        if (*at_ == '0') {
            ++at_;
        } else {
            read_digits(decimal);
        }
        if (at_ < end_ && *at_ == '.') {
            const char* first = ++at_;
            if (decimal.count == 0) {
                while (at_ < end_ && *at_ == '0') ++at_;
            }
            read_digits(decimal);
            if (at_ == first) return false;
            const auto places = at_ - first;
            decimal.exact &= places <= 2 * MAX_DIGITS;
            decimal.exponent = decimal.exact ? -static_cast<int>(places) : 0;
        }
        return at_ == end_ || (*at_ | 0x20) != 'e' || read_exponent(decimal);
    }

    void read_digits(Decimal& decimal) {
        const char* first = at_;
        for (; end_ - at_ >= 8; at_ += 8) {
            const std::uint64_t bytes = load(at_);
            if (!are_digits(bytes)) break;
            decimal.digits = decimal.digits * 100000000 + value_of(bytes);
        }
        for (; at_ < end_ && is_digit(*at_); ++at_) {
            decimal.digits = decimal.digits * 10 + static_cast<std::uint64_t>(*at_ - '0');
        }
        decimal.exact &= at_ - first <= MAX_DIGITS - decimal.count;
        if (decimal.exact) decimal.count += static_cast<int>(at_ - first);
    }

    bool read_exponent(Decimal& decimal) {
        ++at_;
        const bool negative = at_ < end_ && *at_ == '-';
        if (at_ < end_ && (*at_ == '-' || *at_ == '+')) ++at_;
        const char* first = at_;
        int exponent = 0;
        for (; at_ < end_ && is_digit(*at_); ++at_) {
            if (at_ - first < MAX_EXPONENT_DIGITS) exponent = exponent * 10 + (*at_ - '0');
        }
        decimal.exact &= at_ - first <= MAX_EXPONENT_DIGITS;
        decimal.exponent += negative ? -exponent : exponent;
        return at_ > first;
    }

    // The float that the nearest double is rounded to. Arithmetic in doubles is exact enough for
    // nearly all numbers; the others, and those close to the middle between two floats, are
    // converted with as many digits as they need.
    float rounded(const Decimal& decimal, bool negative, const char* start) const {
        const int exponent = decimal.exponent;
        if (decimal.exact && decimal.digits == 0) return negative ? -0.0F : 0.0F;
        if (decimal.exact && exponent >= -2 * MAX_POWER && exponent <= MAX_POWER) {
            double value = static_cast<double>(decimal.digits);
            if (exponent >= 0) {
                value *= POWERS[exponent];
            } else if (exponent >= -MAX_POWER) {
                value /= POWERS[-exponent];
            } else {
                value = value / POWERS[MAX_POWER] / POWERS[-exponent - MAX_POWER];
            }
            // Integers and quotients of exact numbers are the nearest doubles.
            const bool nearest = decimal.digits <= EXACT && exponent >= -MAX_POWER;
            if (nearest || rounds_surely(value)) {
                return static_cast<float>(negative ? -value : value);
            }
        }
        char* end = nullptr;
        return static_cast<float>(convert_(start, &end, nullptr));
    }

    const char* at_;
    const char* const end_;
    const Convert convert_;
    float* values_;
};

}  // namespace

EXPORTED bool off_tanet_parse_lists(const char* text, std::size_t size, const std::size_t* shape,
                                    std::size_t dimensions, Convert convert, float* values) {
    return Parser(text, size, convert, values).all(shape, dimensions);
}
