// What a walk along a picture's coded data finds. No sample is computed.
#pragma once

enum Outcome : int {
    WHOLE = 0,    // every block is there, and nothing is left over
    SUSPECT = 1,  // every block is there, but the data are not what an encoder writes
    LOST = 2,     // a part cannot be decoded, or is not there
    UNKNOWN = 3,  // coded in a way that is not followed here
};
