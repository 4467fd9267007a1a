"""The pictures of README.md, docs/ and the page, of the package's own samples.

python -m tests.support.pictures        renders them again; needs Debian's chromium
"""

from __future__ import annotations

import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from off_tanet import Recognizer
from off_tanet.types import CLASSES
from off_tanet.visualization import arrows_png
from PIL import Image
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.support.paths import ROOT
from tests.support.serving import serving
from tests.support.transcripts import SAMPLES

PICTURES = ROOT / "docs/pictures"
EXAMPLES = ROOT / "service/off_tanet/web"
_EXAMPLE_SIDE = 192
_WIDTH, _HEIGHT = 1280, 900


def main() -> None:
    for label in CLASSES:
        example(label).save(EXAMPLES / f"example_{label}.jpg", quality=80, optimize=True)
    report = Recognizer().clip((SAMPLES / "clip.mp4").read_bytes())._repr_png_()
    _save(report, PICTURES / "report.png")
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as server:
        _save(_screenshot(server.url), PICTURES / "page.png")


def example(label: str) -> Image.Image:
    """The motion of a sample as arrows, without its legend: what its button on the page shows."""
    onset, apex = ((SAMPLES / f"{label}_{name}.jpg").read_bytes() for name in ("onset", "apex"))
    prediction = Recognizer().frames(onset, apex)
    drawn = Image.open(BytesIO(arrows_png(prediction.flow, prediction.onset_crop))).convert("RGB")
    face = drawn.crop((0, 0, drawn.width, drawn.width))
    return face.resize((_EXAMPLE_SIDE, _EXAMPLE_SIDE), Image.Resampling.LANCZOS)


def _screenshot(url: str) -> bytes:
    """The page with the answer for the sample clip."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        window: ViewportSize = {"width": _WIDTH, "height": _HEIGHT}
        page = browser.new_page(viewport=window, color_scheme="light")
        page.goto(url)
        _ask(page)
        picture = page.screenshot()
        browser.close()
    return picture


def _ask(page: Page) -> None:
    page.get_by_label("A clip", exact=True).check()
    page.get_by_label("Clip", exact=True).set_input_files(SAMPLES / "clip.mp4")
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("heading", name="Closest class")).to_be_visible(timeout=30_000)
    for picture in page.locator("figure img").all():
        picture.evaluate("(image) => image.decode()")


def _save(png: bytes, path: Path) -> None:
    """Small enough for a repository: no wider than the page, in 256 colours.

    Without k-means, thin coloured lines would take a colour of the photographs.
    """
    image = Image.open(BytesIO(png)).convert("RGB")
    image.thumbnail((_WIDTH, _WIDTH), Image.Resampling.LANCZOS)
    image.quantize(256, kmeans=4, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
