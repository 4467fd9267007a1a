// Parses damaged lists of numbers. Built with the sanitizers by `make sanitize`; ends at the first
// fault. Usage: program [ROUNDS [SEED]]
#include "lists.h"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using Random = std::mt19937;

int between(Random& random, int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
}

std::string digits(Random& random, int most) {
    std::string text;
    for (int i = between(random, 1, most); i > 0; --i) text += static_cast<char>('0' + between(random, 0, 9));
    return text;
}

std::string number(Random& random) {
    std::string text = between(random, 0, 1) ? "-" : "";
    text += between(random, 0, 1) ? "0" : "7" + digits(random, 30);
    if (between(random, 0, 3)) text += "." + std::string(between(random, 0, 40), '0') + digits(random, 30);
    if (between(random, 0, 2) == 0) text += (between(random, 0, 1) ? "e-" : "E") + digits(random, 5);
    return text;
}

std::string lists(Random& random, const std::vector<std::size_t>& shape, std::size_t level) {
    if (level == shape.size()) return number(random);
    std::string text = "[";
    for (std::size_t i = 0; i < shape[level]; ++i) text += (i ? ", " : "") + lists(random, shape, level + 1);
    return text + "]";
}

void damage(Random& random, std::string& text) {
    constexpr char likely[] = "[],.-+eE0123456789 \0x";
    for (int i = between(random, 0, 3); i > 0; --i) {
        text[between(random, 0, static_cast<int>(text.size()) - 1)] = likely[between(random, 0, sizeof likely - 2)];
    }
    if (between(random, 0, 3) == 0) text.resize(between(random, 0, static_cast<int>(text.size())));
}

double convert(const char* text, char** end, void*) { return std::strtod(text, end); }

// The values of the text, in memory without a byte to spare.
bool parses(const std::string& text, const std::vector<std::size_t>& shape) {
    std::size_t count = 1;
    for (const std::size_t length : shape) count *= length;
    const std::unique_ptr<char[]> copy(new char[text.size() + 1]);
    std::memcpy(copy.get(), text.c_str(), text.size() + 1);
    const std::unique_ptr<float[]> values(new float[count]);
    return off_tanet_parse_lists(copy.get(), text.size(), shape.data(), shape.size(), convert, values.get());
}

}  // namespace

int main(int count, char** arguments) {
    const long rounds = count > 1 ? std::atol(arguments[1]) : 300000;
    Random random(count > 2 ? std::atoi(arguments[2]) : 1);
    long accepted = 0;
    for (long i = 0; i < rounds; ++i) {
        std::vector<std::size_t> shape;
        for (int j = between(random, 1, 3); j > 0; --j) shape.push_back(between(random, 0, 4));
        std::string text = lists(random, shape, 0);
        if (!parses(text, shape)) {
            std::printf("refused: %s\n", text.c_str());
            return 1;
        }
        damage(random, text);
        accepted += parses(text, shape);
    }
    std::printf("lists: %ld damaged ones, %ld of them are still lists of the same shape\n", rounds, accepted);
    return accepted > 0 && accepted < rounds ? 0 : 1;
}
