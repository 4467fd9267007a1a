"""Pictures that are not read: how each is known, what it is called, and what its owner can do."""

from __future__ import annotations

import re

from off_tanet.recognition.media import containers
from off_tanet.recognition.media.unread import FILES, HEAD_BYTES, HTML, RAW, TAR, Format, by_magic

_CONVERT = "convert it to PNG or JPEG"
_EXPORT = "export it as PNG or JPEG"
_CLIP = "send clips where a clip is asked for, and two of their frames as PNG here"
_HEIC = Format(
    "HEIC",
    "on an iPhone choose Settings, Camera, Formats, 'Most Compatible', or convert it to JPEG",
)
_AVIF = Format("AVIF", _CONVERT)
_JPEG_2000, _JPEG_XL = Format("JPEG 2000", _CONVERT), Format("JPEG XL", _CONVERT)
_NETPBM = Format("PPM, PGM or PBM", "convert it to PNG, which loses nothing")

_TGA = Format("TGA", _CONVERT)
_DICOM = Format("DICOM", _EXPORT)
_SVG = Format("SVG", "export it as PNG")
_BASE64 = Format("Base64 text", "send the picture itself, or JSON that holds the text")
_LATE_JPEG = Format("A JPEG with bytes before its beginning", "leave them out")

_MAGIC: dict[bytes, Format] = {
    **FILES,
    b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI": Format("PNG as Xcode packs it (CgBI)", _EXPORT),
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
    b"%PDF": Format("PDF", "export its page as PNG"),
    b"%!PS": Format("PostScript", "export its page as PNG"),
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

_NETPBM_HEAD = re.compile(rb"P[1-7Ff]\s")
_DATA_URI = re.compile(rb"\s*data:[\w.+-]+/[\w.+-]+[;,]")
_BASE64_TEXT = re.compile(rb"[A-Za-z0-9+/_-]{64}[A-Za-z0-9+/_=\s-]*\Z")
_HTML_TAG = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_SVG_TAG = re.compile(rb"<svg\b", re.IGNORECASE)
_TGA_FOOT = b"TRUEVISION-XFILE.\0"
_TGA_KINDS = frozenset({1, 2, 3, 9, 10, 11})


def named(data: bytes) -> Format | None:
    """What the bytes show, or None where they show none of the formats of this room."""
    head = data[:HEAD_BYTES]
    found = next(filter(None, (look(head) for look in _LOOKS)), None)
    return _TGA if found is None and data.endswith(_TGA_FOOT) else found


def _brand(head: bytes) -> Format | None:
    """By the brands of an ISO media file: the major one, then those that it says it is, too."""
    if head[4:8] != b"ftyp":
        return None
    end = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[place : place + 4] for place in range(16, min(end, 256), 4))]
    named = [brand for brand in brands if brand in _BRANDS]
    exact = [brand for brand in named if brand not in (b"mif1", b"msf1")]  # of HEIC and AVIF alike
    return _BRANDS[(exact or named)[0]] if named else None


def _clip(head: bytes) -> Format | None:
    kind = containers.kind_of(head)
    return None if kind is None else _CLIPS.get(kind)


def _magic(head: bytes) -> Format | None:
    if _NETPBM_HEAD.match(head):
        return _NETPBM
    if head[128:132] == b"DICM":
        return _DICOM
    return TAR if head[257:262] == b"ustar" else by_magic(head, _MAGIC)


def _text(head: bytes) -> Format | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        if _HTML_TAG.match(start):
            return HTML
        if _SVG_TAG.search(start):
            return _SVG
    return _BASE64 if _DATA_URI.match(head) or _BASE64_TEXT.match(start) else None


def _tga(head: bytes) -> Format | None:
    """A TGA has no mark at its beginning, but fields of few values."""
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


def _late(head: bytes) -> Format | None:
    return _LATE_JPEG if b"\xff\xd8\xff" in head[1:64] else None


_LOOKS = (_brand, _clip, _magic, _text, _tga, _late)
