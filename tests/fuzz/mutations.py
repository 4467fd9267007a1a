"""Mutations of valid files, each determined by one seeded generator."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

import numpy as np

from tests.fuzz.layouts import Layout, layout, png_chunks
from tests.support import factories

PICTURES = tuple(factories.PICTURE_WRITERS)
CLIPS = tuple(factories.CLIP_WRITERS)

Mutation = Callable[[Random, bytearray, Layout], None]


@dataclass(frozen=True, slots=True)
class Original:
    """A valid file and the layout of its format."""

    kind: str
    data: bytes
    layout: Layout


@cache
def originals() -> tuple[Original, ...]:
    """A few files of every kind, small, so that thousands of them cost little."""
    face = np.ascontiguousarray(factories.portrait()[20:212:2, 140:332:2])
    alpha = factories.with_alpha(face, factories.grey(face))
    clip = [np.asarray(face + step, np.uint8) for step in range(0, 15, 3)]
    files = [(kind, write(face)) for kind, write in factories.PICTURE_WRITERS.items()]
    files += [(kind, write(clip, 25.0)) for kind, write in factories.CLIP_WRITERS.items()]
    files += [
        ("png", factories.by_pillow(face, "PNG", "P")),
        ("png", factories.png(factories.sixteen_bit(alpha))),
        ("jpeg", factories.cmyk_jpeg(face)),
        ("jpeg", factories.by_pillow(face, "JPEG", orientation=6)),
        ("webp", factories.webp(alpha)),
        ("webp", factories.by_pillow(face, "WEBP", orientation=6)),
        ("tiff", factories.by_pillow(face, "TIFF", orientation=3)),
        ("tiff", factories.tiff(factories.sixteen_bit(face))),
    ]
    return tuple(Original(kind, data, layout(kind, data)) for kind, data in files)


def sound(random: Random, kinds: tuple[str, ...]) -> Original:
    """One of the originals of these kinds."""
    kind = random.choice(kinds)
    return random.choice([original for original in originals() if original.kind == kind])


def mutated(random: Random, original: Original) -> bytes:
    """The file after one to four mutations; most PNGs get valid checksums, to get further."""
    data = bytearray(original.data)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        random.choice(_MUTATIONS)(random, data, original.layout)
    if original.kind == "png" and random.random() < 0.8:
        _mend_checksums(data)
    return bytes(data)


def telling(random: Random, old: int, width: int) -> int:
    """A number at an edge of its range, or next to the original one."""
    top = (1 << 8 * width) - 1
    edges = (0, 1, 2, 7, top, top - 1, top >> 1, (top >> 1) + 1)
    neighbours = (old + 1, old - 1, old * 2, old // 2, old ^ 1 << random.randrange(8 * width))
    return random.choice((*edges, *neighbours, random.randint(0, top))) & top


def _number(random: Random, data: bytearray, layout: Layout) -> None:
    number = random.choice(layout.numbers)
    place = slice(number.place, number.place + number.width)
    value = telling(random, int.from_bytes(data[place], number.order), number.width)
    data[place] = value.to_bytes(number.width, number.order)


def _drop_block(random: Random, data: bytearray, layout: Layout) -> None:
    start, end = random.choice(layout.blocks)
    del data[start:end]


def _repeat_block(random: Random, data: bytearray, layout: Layout) -> None:
    start, end = random.choice(layout.blocks)
    data[end:end] = data[start:end] * random.choice((1, 2, 50))


def _swap_blocks(random: Random, data: bytearray, layout: Layout) -> None:
    (a, b), (c, d) = sorted(random.choices(layout.blocks, k=2))
    if b <= c:
        data[a:d] = data[c:d] + data[b:c] + data[a:b]


def _splice(random: Random, data: bytearray, layout: Layout) -> None:
    """Replace a block by one of another file, of any format."""
    other = random.choice(originals())
    start, end = random.choice(layout.blocks)
    other_start, other_end = random.choice(other.layout.blocks)
    data[start:end] = other.data[other_start:other_end]


def _join(random: Random, data: bytearray, _: Layout) -> None:
    """The beginning of this file and the end of another."""
    other = random.choice(originals()).data
    data[random.randint(0, len(data)) :] = other[random.randint(0, len(other)) :]


def _flip_bits(random: Random, data: bytearray, _: Layout) -> None:
    for _flip in range(random.choice((1, 2, 8, 64))):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _truncate(random: Random, data: bytearray, _: Layout) -> None:
    del data[random.randint(0, len(data)) :]


def _overwrite(random: Random, data: bytearray, _: Layout) -> None:
    start = random.randint(0, len(data))
    fill = random.choice((b"\0", b"\xff", b"\x7f", b"A"))
    data[start : start + random.randint(1, 64)] = fill * random.randint(0, 64)


_MUTATIONS: tuple[Mutation, ...] = (
    *(_number,) * 6,
    _drop_block,
    _repeat_block,
    _swap_blocks,
    _splice,
    _join,
    *(_flip_bits,) * 2,
    _truncate,
    _overwrite,
)


def _mend_checksums(data: bytearray) -> None:
    for start, end in list(png_chunks(bytes(data))):
        checksum = zlib.crc32(data[start + 4 : end - 4])
        data[end - 4 : end] = checksum.to_bytes(4, "big")
