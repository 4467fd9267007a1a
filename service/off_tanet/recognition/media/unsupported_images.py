"""Recognition of image formats that are not supported, with advice for the user."""

from __future__ import annotations

import re

from off_tanet.recognition.media import containers
from off_tanet.recognition.media.unsupported import (
    FILES,
    HEAD_BYTES,
    HTML,
    RAW,
    TAR,
    Format,
    match_magic,
)

_CONVERT = "convert it to PNG or JPEG"
_EXPORT = "export it as PNG or JPEG"
_CLIP = "send it where a clip is expected, or send two of its frames as PNG"
_HEIC = Format(
    "HEIC",
    "on an iPhone choose Settings, Camera, Formats, 'Most Compatible', or convert it to JPEG",
)
_AVIF = Format("AVIF", _CONVERT)
_JPEG_2000, _JPEG_XL = Format("JPEG 2000", _CONVERT), Format("JPEG XL", _CONVERT)
_NETPBM = Format("PPM, PGM or PBM", "convert it to PNG, which is lossless")

_TGA = Format("TGA", _CONVERT)
_DICOM = Format("DICOM", _EXPORT)
_SVG = Format("SVG", "export it as PNG")
_BASE64 = Format("Base64 text", "send the image itself, or JSON with this text")
_LATE_JPEG = Format("JPEG with bytes before its start", "remove these bytes")

_MAGIC: dict[bytes, Format] = {
    **FILES,
    b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI": Format("Xcode's PNG (CgBI)", _EXPORT),
    b"\0\0\0\x0cjP  ": _JPEG_2000,
    b"\xff\x4f\xff\x51": _JPEG_2000,
    b"\0\0\0\x0cJXL ": _JPEG_XL,
    b"\xff\x0a": _JPEG_XL,
    b"II+\0": Format("BigTIFF", "save it as TIFF or PNG"),
    b"MM\0+": Format("BigTIFF", "save it as TIFF or PNG"),
    b"II\xbc\x01": Format("JPEG XR", _CONVERT),
    b"IIRO": RAW,
    b"IIU\0": RAW,
    b"FUJIFILMCCD-RAW": RAW,
    b"FOVb": RAW,
    b"\0MRM": RAW,
    b"8BPS": Format("PSD", _EXPORT),
    b"gimp xcf": Format("XCF", _EXPORT),
    b"%PDF": Format("PDF", "export the page as PNG"),
    b"%!PS": Format("PostScript", "export the page as PNG"),
    b"v/1\x01": Format("OpenEXR", _EXPORT),
    b"#?RADIANCE": Format("Radiance HDR", _EXPORT),
    b"SIMPLE  =": Format("FITS", _EXPORT),
    b"DDS ": Format("DDS", _CONVERT),
    b"qoif": Format("QOI", _CONVERT),
    b"BPG\xfb": Format("BPG", _CONVERT),
    b"\0\0\x01\0": Format("ICO", _CONVERT),
    b"\0\0\x02\0\x01\0": Format("CUR", _CONVERT),
    b"icns": Format("ICNS", _CONVERT),
    b"\x59\xa6\x6a\x95": Format("Sun raster", _CONVERT),
    b"\x01\xda": Format("SGI", _CONVERT),
}
_BRANDS: dict[bytes, Format] = {
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), _HEIC),
    **dict.fromkeys((b"mif1", b"msf1"), _HEIC),
    b"crx ": RAW,
    b"jp2 ": _JPEG_2000,
    b"jxl ": _JPEG_XL,
}
_CLIPS = {kind: Format(kind, _CLIP) for kind in containers.CLIPS}

_NETPBM_HEADER = re.compile(rb"P[1-7Ff]\s")
_DATA_URI = re.compile(rb"\s*data:[\w.+-]+/[\w.+-]+[;,]")
_BASE64_TEXT = re.compile(rb"[A-Za-z0-9+/_-]{64}[A-Za-z0-9+/_=\s-]*\Z")
_HTML_TAG = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_SVG_TAG = re.compile(rb"<svg\b", re.IGNORECASE)
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"
_TGA_KINDS = frozenset({1, 2, 3, 9, 10, 11})


def identify(data: bytes) -> Format | None:
    """Return the format of a file by its bytes, or None if it is not one of these formats."""
    head = data[:HEAD_BYTES]
    found = next(filter(None, (check(head) for check in _CHECKS)), None)
    return _TGA if found is None and data.endswith(_TGA_FOOTER) else found


def _brand(head: bytes) -> Format | None:
    """Identify an ISO media file by its brands: the major one, then the compatible ones."""
    if head[4:8] != b"ftyp":
        return None
    end = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[offset : offset + 4] for offset in range(16, min(end, 256), 4))]
    known = [brand for brand in brands if brand in _BRANDS]
    exact = [brand for brand in known if brand not in (b"mif1", b"msf1")]  # in HEIC and AVIF
    return _BRANDS[(exact or known)[0]] if known else None


def _clip(head: bytes) -> Format | None:
    kind = containers.kind_of(head)
    return None if kind is None else _CLIPS.get(kind)


def _magic(head: bytes) -> Format | None:
    if _NETPBM_HEADER.match(head):
        return _NETPBM
    if head[128:132] == b"DICM":
        return _DICOM
    return TAR if head[257:262] == b"ustar" else match_magic(head, _MAGIC)


def _text(head: bytes) -> Format | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        if _HTML_TAG.match(start):
            return HTML
        if _SVG_TAG.search(start):
            return _SVG
    return _BASE64 if _DATA_URI.match(head) or _BASE64_TEXT.match(start) else None


def _tga(head: bytes) -> Format | None:
    """Identify a TGA: it has no signature at its start, but fields with few valid values."""
    if len(head) < 18 or head[1] > 1 or head[2] not in _TGA_KINDS:
        return None
    width, height = int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little")
    is_mapped = head[2] in (1, 9)
    fits = (
        0 < width <= 16384
        and 0 < height <= 16384
        and head[16] in ((8,) if is_mapped else (8, 15, 16, 24, 32))
        and (head[1] == 1) == is_mapped
        and head[17] & 0xC0 == 0
    )
    return _TGA if fits else None


def _late_jpeg(head: bytes) -> Format | None:
    return _LATE_JPEG if b"\xff\xd8\xff" in head[1:64] else None


_CHECKS = (_brand, _clip, _magic, _text, _tga, _late_jpeg)
