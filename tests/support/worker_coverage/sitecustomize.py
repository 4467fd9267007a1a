"""Saves the coverage of worker processes every second, because the engine ends them by SIGKILL.

`make coverage` puts this folder on PYTHONPATH; Python imports `sitecustomize` at its start.
"""

from __future__ import annotations

import sys
import threading
import time


def save_every_second() -> None:
    from coverage import Coverage

    while coverage := Coverage.current():
        time.sleep(1)
        coverage.save()


if "--multiprocessing-fork" in sys.orig_argv:
    threading.Thread(target=save_every_second, daemon=True).start()
