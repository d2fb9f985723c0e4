"""Two case definitions, key by key, as `incident.toml` names them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from incident.records import CaseDefinition
from incident.records_compare import KeyChange

_CASE = ("name", "matter", "prepared_by", "privilege", "timezone")
_NETWORK = ("trusted_proxies", "internal")


def definition_changes(a: CaseDefinition, b: CaseDefinition) -> tuple[KeyChange, ...]:
    """Every key that differs, in the order of the definition; the wording, comments and file names do not count."""
    said_a, said_b = _keys(a), _keys(b)
    return tuple(
        KeyChange(key, said_a.get(key), said_b.get(key))
        for key in {**said_a, **said_b}
        if said_a.get(key) != said_b.get(key)
    )


def _keys(definition: CaseDefinition) -> dict[str, str]:
    said: dict[str, Any] = {f"case.{name}": getattr(definition, name) for name in _CASE}
    said |= {f"network.{name}": getattr(definition, name) for name in _NETWORK}
    said["network.labels"] = definition.labels.name if definition.labels else None
    said["network.geoip"] = [path.name for path in definition.geoip]
    said["evidence"] = [rule.match for rule in definition.evidence]  # first match wins: their order counts
    for rule in definition.evidence:
        said |= _table(f'evidence "{rule.match}"', asdict(rule), "match")
    said["dataset"] = [each.name for each in definition.datasets]
    for each in definition.datasets:
        said |= _table(f'dataset "{each.name}"', asdict(each), "name")
    said |= _table("policy", asdict(definition.policy), "")
    seen: Counter[str] = Counter()
    for event in definition.events:
        seen[event.label] += 1
        nth = f" ({seen[event.label]})" if seen[event.label] > 1 else ""
        said |= _table(f'event "{event.label}"{nth}', asdict(event), "label")
    return {key: json.dumps(value, ensure_ascii=False, sort_keys=True) for key, value in said.items() if _says(value)}


def _table(name: str, table: dict[str, Any], without: str) -> dict[str, Any]:
    return {f"{name}.{key}": value for key, value in table.items() if key != without}


def _says(value: object) -> bool:
    return value is not None and value not in ((), [], {})
