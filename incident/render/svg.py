"""Figures as standalone SVG and PNG: no browser, no network, the same bytes each time.

Colours are written out for paper; each element also carries a class (`f-…` fill, `s-…` stroke) by which a page may
recolour the drawing for a dark screen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from incident.render import fonts, layout, theme
from incident.render.frame import frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incident.records import Bin, WindowFinding
    from incident.render.figure import Gap, Spec
    from incident.render.frame import Frame, Label, Row, Swatch, Text


def svg(spec: Spec, width: float) -> str:
    """Return a figure as an SVG document of the given width, without an XML declaration: it may stand in HTML."""
    drawing = frame(spec, width)
    uid = f"{spec.figure}-{int(width)}"
    body = [
        _rect(0, 0, drawing.width, drawing.height, "paper"),
        *_defs(uid),
        *_grid(drawing),
        *(_drawn(spec, drawing, row, uid) for row in drawing.rows),
        *(_leader(label, drawing) for label in drawing.labels),
        *(_ground(label.text) for label in drawing.labels),
        *(_text(label.text) for label in drawing.labels),
        *(_swatch(swatch, uid) for swatch in drawing.legend),
        *(_ground(text) for text in drawing.texts if text.boxed),
        *(_text(text) for text in (*drawing.scales, *drawing.texts)),
    ]
    wide, high = _n(drawing.width), _n(drawing.height)
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    names = f'role="img" aria-labelledby="{uid}-title {uid}-desc"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {names} font-family={quoteattr(theme.STACK)}>\n'
        f'<title id="{uid}-title">{escape(spec.headline)}</title>\n'
        f'<desc id="{uid}-desc">{escape(spec.description)}</desc>\n' + "\n".join(filter(None, body)) + "\n</svg>\n"
    )


def png(spec: Spec, width: float, *, zoom: int = 2) -> bytes:
    """Return a figure as PNG, `zoom` pixels to each unit of the SVG.

    The bundled typeface draws the words; the machine's own typefaces are looked at only for letters it lacks.
    """
    import resvg_py  # noqa: PLC0415  only this function needs it

    drawing = svg(spec, width)
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=drawing,
            zoom=zoom,
            skip_system_fonts=fonts.covers(drawing),
            font_files=[fonts.path_of(fonts.REGULAR), fonts.path_of(fonts.BOLD)],
            font_family=fonts.FAMILY,
            sans_serif_family=fonts.FAMILY,
        )
    )


def style(colours: dict[str, str]) -> str:
    """Return the CSS that gives the drawing's classes other colours."""
    fills = (f".f-{name}{{fill:{colour}}}" for name, colour in colours.items())
    strokes = (f".s-{name}{{stroke:{colour}}}" for name, colour in colours.items())
    return "".join((*fills, *strokes))


def _n(value: float) -> str:
    """Return a coordinate with at most one decimal, so that the bytes do not hang on the last bits of a float."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def _fill(name: str) -> str:
    return f'fill="{theme.LIGHT[name]}" class="f-{name}"'


def _stroke(name: str, width: float = 1, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{theme.LIGHT[name]}" class="s-{name}" stroke-width="{_n(width)}"{dashed}'


def _rect(x: float, y: float, width: float, height: float, name: str) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" {_fill(name)}/>'


def _line(points: Iterable[tuple[float, float]], name: str, width: float = 1, dash: str = "") -> str:
    path = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return f'<path d="M{path}" {_stroke(name, width, dash)}/>'


def _text(text: Text) -> str:
    weight = ' font-weight="600"' if text.bold else ""
    anchor = f' text-anchor="{text.anchor}"' if text.anchor != "start" else ""
    place = f'x="{_n(text.x)}" y="{_n(text.y)}" font-size="{_n(text.size)}"'
    return f"<text {place}{weight}{anchor} {_fill(text.ink)}>{escape(text.text)}</text>"


def _defs(uid: str) -> list[str]:
    """Return the patterns: slanted lines for partial, dots for undetermined, the other slant for outages."""

    def slant(name: str, ground: str, lines: str, size: int, path: str) -> str:
        back = f'<rect width="{size}" height="{size}" {_fill(ground)}/>' if ground else ""
        return (
            f'<pattern id="{uid}-{name}" width="{size}" height="{size}" patternUnits="userSpaceOnUse">{back}'
            f'<path d="{path}" {_stroke(lines, 1)}/></pattern>'
        )

    dots = (
        f'<pattern id="{uid}-undetermined" width="4" height="4" patternUnits="userSpaceOnUse">'
        f'<rect width="4" height="4" {_fill("undetermined")}/><circle cx="2" cy="2" r="0.9" '
        f"{_fill('undetermined_line')}/></pattern>"
    )
    return [
        "<defs>",
        slant("partial", "partial", "partial_line", 6, "M-1 7L7 -1M-1 1L1 -1M5 7L7 5"),
        dots,
        slant("outage", "", "outage", 7, "M-1 -1L8 8M-1 6L1 8M6 -1L8 1"),
        slant("gap", "", "gap", 5, "M2.5 -1V6"),
        "</defs>",
    ]


def _grid(drawing: Frame) -> list[str]:
    if not drawing.rows:
        return []
    found = []
    bottom = drawing.rows[-1].bottom
    plots = [row for row in drawing.rows if row.kind != "strip"]
    for tick in drawing.ticks:
        x = drawing.x(tick.at_us)
        found += [_line([(x, row.top), (x, row.bottom)], "grid") for row in plots]
        found.append(_line([(x, bottom), (x, bottom + 5)], "rule"))
    for row in plots:
        for value in row.ticks:
            y = _height(row, value)
            found.append(_line([(drawing.left, y), (drawing.right, y)], "grid"))
    return found


def _height(row: Row, value: float) -> float:
    return row.bottom - value / max(1, row.ticks[-1]) * (row.bottom - row.top)


def _drawn(spec: Spec, drawing: Frame, row: Row, uid: str) -> str:
    if row.kind == "lane":
        lane = spec.lanes[row.lane or 0]
        strip = row.top + 9
        ends = (strip + 5, row.bottom)
        found = [_outages(lane.windows, drawing, ends, uid), _gaps(spec.gaps, drawing, ends, uid)]
        found += _strip(lane.windows, drawing, strip, uid)
        low = replace(row, top=strip + 12, ticks=(0, max(1, lane.top)))
        found.append(_bars(lane.bins, drawing, low, ("all",), uid))
        found.append(_line([(drawing.left, row.bottom), (drawing.right, row.bottom)], "rule"))
        return "\n".join(filter(None, found))
    if row.kind == "strip":
        return "\n".join(filter(None, _strip(spec.windows, drawing, (row.top + row.bottom) / 2, uid)))
    ends = (row.top, row.bottom)
    found = [_band(spec.windows, drawing, row), _outages(spec.windows, drawing, ends, uid)]
    found.append(_gaps(spec.gaps, drawing, ends, uid))
    if row.kind == "bars":
        found.append(_bars(spec.bins, drawing, row, theme.COMPLETENESS, uid))
    else:
        found += _steps(spec, drawing, row)
    found.append(_line([(drawing.left, row.bottom), (drawing.right, row.bottom)], "rule"))
    return "\n".join(filter(None, found))


def _band(windows: tuple[WindowFinding, ...], drawing: Frame, row: Row) -> str:
    """Shade each window behind the bars; the grid shows through."""
    return "".join(
        f'<rect x="{_n(drawing.x(w.first_seen_us))}" y="{_n(row.top)}" '
        f'width="{_n(max(1.0, drawing.x(w.last_seen_us) - drawing.x(w.first_seen_us)))}" '
        f'height="{_n(row.bottom - row.top)}" {_fill("band")} fill-opacity="0.6"/>'
        for w in windows
    )


def _outages(windows: tuple[WindowFinding, ...], drawing: Frame, ends: tuple[float, float], uid: str) -> str:
    return "".join(
        f'<rect x="{_n(drawing.x(o.start_us))}" y="{_n(ends[0])}" '
        f'width="{_n(max(1.0, drawing.x(o.end_us) - drawing.x(o.start_us)))}" height="{_n(ends[1] - ends[0])}" '
        f'fill="url(#{uid}-outage)" opacity="0.55"/>'
        for w in windows
        for o in w.outages
    )


def _gaps(gaps: tuple[Gap, ...], drawing: Frame, ends: tuple[float, float], uid: str) -> str:
    return "".join(
        f'<rect x="{_n(drawing.x(gap.start_us))}" y="{_n(ends[0])}" '
        f'width="{_n(max(1.5, drawing.x(gap.end_us) - drawing.x(gap.start_us)))}" height="{_n(ends[1] - ends[0])}" '
        f'fill="url(#{uid}-gap)" opacity="0.7"/>'
        for gap in gaps
    )


def _strip(windows: tuple[WindowFinding, ...], drawing: Frame, y: float, uid: str) -> list[str]:
    """Draw each window as a bar with a whisker at either end: solid to a known bound, dashed where there is none."""
    found = []
    for w in windows:
        first, last = drawing.x(w.first_seen_us), drawing.x(w.last_seen_us)
        found.append(_whisker(w.opened_after_us, first, drawing, y, -1))
        found.append(_whisker(w.closed_by_us, last, drawing, y, 1))
        found.append(_rect(first, y - 5, max(2.5, last - first), 10, "window"))
        for o in w.outages:
            a, b = drawing.x(o.start_us), max(drawing.x(o.end_us), drawing.x(o.start_us) + 1)
            found.append(_rect(a, y - 5, b - a, 10, "paper"))
            found.append(
                f'<rect x="{_n(a)}" y="{_n(y - 5)}" width="{_n(b - a)}" height="10" '
                f'stroke="{theme.LIGHT["outage"]}" class="s-outage" stroke-width="0.8" fill="url(#{uid}-outage)"/>'
            )
        for o in w.interrupted:
            x = (drawing.x(o.start_us) + drawing.x(o.end_us)) / 2
            found.append(_line([(x, y - 8), (x, y + 8)], "paper", 4))
            found.append(_line([(x, y - 8), (x, y + 8)], "ink", 1.6))
    return found


def _whisker(bound: int | None, edge: float, drawing: Frame, y: float, side: int) -> str:
    if bound is None:
        reach = edge + side * 26
        return _line([(edge, y), (reach, y)], "whisker", 1.6, "2.5 3")
    x = drawing.x(bound)
    line = _line([(edge, y), (x, y)], "whisker", 1.6)
    if not drawing.start_us <= bound <= drawing.end_us:
        return line + _line([(x - side * 6, y - 5), (x, y), (x - side * 6, y + 5)], "whisker", 1.6)
    return line + _line([(x, y - 6), (x, y + 6)], "whisker", 1.6)


def _bars(bins: tuple[Bin, ...], drawing: Frame, row: Row, kinds: tuple[str, ...], uid: str) -> str:
    paths: dict[str, list[str]] = {kind: [] for kind in kinds}
    for one in bins:
        x, end = drawing.x(one.start_us), drawing.x(one.end_us)
        gap = 0.12 * (end - x) if end - x > 4 else 0.0
        wide = max(0.8, end - x - gap)
        base = 0
        for kind in kinds:
            count = one.full + one.partial + one.undetermined if kind == "all" else getattr(one, kind)
            if count:
                low, high = _height(row, base), _height(row, base + count)
                paths[kind].append(f"M{_n(x + gap / 2)} {_n(low)}V{_n(high)}h{_n(wide)}V{_n(low)}z")
                base += count
    found = []
    for kind, path in paths.items():
        if path and kind in {"full", "all"}:
            found.append(f'<path d="{"".join(path)}" {_fill("full")}/>')
        elif path:
            edge = "partial_line" if kind == "partial" else "undetermined_line"
            drawn = f'stroke="{theme.LIGHT[edge]}" class="s-{edge}" stroke-width="0.5"'
            found.append(f'<path d="{"".join(path)}" fill="url(#{uid}-{kind})" {drawn}/>')
    return "\n".join(found)


def _steps(spec: Spec, drawing: Frame, row: Row) -> list[str]:
    if not spec.bins:
        return []
    found = []
    for name, dash in (("downloads", ""), ("addresses", "6 3")):
        points = [(drawing.x(spec.bins[0].start_us), row.bottom)]
        for one in spec.bins:
            value = one.cumulative_downloads if name == "downloads" else one.cumulative_ips
            x = drawing.x(one.end_us)
            points += [(x, points[-1][1]), (x, _height(row, value))]
        points.append((drawing.right, points[-1][1]))
        found.append(_line(points, name, 2, dash))
    return found


def _leader(label: Label, drawing: Frame) -> str:
    """Draw the line from a label down to the strip, and on through the rows, fainter there."""
    ink, top, bottom = label.text.ink, drawing.rows[0].top, drawing.rows[-1].bottom
    dash = "1.5 2.5" if label.mark.kind != "declared" else ""
    near = _line([(label.x, label.y - 2), (label.x, top)], ink, 1, dash)
    return f'{near}<g opacity="0.6">{_line([(label.x, top), (label.x, bottom)], ink, 1, dash)}</g>'


def _ground(text: Text) -> str:
    """Clear the place of a text that stands over the drawing."""
    wide = layout.text_width(text.text, text.size)
    left = text.x - wide if text.anchor == "end" else text.x
    return _rect(left - 2, text.y - text.size + 1, wide + 4, text.size + 3, "paper")


def _swatch(swatch: Swatch, uid: str) -> str:
    x, y, kind = swatch.x, swatch.y - 5, swatch.kind
    if kind in {"full", "density", "window"}:
        mark = _rect(x, y - 5, 20, 10, "window" if kind == "window" else "full")
    elif kind in {"partial", "undetermined", "outage", "gap"}:
        edge = {"partial": "partial_line", "undetermined": "undetermined_line"}.get(kind, kind)
        mark = (
            f'<rect x="{_n(x)}" y="{_n(y - 5)}" width="20" height="10" fill="url(#{uid}-{kind})" '
            f'stroke="{theme.LIGHT[edge]}" class="s-{edge}" stroke-width="0.8"/>'
        )
    elif kind == "whisker":
        mark = _line([(x, y), (x + 20, y)], "whisker", 1.6) + _line([(x + 20, y - 5), (x + 20, y + 5)], "whisker", 1.6)
    elif kind == "unknown":
        mark = _line([(x, y), (x + 20, y)], "whisker", 1.6, "2.5 3")
    elif kind == "interruption":
        mark = _line([(x + 10, y - 6), (x + 10, y + 6)], "ink", 1.6)
    else:
        mark = _line([(x + 10, y - 6), (x + 10, y + 6)], "declared", 1.2)
    return f"{mark}{_text(swatch.text)}"
