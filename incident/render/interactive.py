"""Figures with Plotly: the same frame as the static drawing, to be read closely with a pointer.

The time axis is linear in UTC and its words are those of the case's zone, so an hour that the clocks repeat is drawn
twice as long as any other, not over itself. Only `plotly.graph_objects` is used. Every text is escaped: Plotly reads
some HTML in texts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from incident import words
from incident.render import theme
from incident.render.frame import frame
from incident.render.traces import lane_top, legend_of, safe, stamp, traces_of

if TYPE_CHECKING:
    from incident.render.figure import Spec
    from incident.render.frame import Frame, Label, Row, Text

# the first two keep the page from offering a stranger's server; what else goes would only confuse
CONFIG: dict[str, Any] = {
    "showSendToCloud": False,
    "displaylogo": False,
    "responsive": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
_C = theme.LIGHT


def draw(spec: Spec, width: int = theme.REPORT) -> go.Figure:
    """Return a spec as a Plotly figure of a fixed width, in the colours for paper."""
    drawing = frame(spec, width)
    figure = go.Figure(layout=_layout(spec, drawing))
    for number, row in enumerate(drawing.rows):
        axis = "y" if number == 0 else f"y{number + 1}"
        figure.add_traces(traces_of(spec, drawing, row, axis))
    figure.add_traces(legend_of(drawing))
    return figure


def json_of(spec: Spec, width: int = theme.REPORT) -> str:
    """Return what `Plotly.newPlot` needs, as JSON that may stand inside a script element: the same bytes each time."""
    figure = draw(spec, width).to_plotly_json()
    drawn = {
        "data": figure["data"],
        "layout": figure["layout"],
        "config": CONFIG,
        "zone": spec.zone,
    }
    text = json.dumps(drawn, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _layout(spec: Spec, drawing: Frame) -> dict[str, Any]:
    common: dict[str, Any] = {
        "template": None,
        "width": drawing.width,
        "height": round(drawing.height),
        "paper_bgcolor": _C["paper"],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": theme.STACK, "size": 13, "color": _C["ink"]},
        "hoverlabel": {"align": "left", "font": {"family": theme.STACK, "size": 13}},
        "hovermode": "closest",
        "dragmode": "zoom",
        "barmode": "stack",
        "showlegend": False,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0},
    }
    # the sheet is the whole picture, without margins: paper coordinates are then pixels over its size
    texts = [*drawing.texts, *(swatch.text for swatch in drawing.legend)]
    notes = [
        _total(text, drawing) if text.ink in {"downloads", "addresses"} else _note(text, drawing) for text in texts
    ]
    if not drawing.rows:
        nothing = {"visible": False, "range": [0, 1], "fixedrange": True}
        return {**common, "xaxis": nothing, "yaxis": nothing, "annotations": notes}
    axes = {}
    for number, row in enumerate(drawing.rows):
        domain = [1 - row.bottom / drawing.height, 1 - row.top / drawing.height]
        axes["yaxis" if number == 0 else f"yaxis{number + 1}"] = _count_axis(row, domain, spec)
    # a ground of pixels for the legend, which thus stands where the static drawing has it
    ground = {"visible": False, "fixedrange": True}
    low, high = (max(0.0, drawing.height - y) for y in _legend_reach(drawing))
    return {
        **common,
        **axes,
        "xaxis2": {**ground, "range": [0, drawing.width], "anchor": "y99"},
        "yaxis99": {
            **ground,
            "range": [low, high],
            "domain": [round(low / drawing.height, 6), round(high / drawing.height, 6)],
            "anchor": "x2",
        },
        "xaxis": _time_axis(drawing, len(drawing.rows)),
        "annotations": notes + [_label(label, drawing, spec.zone) for label in drawing.labels],
        "shapes": [*_bands(spec, drawing), *(_leader(label, drawing) for label in drawing.labels)],
    }


def _legend_reach(drawing: Frame) -> tuple[float, float]:
    """Return the lower and the upper end of the legend, counted from the top of the picture."""
    heights = [swatch.y for swatch in drawing.legend] or [drawing.height]
    return max(heights) + 6, min(heights) - 16


def _middle(text: Text) -> float:
    return text.y - 0.34 * text.size


def _note(text: Text, drawing: Frame) -> dict[str, Any]:
    shown = safe(text.text)
    return {
        "text": f"<b>{shown}</b>" if text.bold else shown,
        "x": round(text.x / drawing.width, 5),
        "y": round(1 - _middle(text) / drawing.height, 5),
        "xref": "paper",
        "yref": "paper",
        "xanchor": {"start": "left", "middle": "center", "end": "right"}[text.anchor],
        "yanchor": "middle",
        "showarrow": False,
        "align": "left",
        "borderpad": 1,
        "font": {"size": text.size, "color": _C[text.ink]},
        **({"bgcolor": _C["paper"]} if text.boxed else {}),
    }


def _total(text: Text, drawing: Frame) -> dict[str, Any]:
    """Return what stands at a line's end, tied to that moment: a closer look that leaves it out does not show it."""
    return {**_note(text, drawing), "x": stamp(drawing.end_us), "xref": "x", "xshift": text.x - drawing.right}


def _label(label: Label, drawing: Frame, zone: str) -> dict[str, Any]:
    mark = label.mark
    source = safe(f"Declared: {mark.source}" if mark.kind == "declared" else "From the log")
    return {
        **_note(label.text, drawing),
        "x": stamp(mark.at_us),
        "xref": "x",
        "xshift": 4 if label.text.anchor == "start" else -4,
        "bgcolor": _C["paper"],
        "captureevents": True,
        "hovertext": f"{safe(words.when(mark.at_us, zone))}<br>{safe(mark.text)}<br>{source}",
    }


def _leader(label: Label, drawing: Frame) -> dict[str, Any]:
    dash = "solid" if label.mark.kind == "declared" else "dot"
    at = stamp(label.mark.at_us)
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": at,
        "x1": at,
        "y0": round(1 - drawing.rows[-1].bottom / drawing.height, 5),
        "y1": round(1 - (label.y - 2) / drawing.height, 5),
        "opacity": 0.75,
        "line": {"color": _C[label.text.ink], "width": 1, "dash": dash},
    }


def _bands(spec: Spec, drawing: Frame) -> list[dict[str, Any]]:
    """Shade each window behind the bars and the lines."""
    plots = [number for number, row in enumerate(drawing.rows) if row.kind in {"bars", "cumulative"}]
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": f"y{number + 1} domain",
            "x0": stamp(window.first_seen_us),
            "x1": stamp(window.last_seen_us),
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "fillcolor": _C["band"],
            "opacity": 0.6,
            "line": {"width": 0},
        }
        for window in spec.windows
        for number in plots
    ]


def _count_axis(row: Row, domain: list[float], spec: Spec) -> dict[str, Any]:
    axis: dict[str, Any] = {"domain": [round(end, 6) for end in domain], "fixedrange": True, "zeroline": False}
    if not row.ticks:
        return {**axis, "visible": False, "range": [0, 1 if row.lane is None else lane_top(spec, row)]}
    return {
        **axis,
        "range": [0, row.ticks[-1]],
        "tickvals": list(row.ticks),
        "ticktext": [words.number(value) for value in row.ticks],
        "tickfont": {"size": 12, "color": _C["muted"]},
        "gridcolor": _C["grid"],
    }


def _time_axis(drawing: Frame, last: int) -> dict[str, Any]:
    return {
        "type": "date",
        "domain": [round(drawing.left / drawing.width, 6), round(drawing.right / drawing.width, 6)],
        "anchor": "y" if last == 1 else f"y{last}",
        "range": [stamp(drawing.start_us), stamp(drawing.end_us)],
        "tickvals": [stamp(tick.at_us) for tick in drawing.ticks],
        "ticktext": [f"{tick.text}<br><b>{tick.below}</b>" if tick.below else tick.text for tick in drawing.ticks],
        "tickfont": {"size": 12.5, "color": _C["muted"]},
        "tickangle": 0,
        "ticks": "outside",
        "ticklen": 5,
        "tickcolor": _C["rule"],
        "showline": True,
        "linecolor": _C["rule"],
        "gridcolor": _C["grid"],
        "zeroline": False,
    }
