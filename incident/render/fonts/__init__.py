"""The typeface of static figures, and how wide its letters are.

Source Sans Pro (Adobe), unmodified, under the SIL Open Font License 1.1 (OFL.txt beside it): a picture then has the
same letters on a machine without fonts as on one with many, and the layout knows every width beforehand.
Source of the table layouts: OpenType specification (head, hhea, hmtx, cmap format 4).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FAMILY = "Source Sans Pro"
REGULAR, BOLD = "SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf"


@dataclass(frozen=True, slots=True)
class Metrics:
    """The widths of a font's letters, in thousandths of the size."""

    widths: dict[int, float]
    missing: float


def path_of(name: str) -> str:
    """Return the file of a font."""
    return str(files(__name__).joinpath(name))


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a line is drawn, in the unit of the size, without kerning."""
    metrics = metrics_of(BOLD if bold else REGULAR)
    return sum(metrics.widths.get(ord(char), metrics.missing) for char in text) * size / 1000


def covers(text: str) -> bool:
    """Say whether the typeface has every letter of a text."""
    return all(ord(char) in metrics_of(REGULAR).widths for char in text if char != "\n")


@cache
def metrics_of(name: str) -> Metrics:
    """Read a font's character map and advance widths."""
    data = files(__name__).joinpath(name).read_bytes()
    tables = {data[12 + 16 * i : 16 + 16 * i]: struct.unpack_from(">L", data, 20 + 16 * i)[0] for i in range(data[5])}
    per_em = struct.unpack_from(">H", data, tables[b"head"] + 18)[0]
    long_metrics = struct.unpack_from(">H", data, tables[b"hhea"] + 34)[0]
    advances = [row[0] for row in struct.iter_unpack(">Hh", data[tables[b"hmtx"] :][: 4 * long_metrics])]
    glyphs = _characters(data, tables[b"cmap"])
    widths = {char: advances[min(glyph, long_metrics - 1)] * 1000 / per_em for char, glyph in glyphs.items()}
    # a letter from another typeface may be as wide as it is high
    return Metrics(widths, 1000.0)


def _characters(data: bytes, cmap: int) -> dict[int, int]:
    """Return character → glyph from the Unicode table (platform 3, encoding 1, format 4)."""
    count = struct.unpack_from(">H", data, cmap + 2)[0]
    records = [struct.unpack_from(">HHL", data, cmap + 4 + 8 * i) for i in range(count)]
    at = cmap + next(offset for platform, encoding, offset in records if (platform, encoding) == (3, 1))
    segments = struct.unpack_from(">H", data, at + 6)[0] // 2

    def column(number: int, *, code: str = "H") -> tuple[int, ...]:
        start = at + 14 + 2 * segments * number + (2 if number else 0)
        return struct.unpack_from(f">{segments}{code}", data, start)

    ends, starts, deltas, ranges = column(0), column(1), column(2), column(3)
    glyphs: dict[int, int] = {}
    for i in range(segments):
        for char in range(starts[i], min(ends[i], 0xFFFE) + 1):
            glyph = char
            if ranges[i]:
                place = at + 16 + 6 * segments + 2 * i + ranges[i] + 2 * (char - starts[i])
                glyph = struct.unpack_from(">H", data, place)[0]
                if not glyph:
                    continue
            glyph = (glyph + deltas[i]) & 0xFFFF
            if glyph:
                glyphs[char] = glyph
    return glyphs
