"""The site while a made-up case happens: who asks for what, when, by which route, and what its servers write.

A case is a walk through scenes (a crowd of downloaders, one in parts, an outage, …) on a clock that likes to stand
still or to step exactly on a rule's limit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from oracle_events import SECOND
from strategies_logs import HOST, Hit, Log

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
