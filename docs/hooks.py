"""Adds files from outside docs/ to the site, and adapts the links between files.

Links are written relative to the file in the repository, so that they work on GitHub.
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, relpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ELSEWHERE = {
    "index.md": ROOT / "README.md",
    "model-card.md": ROOT / "model_export/MODEL_CARD.md",
    "pictures/clip_flow.png": ROOT / "service/off_tanet/assets/clip_flow.png",
    **{f"pictures/{path.name}": path for path in (ROOT / "model_export/pictures").glob("*.png")},
    # In a folder: on some file systems SECURITY.md would be the same as docs/security.md.
    "project/CITATION.cff": ROOT / "CITATION.cff",
    **{
        f"project/{name.lower()}.md": ROOT / f"{name}.md"
        for name in ("ARCHITECTURE", "CONTRIBUTING", "CHANGELOG", "SECURITY")
    },
}
"""Files outside docs/ by their place in the site."""

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the files that are not in docs/."""
    for place, path in ELSEWHERE.items():
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Replace links between files by links to their places in the site."""
    place = page.file.src_uri
    folder = ELSEWHERE.get(place, DOCS / place).parent
    return _LINK.sub(lambda link: _in_site(link["path"], folder, dirname(place)), markdown)


def _in_site(link: str, folder: Path, place: str) -> str:
    """Translate a link of a file in `folder`, whose page is in the folder `place` of the site."""
    target = (folder / link).resolve()
    for other, path in ELSEWHERE.items():
        if path == target:
            return relpath(other, place)
    if not target.is_relative_to(DOCS):
        return link
    return relpath(target.relative_to(DOCS).as_posix(), place)
