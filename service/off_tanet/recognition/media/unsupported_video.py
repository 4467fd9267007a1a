"""Recognition of video formats that are not supported, with a command that converts them.

Recorders, televisions and messengers write many containers. Few of them are decoded, since every
decoder adds attack surface.
"""

from __future__ import annotations

from collections.abc import Callable

from off_tanet.recognition.media.unsupported import (
    FILES,
    HEAD_BYTES,
    HTML,
    TAR,
    Format,
    match_magic,
)

_REPACK = "ffmpeg -i in.{0} -c copy out.{1} repacks it without loss"
_CONVERT = "ffmpeg -i in.{0} -crf 12 out.mp4 converts it"
_RAW = "ffmpeg -framerate RATE -i in.{0} -c copy out.mp4 packs it without loss"
_PAIR = "send an onset and an apex image instead"
_SOUND = "it contains sound only, and a clip needs video"

_TRANSPORT = Format("MPEG-TS", _REPACK.format("ts", "mp4"))
_APNG = Format("APNG", _CONVERT.format("png"))
_ANIMATED_WEBP = Format("Animated WebP", "save it as GIF or MP4")
_MP3 = Format("MP3", _SOUND)
_H264 = Format("Raw H.264", _RAW.format("h264"))
_HEVC = Format("Raw HEVC", _RAW.format("h265"))

_MAGIC = {
    **FILES,
    b"\0\0\x01\xba": Format("MPEG-PS (MPG, VOB)", _CONVERT.format("mpg")),
    b"\0\0\x01\xb3": Format("Raw MPEG video", _CONVERT.format("mpg")),
    b"\0\0\x01\xb0": Format("Raw MPEG-4", _RAW.format("m4v")),
    bytes.fromhex("3026b2758e66cf11"): Format("WMV (ASF)", _CONVERT.format("wmv")),
    b"FLV\x01": Format("FLV", _REPACK.format("flv", "mp4")),
    b"FWS": Format("Flash (SWF)", "export it as MP4"),
    b"CWS": Format("Flash (SWF)", "export it as MP4"),
    b"OggS": Format("Ogg (OGV)", _CONVERT.format("ogv")),
    b".RMF": Format("RealMedia", _CONVERT.format("rm")),
    b"\x1f\x07\0": Format("Raw DV", _CONVERT.format("dv")),
    b"\x06\x0e\x2b\x34": Format("MXF", _CONVERT.format("mxf")),
    b"DKIF": Format("IVF", _REPACK.format("ivf", "webm")),
    b"YUV4MPEG2": Format("YUV4MPEG", _CONVERT.format("y4m")),
    b"nut/multimedia": Format("NUT", _REPACK.format("nut", "mkv")),
    b"CI\x2c\0": Format("Phantom Cine", _CONVERT.format("cine")),
    b"\xed\xfe\0\0N\0o\0r\0p\0i\0x": Format("NorPix SEQ", "export it as AVI (MJPEG) or MP4"),
    b"%PDF": Format("PDF", _PAIR),
    b"\x89PNG": Format("PNG", _PAIR),
    b"\xff\xd8\xff": Format("JPEG", _PAIR),
    b"II*\0": Format("TIFF", _PAIR),
    b"MM\0*": Format("TIFF", _PAIR),
    b"BM": Format("BMP", _PAIR),
    b"\0\0\0\x0cjP  ": Format("JPEG 2000", _PAIR),
    b"#EXTM3U": Format("HLS (a playlist)", _REPACK.format("m3u8", "mp4")),
    b"fLaC": Format("FLAC", _SOUND),
    b"ID3": _MP3,
    b"\xff\xfb": _MP3,
}
_RIFF = {b"WEBP": Format("WebP", _PAIR), b"WAVE": Format("WAV", _SOUND)}
# Boxes at the start of an incomplete MP4: a segment of a stream has its header in another file.
_SEGMENT = Format(
    "A segment of a stream", "prepend the initialization segment, which has the header"
)
_BOXES = {b"styp": _SEGMENT, b"moof": _SEGMENT, b"sidx": _SEGMENT}
_BRANDS = {
    b"avif": Format("AVIF", _PAIR),
    b"avis": Format("AVIF", _PAIR),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1"), Format("HEIC", _PAIR)),
}
_ENDINGS = {"AVI": "avi", "WebM or MKV": "mkv", "MP4 or MOV": "mov"}
_START_CODES = (b"\0\0\0\x01", b"\0\0\x01")
_PACKET, _TIMED_PACKET = 188, 192  # bytes; camcorders put a timestamp before each packet
_SYNC = 0x47


def identify(data: bytes) -> Format | None:
    """Return the format of a file by its first bytes, or None if it is not one of these."""
    head = data[:HEAD_BYTES]
    return next(filter(None, (check(head) for check in _CHECKS)), None)


def codec_refusal(container: str, name: str, supported: str) -> str:
    """Return the error message for a codec that is not supported.

    Args:
        container: The name of the file's format.
        name: FFmpeg's name of the codec.
        supported: The names of the supported codecs.
    """
    advice = _CONVERT.format(_ENDINGS.get(container, "mp4"))
    return f"{container} with the codec {name} is not supported, only {supported}: {advice}."


def _packets(head: bytes) -> Format | None:
    for start, step in ((0, _PACKET), (4, _TIMED_PACKET)):
        sync_bytes = head[start : start + 5 * step : step]
        if len(sync_bytes) > 1 and set(sync_bytes) == {_SYNC}:
            return _TRANSPORT
    return None


def _unit(head: bytes) -> Format | None:
    """Identify a raw H.264 or HEVC stream by its first unit: parameters, or what may precede."""
    code = next((code for code in _START_CODES if head.startswith(code)), None)
    unit = head[len(code) : len(code) + 2] if code else b""
    if len(unit) < 2:
        return None
    if unit[0] >> 1 in (32, 33, 35) and unit[1] == 1:
        return _HEVC
    return _H264 if unit[0] >> 7 == 0 and unit[0] & 31 in (6, 7, 9) else None


def _animation(head: bytes) -> Format | None:
    if head.startswith(b"\x89PNG") and b"acTL" in head:
        return _APNG
    is_webp = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X"
    return _ANIMATED_WEBP if is_webp and head[20:21] and head[20] & 2 else None


def _box(head: bytes) -> Format | None:
    return _BRANDS.get(head[8:12]) if head[4:8] == b"ftyp" else _BOXES.get(head[4:8])


def _riff(head: bytes) -> Format | None:
    return _RIFF.get(head[8:12]) if head[:4] == b"RIFF" else None


def _magic(head: bytes) -> Format | None:
    return match_magic(head, _MAGIC)


def _text(head: bytes) -> Format | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower()
    return HTML if start.startswith((b"<!doctype html", b"<html")) else None


def _archive(head: bytes) -> Format | None:
    return TAR if head[257:262] == b"ustar" else None


_CHECKS: tuple[Callable[[bytes], Format | None], ...] = (
    _packets, _animation, _magic, _unit, _box, _riff, _text, _archive
)  # fmt: skip
