"""`python -m off_tanet_export` is the command `off-tanet`, whose commands it brings along."""

import sys

from off_tanet.cli import main

if __name__ == "__main__":
    sys.exit(main())
