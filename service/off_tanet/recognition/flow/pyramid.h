// The image pyramid, and the resampling of a flow field from one scale to the next.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "plane.h"

constexpr float scale_step = 0.8f;

// The image and its smaller versions, finest first: at most 5, each `scale_step` times as large as
// the previous one and none with a side under 16 pixels.
std::pmr::vector<Plane> pyramid(const std::uint8_t* pixels, int width, int height,
                                std::pmr::memory_resource* memory);

// Fills `to` with `from` resampled bilinearly, its values times `gain`.
void resize(const Plane& from, Plane& to, float gain);
