"""A figure's geometry at one width: every box, line of text and label, in pixels from the top left.

Both writers draw from the same frame, so the interactive figure and the printed one look and read alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from incident import words
from incident.render import layout, theme

if TYPE_CHECKING:
    from incident.render.figure import Mark, Spec


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `y` is its baseline, `ink` a name of the theme."""

    x: float
    y: float
    text: str
    size: float
    ink: str = "ink"
    bold: bool = False
    anchor: str = "start"  # "start" | "middle" | "end"
    boxed: bool = False  # stands over the drawing, on ground of its own


@dataclass(frozen=True, slots=True)
class Row:
    """One plotting row: the strip of windows, the bars, the cumulative lines, or a lane of the overview."""

    kind: str  # "strip" | "bars" | "cumulative" | "lane"
    top: float
    bottom: float
    ticks: tuple[int, ...] = ()
    lane: int | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A mark's label: its leader runs from (x, y) down to the rows."""

    mark: Mark
    number: int
    x: float
    y: float
    text: Text
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Swatch:
    """One entry of the legend."""

    kind: str
    x: float
    y: float
    text: Text


@dataclass(frozen=True, slots=True)
class Frame:
    """The whole picture, ready to be drawn."""

    width: float
    height: float
    left: float
    right: float
    start_us: int
    end_us: int
    lanes_top: float
    rows: tuple[Row, ...]
    ticks: tuple[layout.Tick, ...]
    texts: tuple[Text, ...]
    scales: tuple[Text, ...]  # the words of the axes, which an interactive figure sets itself
    labels: tuple[Label, ...]
    legend: tuple[Swatch, ...]

    def x(self, us: int) -> float:
        """Return where a moment stands, held to the plot's edges."""
        share = (us - self.start_us) / max(1, self.end_us - self.start_us)
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)


@dataclass(frozen=True, slots=True)
class _Look:
    size: float
    head: float
    pad: float
    numbered: bool  # labels are numbers, and a list below the axis says what they are


def _look(width: float) -> _Look:
    if width >= 1000:
        return _Look(13.5, 25, 28, numbered=False)
    return _Look(12.5, 20, 20, numbered=False) if width >= 560 else _Look(12, 17.5, 12, numbered=True)


def frame(spec: Spec, width: float) -> Frame:
    """Lay a figure out at a width; the height follows from what it says."""
    look = _look(width)
    texts, y = _heading(spec, look, width)
    edges = left, right = _edges(spec, look, width)
    start, end = spec.start_us, spec.end_us
    if start is None or end is None:
        texts.append(Text(look.pad, y + 24, "There is no time to show: nothing was observed.", look.size, "muted"))
        texts.append(Text(look.pad, y + 60, spec.provenance, look.size - 2.5, "muted"))
        return Frame(width, y + 76, left, right, 0, 1, y, (), (), tuple(texts), (), (), ())
    lanes_top = y + 8
    labels, y = _labels(spec, look, width, edges, lanes_top)
    rows, captions, y = _lanes(spec, look, left, y) if spec.lanes else _rows(spec, look, edges, y)
    texts += captions
    scales = _count_words(rows, left, look.size - 1.5)
    # a tick and its two lines need about this much room
    ticks = layout.time_ticks(start, end, spec.zone, max(2, int((right - left) / (look.size * 4.8))))
    for tick in ticks:
        x = left + (tick.at_us - start) / (end - start) * (right - left)
        scales.append(Text(x, y + 18, tick.text, look.size - 1, "muted", anchor="middle"))
        if tick.below:
            scales.append(Text(x, y + 33, tick.below, look.size - 1, "ink", bold=True, anchor="middle"))
    y += 56
    for line in layout.wrap(spec.zone_words, right - left, look.size - 1):
        texts.append(Text(left, y, line, look.size - 1, "muted"))
        y += look.size + 3
    legend, y = _legend(spec, look, width, y + 14)
    for lines in (_key(labels, spec, look, width), _outside(spec, look, width)):
        for text in lines:
            texts.append(replace(text, y=text.y + y))
        y = texts[-1].y + 6 if lines else y
    for line in layout.wrap(spec.provenance, width - 2 * look.pad, look.size - 2.5):
        y += look.size + 1
        texts.append(Text(look.pad, y, line, look.size - 2.5, "muted"))
    return Frame(
        width,
        y + look.pad - 4,
        left,
        right,
        start,
        end,
        lanes_top,
        tuple(rows),
        ticks,
        tuple(texts),
        tuple(scales),
        labels,
        legend,
    )


def _heading(spec: Spec, look: _Look, width: float) -> tuple[list[Text], float]:
    room, y = width - 2 * look.pad, look.pad - 4
    found = []
    for line in layout.wrap(spec.headline, room, look.head, bold=True):
        y += look.head * 1.2
        found.append(Text(look.pad, y, line, look.head, bold=True))
    for line in layout.wrap(spec.title, room, look.size + 3, lines=3):
        y += look.size + 10
        found.append(Text(look.pad, y, line, look.size + 3))
    y += 4
    for sentence in spec.words:
        for line in layout.wrap(sentence, room, look.size, lines=4):
            y += look.size + 5
            found.append(Text(look.pad, y, line, look.size, "muted"))
    return found, y + 8


def _edges(spec: Spec, look: _Look, width: float) -> tuple[float, float]:
    if look.numbered:
        return look.pad + (8 if spec.lanes else 34), width - look.pad - (8 if spec.lanes else 42)
    if spec.lanes:
        return look.pad + min(270.0, width * 0.27), width - look.pad
    ends = max(layout.text_width(text, look.size, bold=True) for text in _totals(spec, look))
    return look.pad + 40, width - look.pad - ends - 10


def _totals(spec: Spec, look: _Look) -> tuple[str, str]:
    """Return what stands at the right end of the cumulative lines."""
    if look.numbered:
        return words.number(spec.downloads), words.number(spec.unique_ips)
    addresses = words.counted(spec.unique_ips, "IP address", "IP addresses")
    return words.counted(spec.downloads, "download"), addresses


def _labels(
    spec: Spec, look: _Look, width: float, edges: tuple[float, float], top: float
) -> tuple[tuple[Label, ...], float]:
    left, right = edges
    start, end = spec.start_us or 0, spec.end_us or 1
    step = look.size + 7
    edge = width - look.pad
    wanted, shown = [], []
    inside = [mark for mark in spec.marks if not mark.beyond]
    for number, mark in enumerate(inside, 1):
        text = str(number) if look.numbered else _label_text(mark, spec, (edge - left) * 0.75, look)
        x = left + (mark.at_us - start) / (end - start) * (right - left)
        wanted.append((x, layout.text_width(text, look.size - 0.5)))
        shown.append(text)
    placed = layout.place(wanted, look.pad if look.numbered else left, edge)
    many = max((one.lane for one in placed), default=-1) + 1
    bottom = top + many * step + 6
    found = []
    for number, (mark, box, (x, _), text) in enumerate(zip(inside, placed, wanted, shown, strict=True), 1):
        y = bottom - 6 - box.lane * step
        ink = "declared" if mark.kind == "declared" else "logged"
        line = Text(
            box.left if box.anchor == "start" else box.right, y - 5, text, look.size - 0.5, ink, anchor=box.anchor
        )
        found.append(Label(mark, number, x, y - look.size, line, box.left, box.right))
    return tuple(found), bottom


def _label_text(mark: Mark, spec: Spec, room: float, look: _Look) -> str:
    far = (spec.end_us or 0) - (spec.start_us or 0) > 3 * words.DAY
    moment = words.clock(mark.at_us, spec.zone, seconds=mark.kind != "declared")
    if far:
        moment = f"{words.day(mark.at_us, spec.zone)}, {moment}"
    return layout.clip(f"{moment}  {mark.text}", room, look.size - 0.5)


def _rows(spec: Spec, look: _Look, edges: tuple[float, float], y: float) -> tuple[list[Row], list[Text], float]:
    left, right = edges
    rows, texts = [Row("strip", y, y + 20)], []
    y += 20 + 26
    tall, low = (210, 120) if look.size > 13 else (170, 100)
    small = look.size - 0.5
    texts.append(Text(left, y - 8, spec.bin_words, small, "muted", boxed=True))
    rows.append(Row("bars", y, y + tall, layout.count_ticks(spec.top)))
    y += tall + 34
    caption = "Cumulative downloads and unique IP addresses" if not look.numbered else "Cumulative"
    texts.append(Text(left, y - 8, caption, small, "muted", boxed=True))
    rows.append(Row("cumulative", y, y + low, layout.count_ticks(max(spec.downloads, spec.unique_ips), 3)))
    y += low
    last = rows[-1]
    values = (spec.downloads, spec.unique_ips)
    heights = [last.bottom - value / max(1, last.ticks[-1]) * low for value in values]
    spaced = layout.spread(heights, look.size + 2, last.top, last.bottom)
    for text, height, ink in zip(_totals(spec, look), spaced, ("downloads", "addresses"), strict=True):
        texts.append(Text(right + 7, height + 4, text, look.size, ink, bold=True))
    return rows, texts, y


def _count_words(rows: list[Row], left: float, size: float) -> list[Text]:
    """Return the numbers beside the count axes."""
    found = []
    for row in rows:
        for value in row.ticks:
            height = row.bottom - value / max(1, row.ticks[-1]) * (row.bottom - row.top)
            found.append(Text(left - 6, height + 4, words.number(value), size, "muted", anchor="end"))
    return found


def _lanes(spec: Spec, look: _Look, left: float, y: float) -> tuple[list[Row], list[Text], float]:
    rows, texts = [], []
    gutter = left - look.pad - 14
    for i, lane in enumerate(spec.lanes):
        if look.numbered:
            title = layout.clip(lane.title, 330, look.size, bold=True)
            texts.append(Text(look.pad, y + 20, title, look.size, bold=True, boxed=True))
            texts.append(Text(look.pad, y + 36, lane.words, look.size - 0.5, "muted", boxed=True))
            y += 44
            rows.append(Row("lane", y, y + 50, lane=i))
            y += 60
            continue
        titles = layout.wrap(lane.title, gutter, look.size, bold=True, lines=2)
        facts = layout.wrap(lane.words, gutter, look.size - 1, lines=2)
        for n, line in enumerate(titles):
            texts.append(Text(look.pad, y + 18 + n * (look.size + 3), line, look.size, bold=True))
        for n, line in enumerate(facts):
            below = y + 19 + len(titles) * (look.size + 3) + n * (look.size + 2)
            texts.append(Text(look.pad, below, line, look.size - 1, "muted"))
        rows.append(Row("lane", y + 6, y + 66, lane=i))
        y += 76
    return rows, texts, y - 8


def _legend(spec: Spec, look: _Look, width: float, y: float) -> tuple[tuple[Swatch, ...], float]:
    windows = spec.windows or tuple(window for lane in spec.lanes for window in lane.windows)
    entries = [(name, f"{words.number(count)} {theme.COMPLETENESS_WORDS[name]}") for name, count in spec.kinds]
    if any(lane.bins for lane in spec.lanes):
        entries.append(("density", "downloads; each lane has its own scale"))
    if windows:
        entries.append(("window", "seen open"))
        if any(w.opened_after_us is not None or w.closed_by_us is not None for w in windows):
            entries.append(("whisker", "may have been open: no observation"))
        if any(w.opened_after_us is None or w.closed_by_us is None for w in windows):
            entries.append(("unknown", "bound not in the log"))
        if any(w.outages for w in windows):
            entries.append(("outage", "unavailable"))
        if any(w.interrupted for w in windows):
            entries.append(("interruption", "interruption"))
    if spec.gaps:
        entries.append(("gap", "no log"))
    if any(mark.kind == "declared" for mark in spec.marks):
        entries.append(("declared", "declared, not from the log"))
    found, x = [], look.pad
    for kind, text in entries:
        wide = 30 + layout.text_width(text, look.size - 0.5)
        if x + wide > width - look.pad and x > look.pad:
            x, y = look.pad, y + look.size + 8
        found.append(Swatch(kind, x, y, Text(x + 28, y, text, look.size - 0.5, "ink")))
        x += wide + 16
    return tuple(found), y + (8 if entries else -8)


def _key(labels: tuple[Label, ...], spec: Spec, look: _Look, width: float) -> list[Text]:
    """List what the numbers stand for, where the labels are numbers; heights count from 0."""
    found: list[Text] = []
    if not look.numbered:
        return found
    y = 6.0
    for label in labels:
        line = f"{words.brief(label.mark.at_us, spec.zone)}: {label.mark.text}"
        ink = "declared" if label.mark.kind == "declared" else "logged"
        found.append(Text(look.pad, y + look.size + 4, str(label.number), look.size, ink, bold=True))
        for part in layout.wrap(line, width - 2 * look.pad - 22, look.size):
            y += look.size + 4
            found.append(Text(look.pad + 22, y, part, look.size))
        y += 3
    return found


def _outside(spec: Spec, look: _Look, width: float) -> list[Text]:
    """List the marks that lie too far from the rest to be drawn to scale; heights count from 0."""
    found: list[Text] = []
    y = 4.0
    for mark in spec.marks:
        if mark.beyond:
            side = "Before this stretch of time" if mark.beyond == "left" else "After this stretch of time"
            line = f"{side}: {words.brief(mark.at_us, spec.zone)}, {mark.text}"
            ink = "declared" if mark.kind == "declared" else "logged"
            for part in layout.wrap(line, width - 2 * look.pad, look.size - 0.5, lines=3):
                y += look.size + 4
                found.append(Text(look.pad, y, part, look.size - 0.5, ink))
            y += 2
    return found
