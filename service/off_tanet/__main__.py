"""Run the command line as `python -m off_tanet`."""

import sys

from off_tanet.cli import main

if __name__ == "__main__":
    sys.exit(main())
