"""All findings of a case together, as the report takes them: frozen, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from incident.records import CaseFinding
from incident.records_chronology import ChronologyFinding
from incident.records_clients import ClientsFinding, OverlapFinding
from incident.records_sensitivity import SensitivityFinding


@dataclass(frozen=True, slots=True)
class WholeFinding:
    """Everything that is said of a case; the coverage stands in `case`."""

    case: CaseFinding
    chronology: ChronologyFinding
    sensitivity: SensitivityFinding
    clients: ClientsFinding
    overlap: OverlapFinding
