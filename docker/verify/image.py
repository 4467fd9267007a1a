"""Checks the archive of the image (`docker save`).

`image.py ARCHIVE BASE_LAYERS MAX_MB`: the first BASE_LAYERS layers belong to the base image, the
others may have MAX_MB million bytes when unpacked.
"""

from __future__ import annotations

import json
import sys
import tarfile
from typing import Any

LABELS = ("title", "description", "version", "revision", "created", "licenses")


def main(archive: str, base_layers: str, max_mb: str) -> None:
    with tarfile.open(archive) as parts:
        manifest = read(parts, "manifest.json")[0]
        config = read(parts, manifest["Config"])
        sizes = [unpacked_bytes(parts, layer) for layer in manifest["Layers"][int(base_layers) :]]
    check_configuration(config["config"])
    check_layers(config["history"], sizes, float(max_mb))


def read(parts: tarfile.TarFile, name: str) -> Any:
    return json.load(member(parts, name))


def unpacked_bytes(parts: tarfile.TarFile, layer: str) -> int:
    """Return the total size of the layer's files; 0 for a step that only sets configuration."""
    with tarfile.open(fileobj=member(parts, layer)) as files:
        return sum(file.size for file in files)


def member(parts: tarfile.TarFile, name: str) -> Any:
    """Open a file of the archive. Links are followed: Docker stores repeated layers as links."""
    return parts.extractfile(name)


def check_configuration(config: dict[str, Any]) -> None:
    user = config.get("User", "")
    expect(user.split(":")[0].isdecimal() and user[0] != "0", f"user {user}")
    expect(config["Entrypoint"] == ["off-tanet"], f"entry point {config['Entrypoint']}, no shell")
    expect("8000/tcp" in config["ExposedPorts"], "port 8000")
    health = config.get("Healthcheck", {}).get("Test", [""])
    expect(health[0] == "CMD", f"health check {health[:2]}, no shell")
    labels = config.get("Labels", {})
    missing = [name for name in LABELS if not labels.get(f"org.opencontainers.image.{name}")]
    expect(not missing, f"labels {' '.join(missing or LABELS)}")


def check_layers(history: list[dict[str, Any]], sizes: list[int], max_mb: float) -> None:
    steps = [step for step in history if not step.get("empty_layer")][-len(sizes) :]
    for step, size in zip(steps, sizes, strict=True):
        print(f"    {size / 1e6:8.2f} MB  {step['created_by'][:80]}")
    total = sum(sizes) / 1e6
    expect(0 < total <= max_mb, f"{len(sizes)} layers, {total:.1f} MB of {max_mb:.0f}")


def expect(holds: bool, what: str) -> None:
    """Print a check that passes; end with exit code 1 if it fails."""
    if not holds:
        sys.exit(f"failed: {what}")
    print(f"ok: {what}")


if __name__ == "__main__":
    main(*sys.argv[1:])
