"""The timeline: figures of a case as Plotly objects, as one HTML page, as SVG and as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incident import words
from incident.errors import OutputError
from incident.render import interactive, page, svg, theme
from incident.render.figure import finding_spec, overview_spec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import plotly.graph_objects as go

    from incident.records import CaseFinding, DatasetFinding
    from incident.records_chronology import Milestone
    from incident.render.figure import Spec

KINDS = (".html", ".svg", ".png")


def finding_figure(dataset: DatasetFinding, case: CaseFinding) -> go.Figure:
    """Return the figure of one data set."""
    return interactive.draw(finding_spec(dataset, case))


def overview_figure(case: CaseFinding) -> go.Figure:
    """Return the figure of the whole case, one lane per data set."""
    return interactive.draw(overview_spec(case))


def specs(case: CaseFinding, milestones: Sequence[Milestone] = ()) -> tuple[Spec, ...]:
    """Return the figures of a timeline: the overview, where there is more than one data set, then each data set's."""
    findings = tuple(finding_spec(dataset, case, milestones) for dataset in case.datasets)
    return findings if len(findings) == 1 else (overview_spec(case, milestones), *findings)


def timeline(case: CaseFinding, milestones: Sequence[Milestone] = ()) -> str:
    """Return every figure of a case as one HTML page that opens without a network."""
    return html(specs(case, milestones), title=case.case, version=case.version, privilege=case.privilege)


def html(figures: Sequence[Spec], *, title: str, version: str, privilege: str | None = None) -> str:
    """Return figures as one HTML page."""
    return page.render(
        "timeline.html",
        page.page(title, version, running=privilege or "", tables=False),
        figures=[page.drawn(spec) for spec in figures],
        privilege=words.visible(privilege, none=""),
    )


def picture(case: CaseFinding, kind: str, *, milestones: Sequence[Milestone] = (), width: int = theme.SLIDE) -> bytes:
    """Return a case as one file of a kind of KINDS.

    A static picture is the overview; a case of one data set is shown by that data set's own figure.

    Raises:
        OutputError: for any other kind.

    """
    if kind == ".html":
        return timeline(case, milestones).encode()
    return _static(specs(case, milestones)[0], kind, width)


def write(spec: Spec, path: Path, *, width: int = theme.SLIDE) -> None:
    """Write one figure as HTML, SVG or PNG, by the path's ending.

    Raises:
        OutputError: for any other ending.

    """
    kind = path.suffix.lower()
    if kind == ".html":
        path.write_bytes(html([spec], title=spec.title, version=spec.provenance).encode())
    else:
        path.write_bytes(_static(spec, kind, width))


def _static(spec: Spec, kind: str, width: int) -> bytes:
    if kind == ".svg":
        return ('<?xml version="1.0" encoding="UTF-8"?>\n' + svg.svg(spec, width)).encode()
    if kind == ".png":
        return svg.png(spec, width)
    raise OutputError(
        f'a timeline cannot be written as "{kind}"', where="--output", next_step=f"end the name in {', '.join(KINDS)}"
    )
