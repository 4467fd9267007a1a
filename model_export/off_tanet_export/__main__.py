"""`python -m off_tanet_export` runs the command `off-tanet`."""

import sys

from off_tanet.cli import main

if __name__ == "__main__":
    sys.exit(main())
