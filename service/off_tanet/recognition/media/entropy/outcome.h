// The result of parsing the coded data of an image. No sample is computed.
#pragma once

enum Outcome : int {
    WHOLE = 0,    // all blocks are complete, and no data are left over
    SUSPECT = 1,  // all blocks are complete, but no encoder writes such data
    LOST = 2,     // a part cannot be decoded or is missing
    UNKNOWN = 3,  // the coding is not supported
};
