"""A picture as a PDF page."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_WIDTH, _HEIGHT = 595.276, 841.89  # of A4, in points
_SIGNATURE = 8  # bytes before the chunks of a PNG
_CHANNELS = {0: (1, "DeviceGray"), 2: (3, "DeviceRGB")}  # by the colour type of a PNG


def pdf_of_png(png: bytes, title: str) -> bytes:
    """Put a PNG on a page of A4, as large as fits, at the top.

    PDF compresses pictures like PNG (ISO 32000-1, 7.4.4.4): its data are copied, not recoded.

    Args:
        png: A PNG of 8 bits per sample, grey or RGB, without interlacing.
        title: The title of the document, in ASCII.

    Returns:
        The PDF file.

    Raises:
        ValueError: It is a PNG of another kind.
    """
    chunks = list(_chunks(png))
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if bits != 8 or colour not in _CHANNELS or interlaced:
        raise ValueError("only grey or RGB pictures of 8 bits are supported")
    channels, space = _CHANNELS[colour]
    scale = min(_WIDTH / width, _HEIGHT / height)
    wide, high = width * scale, height * scale
    left, bottom = (_WIDTH - wide) / 2, _HEIGHT - high
    picture = (
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /{space} "
        "/BitsPerComponent 8 /Filter /FlateDecode /DecodeParms << /Predictor 15 "
        f"/Colors {channels} /BitsPerComponent 8 /Columns {width} >>"
    )
    drawing = f"q {wide:.3f} 0 0 {high:.3f} {left:.3f} {bottom:.3f} cm /Picture Do Q"
    return _document(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_WIDTH} {_HEIGHT}] /Contents 4 0 R "
            "/Resources << /XObject << /Picture 5 0 R >> >> >>".encode(),
            _stream("", drawing.encode()),
            _stream(picture, b"".join(data for kind, data in chunks if kind == b"IDAT")),
            f"<< /Title ({title}) >>".encode("ascii"),
        ]
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the data of each chunk, the header first."""
    place = _SIGNATURE
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        yield kind, png[place + 8 : place + 8 + length]
        place += 12 + length


def _stream(entries: str, data: bytes) -> bytes:
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _document(objects: list[bytes]) -> bytes:
    """Number the objects and index them; the first is the catalog, the last the information."""
    file, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(file))
        file += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start, count = len(file), len(objects)
    file += f"xref\n0 {count + 1}\n0000000000 65535 f \n".encode()
    file += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    file += f"trailer\n<< /Size {count + 1} /Root 1 0 R /Info {count} 0 R >>\n".encode()
    return bytes(file + f"startxref\n{start}\n%%EOF\n".encode())
