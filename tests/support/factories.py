"""Pictures and clips that tests generate in memory, so that the repository needs no recordings.

Pictures and frames are uint8 [H, W, 3] in blue-green-red order.
"""

from __future__ import annotations

import io
import struct
import tempfile
import wave
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from off_tanet.types import Pixels
from PIL import Image

from tests.support.encoders import film

Samples = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

# --- pictures ---------------------------------------------------------------------------------


def portrait() -> Pixels:
    """The public-domain NASA portrait of scikit-image, [512, 512, 3]: one face, nearly frontal."""
    astronaut: Callable[[], Pixels] = skimage.data.astronaut
    return np.ascontiguousarray(astronaut()[..., ::-1])


def picture(height: int = 48, width: int = 64, seed: int = 0) -> Pixels:
    """Smooth coloured texture, so that lossy codecs keep it close to what it was."""
    noise = np.random.default_rng(seed).uniform(-1, 1, (height, width, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    scaled = 128 + 100 * smooth / max(float(np.abs(smooth).max()), 1e-9)
    return scaled.astype(np.uint8)


def encoded(samples: Samples, suffix: str, *params: int) -> bytes:
    """`samples` [H, W] or [H, W, 1|3|4] as a `.png`, `.jpg`, `.webp`, `.bmp` or `.tiff` file."""
    done, data = cv2.imencode(suffix, samples, params)
    assert done
    return data.tobytes()


def png(samples: Samples) -> bytes:
    return encoded(samples, ".png")


def jpeg(samples: Samples, quality: int = 95) -> bytes:
    return encoded(samples, ".jpg", cv2.IMWRITE_JPEG_QUALITY, quality)


def webp(samples: Samples) -> bytes:
    """Lossless WebP."""
    return encoded(samples, ".webp", cv2.IMWRITE_WEBP_QUALITY, 101)


def bmp(samples: Samples) -> bytes:
    return encoded(samples, ".bmp")


def tiff(samples: Samples) -> bytes:
    return encoded(samples, ".tiff")


def grey(pixels: Pixels) -> NDArray[np.uint8]:
    """[H, W]."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def sixteen_bit(pixels: Pixels) -> NDArray[np.uint16]:
    """The same image in uint16, 255 becoming 65535."""
    return pixels.astype(np.uint16) * 257


def with_alpha(pixels: Pixels, alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H, W, 4] of an image and its opacity [H, W]."""
    return np.dstack([pixels, alpha])


def by_pillow(pixels: Pixels, kind: str, mode: str = "RGB", orientation: int = 1) -> bytes:
    """Images that OpenCV cannot write: other colour modes (`CMYK`, `LA`, `P`), EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    _pillow_image(pixels).convert(mode).save(stream, kind, exif=exif)
    return stream.getvalue()


def _pillow_image(pixels: Pixels) -> Image.Image:
    """Of [H, W, 3] in BGR or [H, W, 4] in BGRA."""
    reordered = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    return Image.fromarray(np.ascontiguousarray(reordered))


def cmyk_jpeg(pixels: Pixels) -> bytes:
    return by_pillow(pixels, "JPEG", "CMYK")


PICTURE_WRITERS: dict[str, Callable[[Samples], bytes]] = {
    "png": png,
    "jpeg": jpeg,
    "webp": webp,
    "bmp": bmp,
    "tiff": tiff,
}

# --- clips ------------------------------------------------------------------------------------


def frames(count: int = 8, height: int = 48, width: int = 64) -> list[Pixels]:
    """One texture that grows steadily brighter, so that a frame is identified by its mean."""
    texture = picture(height, width) // 2
    return [(texture + 10 * index).astype(np.uint8) for index in range(count)]


def _video(pictures: Sequence[Pixels], fps: float, suffix: str, codec: str) -> bytes:
    height, width = pictures[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:  # OpenCV writes videos to files only
        path = Path(folder) / f"clip{suffix}"
        fourcc = cv2.VideoWriter.fourcc(*codec)
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, (width, height))
        assert writer.isOpened()
        for pixels in pictures:
            writer.write(pixels)
        writer.release()
        return path.read_bytes()


def mp4(pictures: Sequence[Pixels], fps: float = 25.0) -> bytes:
    return _video(pictures, fps, ".mp4", "mp4v")


def mov(pictures: Sequence[Pixels], fps: float = 25.0) -> bytes:
    return _video(pictures, fps, ".mov", "mp4v")


def avi(pictures: Sequence[Pixels], fps: float = 25.0) -> bytes:
    return _video(pictures, fps, ".avi", "MJPG")


def webm(pictures: Sequence[Pixels], fps: float = 25.0) -> bytes:
    return _video(pictures, fps, ".webm", "VP80")


def mkv(pictures: Sequence[Pixels], fps: float = 25.0) -> bytes:
    """Lossless (H.264)."""
    return film(
        pictures, "matroska", "libx264rgb", samples="rgb24", fps=round(fps), options={"qp": "0"}
    )


def gif(pictures: Sequence[Pixels], fps: float = 25.0) -> bytes:
    return timed_gif(pictures, [1 / fps] * len(pictures))


def timed_gif(pictures: Sequence[Pixels], durations_s: Sequence[float]) -> bytes:
    """A GIF whose frames each last their own time, a multiple of 10 ms."""
    images = [_pillow_image(pixels) for pixels in pictures]
    stream = io.BytesIO()
    images[0].save(
        stream,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=[round(1000 * duration) for duration in durations_s],
    )
    return stream.getvalue()


ClipWriter = Callable[[Sequence[Pixels], float], bytes]

CLIP_WRITERS: dict[str, ClipWriter] = {
    "mp4": mp4,
    "mov": mov,
    "avi": avi,
    "webm": webm,
    "mkv": mkv,
    "gif": gif,
}


def turned_mp4(pictures: Sequence[Pixels], fps: float = 25.0, degrees: int = 90) -> bytes:
    """An MP4 with a matrix that rotates it clockwise, as phones write them."""
    data = mp4(pictures, fps)
    matrix = data.index(b"tkhd") + 44
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    turn = struct.pack(">9i", cos << 16, sin << 16, 0, -(sin << 16), cos << 16, 0, 0, 0, 1 << 30)
    return data[:matrix] + turn + data[matrix + len(turn) :]


def sound_only_mp4() -> bytes:
    """An MP4 whose only track is declared to be sound."""
    return mp4(frames(3)).replace(b"vide", b"soun").replace(b"vmhd", b"smhd")


def wav() -> bytes:
    """A tenth of a second of silence, which is not a video container."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    return stream.getvalue()


# --- damage -----------------------------------------------------------------------------------


def truncated(data: bytes, kept: float = 0.5) -> bytes:
    """The first part of a file, as after a broken upload."""
    return data[: int(len(data) * kept)]


def text() -> bytes:
    return b"This is a note, whatever its file name says.\n" * 20


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def claiming_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header, with a valid checksum, declares any size."""
    data = png(picture())
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
