"""How one acquisition looks on the wire: the transfers it consists of, and the downloads it is meant to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from .story import MINUTE, SECOND

FULL, PARTIAL, UNDETERMINED = "full", "partial", "undetermined"


@dataclass(frozen=True, slots=True)
class Part:
    """One response: when it starts after the acquisition does, and what it delivers."""

    offset: int  # milliseconds
    duration: int
    status: int
    body: int
    span: tuple[int, int] | None = None
    cut: bool = False
    headers: int | None = None
    probe: bool = False
    number: int = 0  # the download it belongs to, counting from 0 within the acquisition


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parts, the completeness of each download they make, and whether the client ends up with every byte."""

    parts: tuple[Part, ...]
    downloads: tuple[str, ...]

    @property
    def ranged(self) -> bool:
        """Whether 206 responses take part."""
        return any(part.status == 206 for part in self.parts)

    @property
    def length(self) -> int:
        """Milliseconds from the first start to the last end."""
        return max(part.offset + part.duration for part in self.parts)


class _Wire:
    """Appends parts one after another at the speed of one line."""

    def __init__(self, rng: Random, size: int) -> None:
        self.rng = rng
        self.size = size
        self.speed = max(rng.choice((250, 500, 900, 1600, 3000, 6000)) * rng.randrange(70, 131) // 100, size // 180_000)
        self.now = 0
        self.parts: list[Part] = []

    def take(self, status: int, body: int, span: tuple[int, int] | None = None, **more: object) -> None:
        """Take one response after the one before."""
        duration = max(self.rng.randrange(2, 40), body // self.speed)
        self.parts.append(Part(self.now, duration, status, body, span, **more))  # type: ignore[arg-type]
        self.now += duration

    def wait(self, low: int, high: int) -> None:
        """Stay idle for some milliseconds."""
        self.now += self.rng.randrange(low, high)

    def ranges(self, first: int, stop: int, pieces: int, number: int = 0) -> None:
        """Take the bytes from first to stop - 1 in so many consecutive ranges."""
        edges = [first + (stop - first) * n // pieces for n in range(pieces + 1)]
        for place, (low, high) in enumerate(pairwise(edges)):
            if place:
                self.wait(2 * SECOND, self.rng.choice((5, 20, 90, 280)) * SECOND)
            self.take(206, high - low, (low, high - 1), number=number)

    def some(self, low: int, high: int) -> int:
        """Return so many percent of the size, to the byte."""
        return self.size * self.rng.randrange(low * 1000, high * 1000) // 100_000


def recipe(kind: str, rng: Random, size: int) -> Recipe:
    """Return the parts of one acquisition of an object of this size, by its kind.

    Raises:
        KeyError: no such kind.

    """
    wire = _Wire(rng, size)
    made = _RECIPES[kind](wire)
    return Recipe(tuple(wire.parts), made)


def _full(wire: _Wire) -> tuple[str, ...]:
    wire.take(200, wire.size)
    return (FULL,)


def _aborted(wire: _Wire) -> tuple[str, ...]:
    wire.take(200, wire.some(3, 93), cut=True)
    return (PARTIAL,)


def _direct_partial(wire: _Wire) -> tuple[str, ...]:
    wire.take(200, wire.some(3, 93))  # nginx has no abort marker once a 200 is on its way
    return (PARTIAL,)


def _double(wire: _Wire) -> tuple[str, ...]:
    wire.take(200, wire.size)
    wire.wait(2 * SECOND, 20 * SECOND)
    wire.take(200, wire.size, number=1)
    return FULL, FULL


def _abort_late(wire: _Wire) -> tuple[str, ...]:
    # with the headers the log shows more bytes than the object has; only the abort marker tells
    wire.take(200, wire.size - wire.rng.randrange(1, 400), cut=True, headers=600)
    wire.wait(20 * SECOND, 90 * SECOND)
    wire.take(200, wire.size, number=1)
    return PARTIAL, FULL


def _ranges_full(wire: _Wire) -> tuple[str, ...]:
    wire.ranges(0, wire.size, wire.rng.randrange(3, 9))
    return (FULL,)


def _ranges_partial(wire: _Wire) -> tuple[str, ...]:
    first = wire.some(0, 30) if wire.rng.random() < 0.6 else 0
    wire.ranges(first, first + wire.some(10, 65), wire.rng.randrange(1, 5))
    if wire.rng.random() < 0.15:  # the client left in the middle of the last range
        last = wire.parts[-1]
        wire.parts[-1] = replace(last, body=last.body // 2, cut=True)
    return (PARTIAL,)


def _robot_ranges(wire: _Wire) -> tuple[str, ...]:
    wire.take(206, 32768, (0, 32767))
    return (PARTIAL,)


def _resume(wire: _Wire, stop: int) -> None:
    held = wire.some(8, 45)
    wire.take(200, held, cut=True)
    wire.wait(3 * SECOND, 90 * SECOND)
    wire.ranges(held, stop, wire.rng.choice((1, 1, 2)))


def _resume_full(wire: _Wire) -> tuple[str, ...]:
    _resume(wire, wire.size)
    return (FULL,)


def _resume_partial(wire: _Wire) -> tuple[str, ...]:
    _resume(wire, wire.some(50, 90))
    return (PARTIAL,)


def _parallel(wire: _Wire) -> tuple[str, ...]:
    pieces = wire.rng.randrange(4, 7)
    edges = [wire.size * n // pieces for n in range(pieces + 1)]
    for low, high in pairwise(edges):
        wire.now = wire.rng.randrange(0, 3 * SECOND)
        overlap = min(wire.rng.choice((0, 0, 1024)), wire.size - high)  # download managers fetch a little twice
        wire.take(206, high - low + overlap, (low, high - 1 + overlap))
    return (FULL,)


def _over_partial(wire: _Wire) -> tuple[str, ...]:
    wire.ranges(0, wire.size, wire.rng.randrange(2, 5))
    wire.wait(5 * SECOND, 60 * SECOND)
    stop = wire.some(10, 60)
    wire.take(206, stop, (0, stop - 1), number=1)
    return FULL, PARTIAL


def _over_full(wire: _Wire) -> tuple[str, ...]:
    wire.ranges(0, wire.size, wire.rng.randrange(2, 5))
    wire.wait(5 * SECOND, 60 * SECOND)
    wire.ranges(0, wire.size, 2, number=1)
    return FULL, FULL


def _halves(wire: _Wire) -> tuple[str, ...]:
    half = wire.some(40, 60)
    wire.take(206, half, (0, half - 1))
    wire.wait(13 * MINUTE, 55 * MINUTE)  # beyond the session gap: two downloads, and one full copy in the end
    wire.take(206, wire.size - half, (half, wire.size - 1), number=1)
    return PARTIAL, PARTIAL


def _probe_full(wire: _Wire) -> tuple[str, ...]:
    wire.take(206, 2, (0, 1), probe=True)
    wire.wait(1 * SECOND, 6 * SECOND)
    wire.take(200, wire.size)
    return (FULL,)


def _direct_ranges(wire: _Wire, stop: int) -> None:
    for body in (stop // 2, stop - stop // 2):  # the origin's log has no ranges: only their sum
        wire.take(206, body)
        wire.wait(3 * SECOND, 60 * SECOND)


def _direct_ranges_full(wire: _Wire) -> tuple[str, ...]:
    _direct_ranges(wire, wire.size)
    return (FULL,)


def _direct_ranges_partial(wire: _Wire) -> tuple[str, ...]:
    _direct_ranges(wire, wire.some(20, 80))
    return (PARTIAL,)


def _odd_sized(wire: _Wire) -> tuple[str, ...]:
    wire.take(200, wire.size)
    return (UNDETERMINED,)


_RECIPES = {
    "full": _full,
    "double": _double,
    "aborted": _aborted,
    "abort_late": _abort_late,
    "ranges_full": _ranges_full,
    "ranges_partial": _ranges_partial,
    "resume_full": _resume_full,
    "resume_partial": _resume_partial,
    "parallel": _parallel,
    "over_partial": _over_partial,
    "over_full": _over_full,
    "halves": _halves,
    "probe_full": _probe_full,
    "direct_full": _full,
    "direct_partial": _direct_partial,
    "direct_ranges_full": _direct_ranges_full,
    "direct_ranges_partial": _direct_ranges_partial,
    "lost_full": _full,
    "lost_partial": _direct_partial,
    "twins": _full,
    "robot_full": _full,
    "robot_ranges": _robot_ranges,
    "robot_aborted": _aborted,
    "odd_sized": _odd_sized,
}
