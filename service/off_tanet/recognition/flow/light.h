// The change of light between two crops of a face, fitted together with the motion of the head.
#pragma once

#include <cstdint>

// What the fit needs to know, as arrays in the order of light.py.
struct LightModel {
    const float* levels;         // of each grey level: itself, two changes with gamma, clipping [256][4]
    const float* head;           // terms of the motion of a rigid head [4][cells]
    const double* precision;     // of the prior of each term [terms]
    const std::uint8_t* still;   // whether what is left of a cell counts [cells]
};

// Writes the terms that match the apex to the onset, two crops [112, 112]. Returns the remaining
// difference of their averages, where 1 is what noise and motion cause.
double fit_light(const std::uint8_t* onset, const std::uint8_t* apex, const LightModel& model,
                 double* terms);
