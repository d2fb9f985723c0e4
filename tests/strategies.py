"""Small made-up cases, as the oracle's input and as log files: the same case, to be counted twice.

    seeded_case(seed)            one case, the same for the same seed
    cases()                      a hypothesis strategy of such cases
    write_case(case, folder)     its log files and its incident.toml
    roughened(case, pick)        its events with facts taken away that the logs here always give (no files then)

A case is a walk through scenes (a crowd of downloaders, one in parts, an outage, …) on a clock that likes to stand
still or to step exactly on a rule's limit. Each request takes a route (edge alone, edge and origin, around the CDN)
and is written down by the servers on it; logs rotate, overlap and are delivered twice.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from oracle import Item, Reading
from oracle_events import LINE_COLUMNS, SECOND
from strategies_logs import EDGE_LOGS, HOST, ORIGIN_LOGS, Hit, Log

A = TypeVar("A")

NOON = 1_714_651_200 * SECOND  # 2024-05-02 12:00:00 UTC
CLIENTS = ("198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4", "2001:db8:1::1")
INTERNAL = ("10.0.0.5", "10.9.9.9")
PROXIES = ("203.0.113.7", "203.0.113.8", "2001:db8:ffff::1")
STRANGER = "192.0.2.99"  # an address that forged headers name
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0", None)
OBJECTS = ("/data/ccw_a.csv", "/data/ccw_b.csv", "/data/deep/c.csv")
OFTEN = OBJECTS[:1] * 3 + OBJECTS
STEPS_MS = (0, 0, 0, 1, 1000, 1000, 2000, 5000, 6000, 30_000, 120_000, 299_000, 300_000, 301_000, 599_000, 600_000)
STEPS_MS += (601_000, 3_600_000)
DURATIONS_MS = (0, 0, 3, 250, 1000, 4000, 61_000, 400_000)
ODD_STATUSES = (204, 205, 203, 301, 302, 304, 400, 401, 403, 404, 405, 408, 410, 416, 429, 451, 499, 500, 502, 503)
ODD_STATUSES += (None, 101, 999)


# --- where chance comes from ------------------------------------------------------------------------------------------


class Pick(Protocol):
    """A source of choices: a seeded generator, or hypothesis."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""

    def choice(self, options: Sequence[A]) -> A:
        """One of the options; the first is the simplest."""

    def chance(self, percent: int) -> bool:
        """Yes, that often."""


class Seeded:
    """Choices from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def choice(self, options: Sequence[A]) -> A:
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent


class Drawn:
    """Choices that hypothesis makes, and shrinks towards the plain case."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def choice(self, options: Sequence[A]) -> A:
        return options[self.draw(st.integers(0, len(options) - 1))]

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) >= 100 - percent


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


# --- the world --------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """The site while a case happens: its clock, its objects, and what its servers have written so far."""

    pick: Pick
    edge: Log
    origin: Log
    forwards_ids: bool
    lengths: int  # how many responses in a hundred state their length
    now: int = NOON
    sizes: dict[str, int] = field(default_factory=lambda: {"/data/ccw_a.csv": 1000, "/data/ccw_b.csv": 300})
    requests: int = 0
    edge_hits: list[Hit] = field(default_factory=list)
    origin_hits: list[Hit] = field(default_factory=list)

    def step(self) -> None:
        """Let some time pass, or none."""
        self.now += self.pick.choice(STEPS_MS) * 1000

    def request(self, client: str, name: str, **facts: Any) -> None:
        """One request of a client for an object: it takes a route and leaves its lines."""
        self.requests += 1
        size = self.sizes.get(name, 700)
        usual: dict[str, Any] = {
            "started": self.now,
            "duration": self.pick.choice(DURATIONS_MS) * 1000,
            "peer": client,
            "forwarded_for": STRANGER if self.pick.chance(8) else None,
            "agent": AGENTS[0],
            "method": "GET",
            "path": self.spelled(name),
            "query": self.pick.choice((None, None, None, "", "id=7", "v=1&id=77")),
            "host": self.pick.choice((HOST, HOST, HOST, "old.example.gov")),
            "status": 200,
            "body": size,
            "meant": size,
            "asked": None,
            "sent": None,
            "states_length": self.pick.chance(self.lengths),
            "aborted": False,
            "request_id": f"{self.requests:032x}",
        }
        self.route(Hit(**{**usual, **facts}))

    def spelled(self, name: str) -> str:
        """The object's path as some clients write it."""
        folder, _, last = name.rpartition("/")
        escaped = f"%{ord(last[0]):02x}{last[1:]}"
        others = (f"{folder}//{last}", f"{folder}/./{last}", f"{folder}/x/../{last}", f"{folder}/{escaped}")
        return self.pick.choice(others) if self.pick.chance(12) else name

    def route(self, hit: Hit) -> None:
        """Through the edge, through it to the origin, with its log lost, or around it."""
        route = self.pick.choice(("edge", "edge", "both", "both", "both", "lost", "around"))
        if route in ("edge", "both"):
            self.edge_hits.append(hit)
        if route == "around":
            self.origin_hits.append(hit)
        if route in ("both", "lost"):
            self.origin_hits.append(self.behind(hit))

    def behind(self, hit: Hit) -> Hit:
        """The same request as the origin sees it, from a proxy and a little later."""
        chain = [hop for hop in (hit.forwarded_for, hit.peer) if hop is not None]
        if self.pick.chance(20):
            chain.append(self.pick.choice(PROXIES))
        if self.pick.chance(20):
            chain[-1] = f"[{chain[-1]}]:4711" if ":" in chain[-1] else f"{chain[-1]}:4711"
        self.requests += 1
        return replace(
            hit,
            started=hit.started + self.pick.choice((0, 2, 40, 5000, 7000)) * 1000,
            duration=hit.duration // 2000 * 1000,
            peer=self.pick.choice(PROXIES),
            forwarded_for=", ".join(chain),
            agent="Amazon CloudFront" if self.pick.chance(10) else hit.agent,
            request_id=hit.request_id if self.forwards_ids else f"{self.requests:032x}",
        )

    def part(self, client: str, name: str, first: int, last: int, **facts: Any) -> None:
        """One 206 of the bytes first…last, whole unless the facts say otherwise."""
        size = self.sizes.get(name, 700)
        last = min(last, size - 1)
        length = last - first + 1
        open_ended = self.pick.chance(30) and last == size - 1
        usual: dict[str, Any] = {
            "status": 206,
            "body": length,
            "meant": length,
            "asked": (first, None if open_ended else last),
            "sent": (first, last, size),
        }
        self.request(client, name, **{**usual, **facts})


# --- scenes -----------------------------------------------------------------------------------------------------------


def one_of_them(world: World) -> dict[str, Any]:
    """A client, an object and an agent."""
    agent = world.pick.choice((AGENTS[0], AGENTS[0], *AGENTS[1:]))
    return {"client": world.pick.choice(CLIENTS), "name": world.pick.choice(OFTEN), "agent": agent}


def scene_whole(world: World) -> None:
    """Somebody takes it all, and perhaps once more."""
    who = one_of_them(world)
    for _ in range(world.pick.choice((1, 1, 2, 3))):
        world.request(**who)
        if world.pick.chance(50):
            world.step()


def scene_crowd(world: World) -> None:
    """Several clients take it whole, plain or compressed: sizes can be inferred."""
    name = world.pick.choice(OFTEN)
    packed = world.pick.chance(40)
    for client in CLIENTS[: world.pick.integer(2, 5)]:
        sent = world.sizes.get(name, 700) * (4 if packed else 10) // 10
        world.request(client, name, body=sent, meant=sent, **({"states_length": False} if packed else {}))


def scene_cut(world: World) -> None:
    """A transfer breaks off; perhaps the client goes on where it broke."""
    who = one_of_them(world)
    size = world.sizes.get(who["name"], 700)
    got = world.pick.integer(1, size - 1)
    world.request(**who, body=got, aborted=world.pick.chance(60))
    world.step()
    if world.pick.chance(70):
        world.part(first=world.pick.choice((got, got, got, 0, got // 2)), last=size, **who)


def scene_parts(world: World) -> None:
    """One client in several parts: apart, overlapping, out of order, cut short, or over again."""
    who = one_of_them(world)
    size = world.sizes.get(who["name"], 700)
    pieces = world.pick.integer(2, 4)
    edges = [size * n // pieces for n in range(pieces + 1)]
    spans = list(pairwise(edges))
    if world.pick.chance(25):
        spans.reverse()
    if world.pick.chance(30):
        spans.append((0, size))
    for start, end in spans:
        short = world.pick.chance(10)
        facts = {"body": max(1, (end - start) // 3), "aborted": True} if short else {}
        world.part(first=max(0, start - world.pick.choice((0, 0, 10))), last=end - 1, **who, **facts)
        if world.pick.chance(60):
            world.step()


def scene_player(world: World) -> None:
    """A player sniffs, then asks for everything as one range."""
    who = one_of_them(world)
    world.part(first=0, last=world.pick.integer(0, 3), **who)
    if world.pick.chance(60):
        world.part(first=0, last=world.sizes.get(who["name"], 700), **who)


def scene_status(world: World) -> None:
    """One answer that is no transfer, or hardly one."""
    who = one_of_them(world)
    status = world.pick.choice(ODD_STATUSES)
    length = 0 if status in (None, 204, 205, 304, 499, 101) else world.pick.integer(0, 60)
    world.request(**who, status=status, body=length, meant=length)


def scene_empty(world: World) -> None:
    """A 200 with nothing in it."""
    world.request(**one_of_them(world), body=0, meant=0)


def scene_outage(world: World) -> None:
    """The site fails for a while, and may come back."""
    name = world.pick.choice(OFTEN)
    for client in CLIENTS[: world.pick.integer(1, 3)]:
        world.request(client, name, status=world.pick.choice((503, 500, 429)), body=60, meant=60)
        world.step()
    if world.pick.chance(70):
        world.request(world.pick.choice(CLIENTS), name)


def scene_closed(world: World) -> None:
    """The object is gone, or forbidden, and may come back."""
    name = world.pick.choice(OFTEN)
    for client in CLIENTS[: world.pick.integer(1, 3)]:
        world.request(client, name, status=world.pick.choice((404, 403, 410)), body=60, meant=60)
        world.step()
    if world.pick.chance(50):
        world.request(world.pick.choice(CLIENTS), name)


def scene_method(world: World) -> None:
    """HEAD, OPTIONS or POST."""
    who = one_of_them(world)
    method = world.pick.choice(("HEAD", "OPTIONS", "POST"))
    world.request(**who, method=method, **({} if method == "POST" else {"body": 0}))


def scene_internal(world: World) -> None:
    """One of the organisation's own looks."""
    world.request(world.pick.choice(INTERNAL), world.pick.choice(OBJECTS))


def scene_new_version(world: World) -> None:
    """The object changes its size."""
    name = world.pick.choice(OFTEN)
    world.sizes[name] = world.pick.choice((1000, 1200, 300, 5000))


def scene_elsewhere(world: World) -> None:
    """A page that belongs to no data set, mostly."""
    world.request(world.pick.choice(CLIENTS), "/index.html")


SCENES: tuple[Callable[[World], None], ...] = (
    scene_whole,
    scene_whole,
    scene_crowd,
    scene_crowd,
    scene_cut,
    scene_cut,
    scene_parts,
    scene_parts,
    scene_player,
    scene_status,
    scene_status,
    scene_empty,
    scene_outage,
    scene_closed,
    scene_method,
    scene_internal,
    scene_new_version,
    scene_new_version,
    scene_elsewhere,
)


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
