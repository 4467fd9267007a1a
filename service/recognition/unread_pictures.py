"""Pictures that are not read: how each is known, what it is called, and what its owner can do."""

from __future__ import annotations

import re

from service.recognition import headers
from service.recognition.headers import Kind

_HEAD_BYTES = 4096
"""So many of a file's first bytes tell what it is."""

_CONVERT = "convert it to PNG or JPEG"
_EXPORT = "export it as PNG or JPEG"
_CLIP = "send clips where a clip is asked for, and two of their frames as PNG here"
_PICTURE = "send the picture itself"
_HEIC = (
    "HEIC",
    "on an iPhone choose Settings, Camera, Formats, 'Most Compatible', or convert it to JPEG",
)
_AVIF = ("AVIF", _CONVERT)
_RAW = ("A camera's raw format", "develop it, and export it as TIFF, PNG or JPEG")
_JPEG_2000, _JPEG_XL = ("JPEG 2000", _CONVERT), ("JPEG XL", _CONVERT)
_NETPBM = ("PPM, PGM or PBM", "convert it to PNG, which loses nothing")

_Format = tuple[str, str]
"""A format's name, and a way out."""

_MAGIC: dict[bytes, _Format] = {
    b"\0\0\0\x0cjP  ": _JPEG_2000,
    b"\xff\x4f\xff\x51": _JPEG_2000,
    b"\0\0\0\x0cJXL ": _JPEG_XL,
    b"\xff\x0a": _JPEG_XL,
    b"II+\0": ("BigTIFF", "save it as TIFF or PNG"),
    b"MM\0+": ("BigTIFF", "save it as TIFF or PNG"),
    b"II\xbc\x01": ("JPEG XR", _CONVERT),
    b"IIRO": _RAW,
    b"IIU\0": _RAW,
    b"FUJIFILMCCD-RAW": _RAW,
    b"FOVb": _RAW,
    b"\0MRM": _RAW,
    b"8BPS": ("PSD", _EXPORT),
    b"gimp xcf": ("XCF", _EXPORT),
    b"%PDF": ("PDF", "export its page as PNG"),
    b"%!PS": ("PostScript", "export its page as PNG"),
    b"v/1\x01": ("OpenEXR", _EXPORT),
    b"#?RADIANCE": ("Radiance HDR", _EXPORT),
    b"SIMPLE  =": ("FITS", _EXPORT),
    b"DDS ": ("DDS", _CONVERT),
    b"qoif": ("QOI", _CONVERT),
    b"BPG\xfb": ("BPG", _CONVERT),
    b"\0\0\x01\0": ("ICO", _CONVERT),
    b"\0\0\x02\0\x01\0": ("CUR", _CONVERT),
    b"icns": ("ICNS", _CONVERT),
    b"\x59\xa6\x6a\x95": ("Sun raster", _CONVERT),
    b"\x01\xda": ("SGI", _CONVERT),
    b"PK\x03\x04": ("ZIP", "unpack it, and send the picture"),
    b"Rar!\x1a\x07": ("RAR", "unpack it, and send the picture"),
    b"7z\xbc\xaf\x27\x1c": ("7-Zip", "unpack it, and send the picture"),
    b"\x1f\x8b": ("gzip", "unpack it, and send the picture"),
    b"\0\x05\x16\x07": ("A macOS resource fork (._)", "send the file of the same name"),
    b"version https://git-lfs": ("A pointer of Git LFS", "fetch the file that it stands for"),
}
_BRANDS: dict[bytes, _Format] = {
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), _HEIC),
    **dict.fromkeys((b"mif1", b"msf1"), _HEIC),
    b"crx ": _RAW,
    b"jp2 ": _JPEG_2000,
    b"jxl ": _JPEG_XL,
}
_CLIPS = {Kind.MP4: "MP4 or MOV", Kind.AVI: "AVI", Kind.MKV: "WebM or MKV", Kind.GIF: "GIF"}

_NETPBM_HEAD = re.compile(rb"P[1-7Ff]\s")
_DATA_URI = re.compile(rb"\s*data:[\w.+-]+/[\w.+-]+[;,]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{64}[A-Za-z0-9+/_=\s-]*\Z")
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_SVG = re.compile(rb"<svg\b", re.IGNORECASE)
_TGA_FOOT = b"TRUEVISION-XFILE.\0"
_TGA_KINDS = frozenset({1, 2, 3, 9, 10, 11})


def told(data: bytes) -> str | None:
    """What a refusal says of a file of a known format; None where its format is not known."""
    head = data[:_HEAD_BYTES]
    for look in (_brand, _clip, _magic, _text):
        found = look(head)
        if found:
            return f"{found[0]} is not read: {found[1]}."
    if data.endswith(_TGA_FOOT) or _looks_like_tga(head):
        return f"TGA is not read: {_CONVERT}."
    if b"\xff\xd8\xff" in head[1:64]:
        return "There are bytes before the beginning of a JPEG: leave them out."
    return None


def _brand(head: bytes) -> _Format | None:
    """By the brands of an ISO media file: the major one, then those that it says it is, too."""
    if head[4:8] != b"ftyp":
        return None
    end = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[place : place + 4] for place in range(16, min(end, 256), 4))]
    named = [brand for brand in brands if brand in _BRANDS]
    exact = [brand for brand in named if brand not in (b"mif1", b"msf1")]  # of HEIC and AVIF alike
    return _BRANDS[(exact or named)[0]] if named else None


def _clip(head: bytes) -> _Format | None:
    kind = headers.kind_of(head)
    return (_CLIPS[kind], _CLIP) if kind in _CLIPS else None


def _magic(head: bytes) -> _Format | None:
    if _NETPBM_HEAD.match(head):
        return _NETPBM
    if head[128:132] == b"DICM":
        return "DICOM", _EXPORT
    return next((form for magic, form in _MAGIC.items() if head.startswith(magic)), None)


def _text(head: bytes) -> _Format | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        if _HTML.match(start):
            return "HTML", f"{_PICTURE}, not the page that shows it"
        if _SVG.search(start):
            return "SVG", "export it as PNG"
    if _DATA_URI.match(head) or _BASE64.match(start):
        return "Base64 text", f"{_PICTURE}, or JSON that holds the text"
    return None


def _looks_like_tga(head: bytes) -> bool:
    """A TGA has no mark at its beginning, but fields of few values."""
    if len(head) < 18 or head[1] > 1 or head[2] not in _TGA_KINDS:
        return False
    width, height = int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little")
    is_mapped = head[2] in (1, 9)
    return (
        0 < width <= 16384
        and 0 < height <= 16384
        and head[16] in ((8,) if is_mapped else (8, 15, 16, 24, 32))
        and (head[1] == 1) == is_mapped
        and head[17] & 0xC0 == 0
    )
