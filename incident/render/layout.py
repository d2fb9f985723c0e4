"""Where things stand in a figure: axis ticks, wrapped lines, and labels that do not cover each other.

Arithmetic about the picture only: no function here counts anything of the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from incident import words
from incident.render import fonts, theme

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STEPS = (
    *((minutes * words.MINUTE) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)),
    *((days * words.DAY) for days in (1, 2, 7, 14)),
)
_QUARTER = 15 * words.MINUTE
_GAP = 5.0


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of the time axis: a clock time (or a day), and below it what began there."""

    at_us: int
    text: str
    below: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a label stands: its lane (0 is next to the plot), its left edge, and which side of its leader it is on."""

    lane: int
    left: float
    right: float
    anchor: str  # "start": the text begins at its leader; "end": it ends there


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width to reserve for a line, with room for a wider fallback typeface."""
    return fonts.width(text, size, bold=bold) * theme.SLACK


def clip(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Return the text, cut with an ellipsis where it is wider than the room."""
    if text_width(text, size, bold=bold) <= room:
        return text
    # the longest beginning that fits, by halving: text from a log may be as long as its line
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = text_width(f"{text[:middle]}…", size, bold=bold) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return f"{text[:low].rstrip()}…"


def wrap(text: str, room: float, size: float, *, bold: bool = False, lines: int = 9) -> tuple[str, ...]:
    """Return the text in lines no wider than the room; the last one is clipped if there are too many."""
    found: list[str] = []
    rest = [word for word in text.split(" ") if word]  # a no-break space stays
    while rest and len(found) < lines:
        line = rest.pop(0)
        while rest and text_width(f"{line} {rest[0]}", size, bold=bold) <= room:
            line = f"{line} {rest.pop(0)}"
        if rest and len(found) + 1 == lines:
            line = f"{line} {' '.join(rest)}"
        found.append(clip(line, room, size, bold=bold))
    return tuple(found)


def place(wanted: Sequence[tuple[float, float]], left: float, right: float) -> tuple[Placed, ...]:
    """Give each label, (x of its leader, width), a place in lanes above the plot; answers in the order given.

    Boxes in one lane never overlap. Leaders run straight down from a box's edge, so a box is kept out of the way of
    other labels' leaders where a lane can be found that does so.
    """
    placed: dict[int, Placed] = {}
    boxes = {i: _box(x, width, left, right) for i, (x, width) in enumerate(wanted)}
    for i in _from_below([x for x, _ in wanted], boxes):
        low, high, anchor = boxes[i]
        free = [lane for lane in range(len(wanted)) if _fits(lane, low, high, placed.values())]
        clear = [lane for lane in free if not _crosses(lane, wanted[i][0], (low, high), placed, wanted)]
        placed[i] = Placed((clear or free)[0], low, high, anchor)
    return tuple(placed[i] for i in range(len(wanted)))


def _from_below(leaders: list[float], boxes: dict[int, tuple[float, float, str]]) -> list[int]:
    """Return the labels so that one whose leader would cut another's box comes before it, hence below it."""
    under = {
        i: {k for k, x in enumerate(leaders) if k != i and low - 2 < x < high + 2}
        for i, (low, high, _) in boxes.items()
    }
    order: list[int] = []
    while under:
        # two boxes that face each other cannot both be clear: the one with the fewest in its way goes first
        chosen = min(under, key=lambda i: (len(under[i]), -leaders[i], -i))
        order.append(chosen)
        del under[chosen]
        for rest in under.values():
            rest.discard(chosen)
    return order


def _box(x: float, width: float, left: float, right: float) -> tuple[float, float, str]:
    if x + _GAP + width <= right:
        return x + _GAP, x + _GAP + width, "start"
    if x - _GAP - width >= left:
        return x - _GAP - width, x - _GAP, "end"
    return max(left, right - width), max(left, right - width) + width, "start"


def _fits(lane: int, low: float, high: float, placed: Iterable[Placed]) -> bool:
    return all(other.lane != lane or high + 2 * _GAP <= other.left or other.right + 2 * _GAP <= low for other in placed)


def _crosses(
    lane: int, x: float, box: tuple[float, float], placed: dict[int, Placed], wanted: Sequence[tuple[float, float]]
) -> bool:
    """Say whether the leader would run through a placed box, or a placed label's leader through this one."""
    return any(
        (other.lane < lane and other.left - 2 < x < other.right + 2)
        or (other.lane > lane and box[0] - 2 < wanted[k][0] < box[1] + 2)
        for k, other in placed.items()
    )


def count_ticks(top: int, wanted: int = 5) -> tuple[int, ...]:
    """Return round whole numbers from 0 to at least `top`."""
    raw = max(1, top) / wanted
    power = 1
    while power * 10 <= raw:
        power *= 10
    step = next((power * digit for digit in (1, 2, 5) if power * digit >= raw), power * 10)
    return tuple(range(0, (max(1, top) + step - 1) // step * step + 1, step))


def time_ticks(start_us: int, end_us: int, zone: str, wanted: int) -> tuple[Tick, ...]:
    """Return ticks at round times of the zone's own clock, also across a change of the clocks.

    An hour that comes twice is marked twice; where the offset changes, the tick names the one now in force.
    """
    step = next((size for size in _STEPS if (end_us - start_us) // size <= wanted), None)
    if step is not None and step < words.DAY:
        return _clock_ticks(start_us, end_us, zone, step)
    return _day_ticks(start_us, end_us, zone, max(1, (step or (end_us - start_us) // wanted) // words.DAY))


def _clock_ticks(start_us: int, end_us: int, zone: str, step: int) -> tuple[Tick, ...]:
    # offsets are whole quarters of an hour, so round local times lie on quarters of UTC, or on the step itself
    grid = min(step, _QUARTER)
    found: list[Tick] = []
    changes = words.offset(start_us, zone) != words.offset(end_us, zone)
    for us in range(-(-start_us // grid) * grid, end_us + 1, grid):
        at = words.local(us, zone)
        if (at.hour * words.HOUR + at.minute * words.MINUTE) % step:
            continue
        below = [] if found and words.day(found[-1].at_us, zone) == words.day(us, zone) else [_day_month(at)]
        if changes and (not found or words.offset(found[-1].at_us, zone) != words.offset(us, zone)):
            below.append(words.zone_name(us, zone).split(" ", maxsplit=1)[0])
        found.append(Tick(us, _clock_word(at), ", ".join(below)))
    return tuple(found)


def _day_ticks(start_us: int, end_us: int, zone: str, days: int) -> tuple[Tick, ...]:
    found: list[Tick] = []
    midnight = words.naive_local(start_us, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        us = int((midnight.replace(tzinfo=words.zone_of(zone)) - words.EPOCH) / timedelta(microseconds=1))
        if us > end_us:
            return tuple(found)
        if us < start_us and not found:
            midnight += timedelta(days=1)
            continue
        if us >= start_us:
            last = found and words.local(found[-1].at_us, zone).year
            found.append(Tick(us, _day_month(midnight), str(midnight.year) if last != midnight.year else ""))
        midnight += timedelta(days=days)


def _day_month(at: datetime) -> str:
    return f"{at.day} {words.MONTHS[at.month - 1]}"


def _clock_word(at: datetime) -> str:
    if at.minute == 0 and at.hour in {0, 12}:
        return "noon" if at.hour else "midnight"
    minute = f":{at.minute:02d}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minute} {'a.m.' if at.hour < 12 else 'p.m.'}"


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> tuple[float, ...]:
    """Move heights just so far that each stands `apart` from the next, in the same order, between low and high."""
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    moved = {i: min(max(wanted[i], low), high) for i in order}
    for above, under in pairwise(order):
        moved[under] = max(moved[under], moved[above] + apart)
    if order and moved[order[-1]] > high:
        moved[order[-1]] = high
        for under, above in pairwise(reversed(order)):
            moved[above] = min(moved[above], moved[under] - apart)
    return tuple(moved[i] for i in range(len(wanted)))
