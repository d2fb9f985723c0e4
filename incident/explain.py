"""How detection decided about one file, candidate by candidate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from incident.detect import detect
from incident.errors import EvidenceError
from incident.evidence import Opened, find_sources
from incident.ingest_recognise import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from incident.detect import Candidate
    from incident.formats import Format
    from incident.parse import Settings


@dataclass(frozen=True, slots=True)
class Explained:
    """What the head of one item says. `candidates`: those formats of which something was there, the best first."""

    path: str
    format: str | None
    because: str
    wrapped: tuple[str, ...]  # wrappers around each line, the outermost first
    records: bool  # the item's lines are JSON records that line ends do not part
    server: str | None
    server_because: str | None
    tie: tuple[str, ...]
    also: tuple[str, ...]  # formats that read what the first does not
    untried: int  # formats whose signature the head does not show
    candidates: tuple[Candidate, ...]


def explain(path: Path, formats: Mapping[str, Format], settings: Settings) -> tuple[Explained, ...]:
    """Return how each item that the path holds is recognised.

    Raises:
        EvidenceError: there is no such file, or it cannot be read.
    """
    found = []
    for source in find_sources([path]):
        with Opened(source) as opened:
            head = opened.head(HEAD_BYTES)
            if not head and opened.problem:
                raise EvidenceError(f"{source.path}: {opened.problem}", where=str(path), next_step="name another file")
        said = detect(head, formats, settings)
        candidates = tuple(sorted(said.candidates, key=lambda one: (-one.fitted, one.format)))
        found.append(
            Explained(
                path=source.path,
                format=said.format,
                because=said.because,
                wrapped=said.page.wrapped if said.page else (),
                records=said.page.records if said.page else False,
                server=said.server,
                server_because=said.server_because,
                tie=said.tie,
                also=tuple(page.name for page in said.others),
                untried=len(formats) - len(candidates) if candidates else 0,
                candidates=candidates,
            )
        )
    return tuple(found)
