"""`make check-media FOLDER=...`: decodes every image and clip of a folder here and by others.

For test files of other projects, which are fetched and never committed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from tests.check_media.tally import Tally

CHECKS = ("pictures", "clips")


def main(arguments: list[str]) -> int:
    """Print a tally for each kind of file in the folder; 1 if a file differs, 2 without a folder.

    Names after the folder select the kinds: `pictures`, `clips`.
    """
    if not arguments or not (folder := Path(arguments[0])).is_dir():
        print(f"usage: python -m tests.check_media FOLDER [{' '.join(CHECKS)}]")
        return 2
    differing = 0
    for name in arguments[1:] or CHECKS:
        check: Callable[[Path], Tally] = importlib.import_module(f"tests.check_media.{name}").check
        tally = check(folder)
        print(tally.report(), flush=True)
        differing += len(tally.differing)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
