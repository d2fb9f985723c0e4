"""Small made-up cases, as the oracle's input and as log files: the same case, to be counted twice.

    seeded_case(seed)            one case, the same for the same seed
    cases()                      a hypothesis strategy of such cases
    write_case(case, folder)     its log files and its incident.toml
    roughened(case, pick)        its events with facts taken away that the logs here always give (no files then)

A case is what the servers of strategies_world.py wrote down: logs that rotate, overlap and are delivered twice.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from oracle import Item, Reading
from oracle_events import LINE_COLUMNS, SECOND
from strategies_logs import EDGE_LOGS, HOST, ORIGIN_LOGS, Hit, Log
from strategies_world import SCENES, Drawn, Pick, Seeded, World, scene_whole

# --- the case ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One case: the definition, the evidence as the oracle reads it, and as files (none once roughened)."""

    definition: Mapping[str, Any]
    items: tuple[Item, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)


def seeded_case(seed: int, *, scenes: int = 16) -> Case:
    """The case of this seed, of at most that many scenes (about two to three requests each)."""
    return build_case(Seeded(seed), scenes)


@st.composite
def cases(draw: Callable[[st.SearchStrategy[Any]], Any], scenes: int = 6) -> Case:
    """Any case of at most that many scenes."""
    return build_case(Drawn(draw), scenes)


@st.composite
def rough_cases(draw: Callable[[st.SearchStrategy[Any]], Any], scenes: int = 6) -> Case:
    """Any case, with facts taken away that its logs give."""
    pick = Drawn(draw)
    return roughened(build_case(pick, scenes), pick)


def write_case(case: Case, folder: Path) -> Path:
    """Write the case's files below the folder; return its incident.toml."""
    for path, content in case.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    config = folder / "incident.toml"
    config.write_text(toml_text(case.definition), encoding="utf-8")
    return config


def toml_text(definition: Mapping[str, Any]) -> str:
    """The definition as TOML: tables, arrays of tables, and values that JSON writes alike."""
    lines = []
    for name, content in definition.items():
        for table in content if isinstance(content, list) else [content]:
            lines.append(f"[[{name}]]" if isinstance(content, list) else f"[{name}]")
            lines += [f"{key} = {toml_value(value)}" for key, value in table.items()]
            lines.append("")
    return "\n".join(lines)


def toml_value(value: object) -> str:
    """A value; a table is written inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml_value(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


# --- from scenes to evidence ------------------------------------------------------------------------------------------


def build_case(pick: Pick, scenes: int) -> Case:
    """One case."""
    world = World(
        pick,
        edge=pick.choice(EDGE_LOGS),
        origin=pick.choice(ORIGIN_LOGS),
        forwards_ids=pick.chance(25),
        lengths=pick.choice((100, 60, 0, 0)),
    )
    for _ in range(pick.integer(1, scenes)):
        pick.choice(SCENES)(world)
        world.step()
    if not world.requests:
        scene_whole(world)
    offset = pick.choice((0, 0, 0, 37, -3))
    rules: list[dict[str, str]] = []
    items: list[Item] = []
    files: dict[str, bytes] = {}
    for vantage, log, hits in (("edge", world.edge, world.edge_hits), ("origin", world.origin, world.origin_hits)):
        wrong = offset if vantage == "origin" else 0  # seconds by which the server's clock is behind
        corrected = wrong if pick.chance(70) else 0
        rule = {"match": f"{vantage}/**", "vantage": vantage, **log.rule}
        rules.append({**rule, **({"clock_offset": f"{corrected}s"} if corrected else {})})
        late = [replace(hit, started=hit.started - wrong * SECOND) for hit in hits]
        for path, content, events in files_of(pick, vantage, log, late):
            files[path] = gzip.compress(content, mtime=0) if path.endswith(".gz") else content
            digest = hashlib.sha256(content).hexdigest()
            items.append(Item(path, vantage, events, (log.reading,), corrected * SECOND, digest))
    return Case({**definition(pick), "evidence": rules}, tuple(items), files)


def files_of(pick: Pick, vantage: str, log: Log, hits: Sequence[Hit]) -> list[tuple[str, bytes, list[dict[str, Any]]]]:
    """A server's requests as files (path, decompressed content, events): rotated, overlapping, one perhaps twice."""
    if not hits:
        return []
    in_order = sorted(hits, key=lambda hit: hit.started + hit.duration)
    cuts = sorted({0, len(in_order), *(pick.integer(0, len(in_order)) for _ in range(pick.integer(0, 2)))})
    found = []
    previous: Sequence[Hit] = ()
    for number, (start, end) in enumerate(pairwise(cuts)):
        held = list(in_order[start:end])
        if previous and pick.chance(50):
            held = [*previous[-pick.integer(1, 4) :], *held]  # copied while it was rotated
        if pick.chance(10):
            held.insert(0, held[-1])  # written twice in one file
        previous = in_order[start:end]
        suffix = ".gz" if log.header or pick.chance(30) else ""
        content, events = file_of(log, held, blank=pick.chance(15))
        found.append((f"{vantage}/access.{number}.log{suffix}", content, events))
    if pick.chance(10):
        _, content, events = found[0]
        found.append((f"{vantage}/copy/access.log", content, events))
    return found


def file_of(log: Log, hits: Sequence[Hit], *, blank: bool) -> tuple[bytes, list[dict[str, Any]]]:
    """One file and its events; `blank`: with an empty line in it, which is no event."""
    content = b"".join(line.encode() + b"\n" for line in log.header)
    line_no = len(log.header)
    events: list[dict[str, Any]] = []
    for number, hit in enumerate(hits):
        if blank and number == 1:
            content += log.skipped_line.encode() + b"\n"
            line_no += 1
        line_no += 1
        line = log.line(hit).encode()
        place = {"reading": 0, "line_no": line_no, "byte_offset": len(content), "byte_length": len(line)}
        events.append({**dict.fromkeys(LINE_COLUMNS), **log.event(hit), **place})
        content += line + b"\n"
    return content, events


def definition(pick: Pick) -> dict[str, Any]:
    """A definition: networks, data sets that overlap, and a policy on whose limits the clock steps."""
    policy = {
        "session_gap": pick.choice(("10m", "10m", "1m", "5m", "1h")),
        "repeat_within": pick.choice(("0s", "0s", "0s", "1s", "30s")),
        "min_bytes": pick.choice((3, 3, 1, 2, 0, 300)),
        "max_interruption": pick.choice(("5m", "5m", "0s", "2m", "1h")),
        "match_within": pick.choice(("5s", "5s", "0s", "2s", "1m")),
    }
    first: dict[str, Any] = {"name": "ccw", "paths": ["/data/ccw_*"], "records": 192_000}
    if pick.chance(35):
        first["sizes"] = {"/data/ccw_a.csv": pick.choice((1000, 1200)), "/data/deep/c.csv": 700}
    if pick.chance(15):
        first["methods"] = ["GET", "POST"]
    others: tuple[dict[str, Any], ...] = (
        {"name": "all", "title": "Everything below /data", "paths": ["/data/**"]},
        {"name": "pattern", "regex": [r"^/data/.*\.csv$"]},
        {"name": "hosted", "paths": ["/**"], "hosts": [HOST]},
        {"name": "seventh", "paths": ["/data/*", "/data/*/*"], "query": "(^|&)id=7(&|$)"},
    )
    return {
        "case": {"name": "A made-up case"},
        "network": {
            "trusted_proxies": ["203.0.113.0/24", "2001:db8:ffff::/48"] if pick.chance(90) else [],
            "internal": ["10.0.0.0/8"] if pick.chance(90) else [],
        },
        "dataset": [first, *(one for one in others if pick.chance(30))],
        "policy": policy,
    }


# --- what these logs never leave out ----------------------------------------------------------------------------------


def roughened(case: Case, pick: Pick) -> Case:
    """The case with columns emptied and readings changed, as other formats would; the lines no longer say this."""
    nullable = ("peer_ip", "method", "status", "bytes_sent", "content_length", "range_start", "range_end", "path")
    nullable += ("duration_us", "request_id", "range_total", "user_agent", "host")
    items = []
    for item in case.items:
        reading = item.readings[0]
        if pick.chance(30):
            kinds = ("body_sent", "total_sent", "response_size", "unknown")
            reading = Reading(
                pick.choice(("start", "end", "unknown")), pick.choice(kinds), pick.choice(("response", "request", None))
            )
        dropped = {name for name in nullable if pick.chance(6)}
        events = []
        for event in item.events:
            changed = {**event, **dict.fromkeys(dropped)}
            if pick.chance(8):
                changed[pick.choice(nullable)] = None
            if pick.chance(4):
                changed["inner_hop"] = True
            if pick.chance(4):
                changed["aborted"] = True
            events.append(changed)
        items.append(replace(item, events=events, readings=(reading,), content_sha256=None))
    return Case(case.definition, tuple(items))
