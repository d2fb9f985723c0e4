"""What stands in each row of an interactive figure: bars, lines, windows with their whiskers, outages."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from incident import words
from incident.render import theme
from incident.render.figure import outages_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incident.records import Bin, Outage, WindowFinding
    from incident.render.figure import Spec
    from incident.render.frame import Frame, Row, Swatch

_C = theme.LIGHT
_MARKERS: dict[str, dict[str, Any]] = {
    "full": {"color": _C["full"], "line": {"width": 0}},
    "density": {"color": _C["full"], "line": {"width": 0}},
    "window": {"color": _C["window"], "line": {"width": 0}},
    "partial": {
        "color": _C["partial"],
        "pattern": {"shape": "/", "fgcolor": _C["partial_line"], "size": 6, "solidity": 0.25},
        "line": {"width": 0.5, "color": _C["partial_line"]},
    },
    "undetermined": {
        "color": _C["undetermined"],
        "pattern": {"shape": ".", "fgcolor": _C["undetermined_line"], "size": 4, "solidity": 0.3},
        "line": {"width": 0.5, "color": _C["undetermined_line"]},
    },
    "outage": {
        "color": _C["paper"],
        "pattern": {"shape": "\\", "fgcolor": _C["outage"], "size": 7, "solidity": 0.15},
        "line": {"width": 0.8, "color": _C["outage"]},
    },
    "gap": {
        "color": _C["paper"],
        "pattern": {"shape": "|", "fgcolor": _C["gap"], "size": 5, "solidity": 0.2},
        "line": {"width": 0.8, "color": _C["gap"]},
    },
}


def safe(text: str) -> str:
    """Return a text that Plotly shows as it stands, not as HTML."""
    return html.escape(words.visible(text), quote=False)


def stamp(us: int) -> str:
    """Return a moment as the time axis takes it: in UTC."""
    return words.iso(us).removesuffix("Z").replace("T", " ")


def lane_top(spec: Spec, row: Row) -> float:
    """Return the range of a lane's axis: the bars below, a third left for the strip above them."""
    return max(1, spec.lanes[row.lane or 0].top) * (row.bottom - row.top) / (row.bottom - row.top - 21)


def traces_of(spec: Spec, drawing: Frame, row: Row, axis: str) -> list[Any]:
    """Return what is drawn in one row, on the axis named."""
    if row.kind == "strip":
        return _strip(spec.windows, drawing, spec.zone, axis, (0.5, 0.5))
    if row.kind == "bars":
        return [
            *_outage_areas(spec.windows, row.ticks[-1], axis, spec.zone),
            *_gap_areas(spec, row.ticks[-1], axis),
            *(_bars(spec, name, count, axis) for name, count in spec.kinds),
        ]
    if row.kind == "cumulative":
        areas = [*_outage_areas(spec.windows, row.ticks[-1], axis, spec.zone), *_gap_areas(spec, row.ticks[-1], axis)]
        return [*areas, *_cumulative(spec, drawing, axis)]
    lane = spec.lanes[row.lane or 0]
    top, tall = lane_top(spec, row), row.bottom - row.top
    low = top * (tall - 14) / tall
    strip = _strip(lane.windows, drawing, spec.zone, axis, (top * (tall - 9) / tall, top * 10 / tall))
    areas = [*_outage_areas(lane.windows, low, axis, spec.zone), *_gap_areas(spec, low, axis)]
    traces = [*areas, _all_bars(lane.bins, spec.zone, axis), *strip]
    return [trace for trace in traces if trace.x]


def legend_of(drawing: Frame) -> list[Any]:
    """Return the legend's swatches, drawn on the sheet's ground of pixels where the frame has them."""
    return [_swatch(swatch, drawing.height) for swatch in drawing.legend]


def _swatch(swatch: Swatch, height: float) -> Any:
    x, y, kind = swatch.x, height - swatch.y + 5, swatch.kind
    ground: dict[str, Any] = {"xaxis": "x2", "yaxis": "y99", "hoverinfo": "skip"}
    if kind in _MARKERS:
        return go.Bar(x=[20], base=[x], y=[y], width=10, orientation="h", marker=_MARKERS[kind], **ground)
    if kind in {"whisker", "unknown"}:
        line = {"color": _C["whisker"], "width": 1.6, "dash": "dot" if kind == "unknown" else "solid"}
        return go.Scatter(x=[x, x + 20], y=[y, y], mode="lines", line=line, **ground)
    line = {"color": _C["ink" if kind == "interruption" else "declared"], "width": 1.6}
    return go.Scatter(x=[x + 10, x + 10], y=[y - 6, y + 6], mode="lines", line=line, **ground)


def _bin_words(one: Bin, zone: str) -> str:
    counts = ", ".join(
        f"{words.number(count)} {theme.COMPLETENESS_WORDS[name]}"
        for name, count in (("full", one.full), ("partial", one.partial), ("undetermined", one.undetermined))
        if count
    )
    return f"{safe(words.between(one.start_us, one.end_us, zone))}<br>{counts}"


def _bars(spec: Spec, name: str, count: int, axis: str) -> go.Bar:
    bins = [one for one in spec.bins if getattr(one, name)]
    return go.Bar(
        x=[stamp((one.start_us + one.end_us) // 2) for one in bins],
        y=[getattr(one, name) for one in bins],
        width=[(one.end_us - one.start_us) / 1000 * 0.9 for one in bins],
        name=f"{words.number(count)} {theme.COMPLETENESS_WORDS[name]}",
        hovertext=[_bin_words(one, spec.zone) for one in bins],
        hovertemplate="%{hovertext}<extra></extra>",
        marker=_MARKERS[name],
        yaxis=axis,
    )


def _all_bars(bins: tuple[Bin, ...], zone: str, axis: str) -> go.Bar:
    filled = [one for one in bins if one.full or one.partial or one.undetermined]
    return go.Bar(
        x=[stamp((one.start_us + one.end_us) // 2) for one in filled],
        y=[one.full + one.partial + one.undetermined for one in filled],
        width=[(one.end_us - one.start_us) / 1000 * 0.92 for one in filled],
        name="downloads; each lane has its own scale",
        hovertext=[_bin_words(one, zone) for one in filled],
        hovertemplate="%{hovertext}<extra></extra>",
        marker=_MARKERS["density"],
        yaxis=axis,
    )


def _cumulative(spec: Spec, drawing: Frame, axis: str) -> list[go.Scatter]:
    if not spec.bins:
        return []
    found = []
    series = (
        ("downloads", "cumulative downloads", "solid", [one.cumulative_downloads for one in spec.bins]),
        ("addresses", "cumulative unique IP addresses", "dash", [one.cumulative_ips for one in spec.bins]),
    )
    times = [spec.bins[0].start_us, *(one.end_us for one in spec.bins)]
    for ink, name, dash, values in series:
        hover = [
            f"Up to {safe(words.when(us, spec.zone))}<br>{words.number(value)} {name.removeprefix('cumulative ')}"
            for us, value in zip(times, [0, *values], strict=True)
        ]
        # the line runs on to the edge: nothing was added after the last bin
        found.append(
            go.Scatter(
                x=[*(stamp(us) for us in times), stamp(max(times[-1], drawing.end_us))],
                y=[0, *values, values[-1]],
                mode="lines",
                name=name,
                line={"shape": "hv", "color": _C[ink], "width": 2, "dash": dash},
                hovertext=[*hover, hover[-1]],
                hovertemplate="%{hovertext}<extra></extra>",
                yaxis=axis,
            )
        )
    return found


def _strip(
    windows: tuple[WindowFinding, ...], drawing: Frame, zone: str, axis: str, at: tuple[float, float]
) -> list[Any]:
    """Draw windows as bars with whiskers, as the static drawing does; `at` is the strip's height and thickness."""
    y, thick = at
    if not windows:
        return []
    spans = [(w.first_seen_us, w.last_seen_us) for w in windows]
    least = (drawing.end_us - drawing.start_us) * 2.5 / (drawing.right - drawing.left)
    found: list[Any] = [
        _gantt(spans, y, thick, axis, least).update(
            name="seen open",
            hovertext=[_window_words(w, zone) for w in windows],
            marker=_MARKERS["window"],
        )
    ]
    outages = outages_of(windows)
    if outages:
        found.append(
            _gantt([(o.start_us, o.end_us) for o in outages], y, thick, axis, least).update(
                name="unavailable",
                hovertext=[_outage_words(o, zone) for o in outages],
                marker=_MARKERS["outage"],
            )
        )
    found += _whiskers(windows, drawing, axis, y)
    breaks = [o for w in windows for o in w.interrupted]
    if breaks:
        found.append(
            go.Scatter(
                x=[stamp((o.start_us + o.end_us) // 2) for o in breaks],
                y=[y] * len(breaks),
                mode="markers",
                marker={"symbol": "line-ns", "size": 15, "line": {"width": 2, "color": _C["ink"]}},
                name="interruption",
                hovertext=[f"Interruption<br>{safe(words.between(o.start_us, o.end_us, zone))}" for o in breaks],
                hovertemplate="%{hovertext}<extra></extra>",
                yaxis=axis,
            )
        )
    return found


def _gantt(spans: list[tuple[int, int]], y: float, thick: float, axis: str, least: float) -> go.Bar:
    return go.Bar(
        base=[stamp(start) for start, _ in spans],
        x=[max(int(least), end - start) / 1000 for start, end in spans],
        y=[y] * len(spans),
        width=thick,
        orientation="h",
        hovertemplate="%{hovertext}<extra></extra>",
        yaxis=axis,
        offsetgroup="strip",
    )


def _whiskers(windows: tuple[WindowFinding, ...], drawing: Frame, axis: str, y: float) -> list[go.Scatter]:
    known: list[str | None] = []
    unknown: list[str | None] = []
    caps: list[str] = []
    reach = int((drawing.end_us - drawing.start_us) * 26 / (drawing.right - drawing.left))
    for w in windows:
        for bound, edge, side in ((w.opened_after_us, w.first_seen_us, -1), (w.closed_by_us, w.last_seen_us, 1)):
            if bound is None:
                unknown += [stamp(edge), stamp(edge + side * reach), None]
            else:
                known += [stamp(edge), stamp(bound), None]
                caps.append(stamp(bound))
    line = {"color": _C["whisker"], "width": 1.6}
    found = []
    for points, name, dash in (
        (known, "may have been open: no observation", "solid"),
        (unknown, "bound not in the log", "dot"),
    ):
        if points:
            found.append(
                go.Scatter(
                    x=points,
                    y=[None if point is None else y for point in points],
                    mode="lines",
                    line={**line, "dash": dash},
                    name=name,
                    hoverinfo="skip",
                    yaxis=axis,
                )
            )
    if caps:
        found.append(
            go.Scatter(
                x=caps,
                y=[y] * len(caps),
                mode="markers",
                marker={"symbol": "line-ns", "size": 11, "line": {"width": 1.6, "color": _C["whisker"]}},
                hoverinfo="skip",
                yaxis=axis,
            )
        )
    return found


def _outage_areas(windows: tuple[WindowFinding, ...], top: float, axis: str, zone: str) -> list[go.Scatter]:
    return [
        _area((o.start_us, o.end_us), top, axis, "outage", "\\").update(text=_outage_words(o, zone))
        for o in outages_of(windows)
    ]


def _gap_areas(spec: Spec, top: float, axis: str) -> list[go.Scatter]:
    return [
        _area((gap.start_us, gap.end_us), top, axis, "gap", "|").update(
            text=f"{safe(gap.text)}<br>{safe(words.between(gap.start_us, gap.end_us, spec.zone))}"
        )
        for gap in spec.gaps
    ]


def _area(span: tuple[int, int], top: float, axis: str, ink: str, shape: str) -> go.Scatter:
    start, end = (stamp(us) for us in span)
    return go.Scatter(
        x=[start, end, end, start],
        y=[0, 0, top, top],
        mode="lines",
        line={"width": 0, "color": _C[ink]},
        fill="toself",
        fillpattern={
            "shape": shape,
            "fgcolor": _C[ink],
            "bgcolor": "rgba(0,0,0,0)",
            "size": 7,
            "solidity": 0.12,
            "fgopacity": 0.6,
        },
        hoveron="fills",
        hoverinfo="text",
        yaxis=axis,
    )


def _outage_words(outage: Outage, zone: str) -> str:
    return f"Unavailable<br>{safe(words.between(outage.start_us, outage.end_us, zone))}"


def _window_words(window: WindowFinding, zone: str) -> str:
    lines: Iterable[str] = (
        f"Last seen closed before: {words.when(window.opened_after_us, zone)}",
        f"First seen open: {words.when(window.first_seen_us, zone)}",
        f"Last seen open: {words.when(window.last_seen_us, zone)}",
        f"First seen closed after: {words.when(window.closed_by_us, zone)}",
    )
    return "<br>".join(safe(line) for line in lines)
