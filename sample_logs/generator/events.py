"""The plan: every request as it will be logged, with the bucket it was made for.

A request through the CDN becomes an edge event and, on a cache miss, an origin event as well. Nothing here reads a log.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

from .people import Client
from .story import HOST, MINUTE, ORIGIN_HOST, ORIGIN_SKEW, SECOND, SEED

OPEN, CLOSED, UNAVAILABLE = "open", "closed", "unavailable"


@dataclass(slots=True)
class Event:
    """One line to be written. Times are as logged: the end in whole seconds, the start as end less duration."""

    vantage: str
    client: Client
    method: str
    path: str  # as the client sent it
    query: str | None
    status: int  # 0: CloudFront's 000
    start: int
    end: int
    body: int = 0
    headers: int = 0
    length: int | None = None  # Content-Length of the response
    span: tuple[int, int] | None = None  # Content-Range of the response
    referer: str | None = None
    host: str = HOST
    scheme: str = "https"
    result: str = "Hit"
    response_result: str = "Hit"
    content_type: str | None = None
    peer: str | None = None  # origin only
    forwarded: str | None = None
    request_id: str = ""
    port: int = 0
    dataset: str | None = None
    thing: str | None = None
    bucket: str | None = None

    @property
    def observes(self) -> str | None:
        """What the status says of the object: DESIGN section 6."""
        if 200 <= self.status < 300 or self.status == 304:
            return OPEN
        if self.status in (401, 403, 404, 410, 451):
            return CLOSED
        if self.status >= 500 or self.status in (408, 429):
            return UNAVAILABLE
        return None


@dataclass(slots=True)
class Ask:
    """A request before it is placed: what is asked, by whom, what comes back."""

    client: Client
    path: str
    start: int
    duration: int
    status: int
    bucket: str | None
    method: str = "GET"
    query: str | None = None
    body: int = 0
    length: int | None = None
    span: tuple[int, int] | None = None
    referer: str | None = None
    content_type: str | None = None
    dataset: str | None = None
    thing: str | None = None
    cut: bool = False  # the client left before the last byte
    scheme: str = "https"
    miss: bool = False  # the CDN asks the origin
    result: str | None = None
    headers: int | None = None
    forged: str | None = None  # an X-Forwarded-For that the client made up


@dataclass(slots=True)
class Ledger:
    """All events, and how often each difficulty was built in."""

    events: list[Event] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    rng: Random = field(default_factory=lambda: Random(f"{SEED}:ledger"))
    _copies: dict[tuple[str, str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    _totals: set[tuple[str, int]] = field(default_factory=set)

    def edge(self, ask: Ask) -> Event:
        """Write a request at the edge and, where the cache had to ask, its copy at the origin."""
        start, end = _logged(ask.start, ask.duration)
        headers = ask.headers or self._headers(ask)
        if ask.status == 0:
            headers = 0
        error = ask.status >= 400 or ask.status == 0
        served = "Error" if error else ask.result or ("Miss" if ask.miss else "Hit")
        event = Event(
            "edge",
            ask.client,
            ask.method,
            ask.path,
            ask.query,
            ask.status,
            start,
            end,
            ask.body,
            headers,
            ask.length,
            ask.span,
            ask.referer,
            HOST,
            ask.scheme,
            "Error" if ask.cut else served,
            served,
            ask.content_type,
            None,
            ask.forged,
            self._request_id(),
            self.rng.randrange(1024, 65536),
            ask.dataset,
            ask.thing,
            ask.bucket,
        )
        self.events.append(event)
        if ask.miss and self._alone(ask):
            self._copy(ask, "other_vantage" if ask.dataset else None)
        return event

    def behind(self, ask: Ask) -> Event:
        """Write a request through the CDN whose edge record is lost: the origin's line alone is left."""
        self._alone(ask)
        return self._copy(ask, ask.bucket)

    def direct(self, ask: Ask) -> Event:
        """Write a request past the CDN, straight to the origin."""
        start, end = _logged(ask.start + ORIGIN_SKEW, ask.duration)
        event = Event(
            "origin",
            ask.client,
            ask.method,
            ask.path,
            ask.query,
            ask.status,
            start,
            end,
            ask.body,
            referer=ask.referer,
            host=self.rng.choice((ORIGIN_HOST, HOST)),
            peer=ask.client.ip,
            forwarded=ask.forged,
            dataset=ask.dataset,
            thing=ask.thing,
            bucket=ask.bucket,
        )
        self.events.append(event)
        return event

    def near(self, ip: str, thing: str, method: str, moment: int, within: int) -> bool:
        """Whether the address asked for the object at the edge about then."""
        return any(
            e.vantage == "edge" and e.client.ip == ip and e.thing == thing and e.method == method
            and e.start - within <= moment <= e.end + within
            for e in self.events
        )  # fmt: skip

    def _copy(self, ask: Ask, bucket: str | None) -> Event:
        duration = max(0, ask.duration - self.rng.randrange(4, 30))
        start, end = _logged(ask.start + ORIGIN_SKEW, duration)
        chain = [ask.client.ip] if ask.forged is None else [ask.forged, ask.client.ip]
        if self.rng.random() < 0.15:  # through a regional cache as well
            chain.append(f"203.0.113.{self.rng.randrange(129, 255)}")
        peer = f"203.0.113.{self.rng.randrange(129, 255)}"
        if self.rng.random() < 0.15:
            peer = f"2001:db8:ffff::{self.rng.randrange(1, 0x2FF):x}"
        event = Event(
            "origin",
            ask.client,
            ask.method,
            ask.path,
            ask.query,
            ask.status,
            start,
            end,
            ask.body,
            referer=ask.referer,
            peer=peer,
            forwarded=", ".join(chain),
            dataset=ask.dataset,
            thing=ask.thing,
            bucket=bucket,
        )
        self.events.append(event)
        return event

    def _alone(self, ask: Ask) -> bool:
        """One copy at a time per address, object and method: which edge line a copy belongs to is never in doubt."""
        moments = self._copies[ask.client.ip, ask.thing or ask.path, ask.method]
        if any(abs(moment - ask.start) < 6 * MINUTE for moment in moments):
            return False
        moments.append(ask.start)
        return True

    def _headers(self, ask: Ask) -> int:
        headers = self.rng.randrange(380, 760)
        if ask.length is None and ask.status == 200:  # chunked: no two totals are alike
            while (ask.thing or ask.path, ask.body + headers) in self._totals and ask.thing:
                headers = self.rng.randrange(380, 4000)
            self._totals.add((ask.thing or ask.path, ask.body + headers))
        return headers

    def _request_id(self) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return "".join(self.rng.choices(letters, k=54)) + "=="


def _logged(start: int, duration: int) -> tuple[int, int]:
    end = (start + duration) // SECOND * SECOND
    return end - duration, end


def spell(path: str, rng: Random, tally: Counter[str]) -> str:
    """Return a way to write a path: nearly always the plain one, now and then one that only normalising brings home."""
    plain = quote(path, safe="/()")
    if rng.random() > 0.05:
        return plain
    folder, name = plain.rsplit("/", 1)
    tally["odd_paths"] += 1
    return rng.choice((
        f"{folder}//{name}",
        f"{folder}/./{name}",
        f"{folder}/old/../{name}",
        f"{folder}/%{ord(name[0]):02x}{name[1:]}",
        f"{folder}/%{ord(name[0]):02X}{name[1:]}",
        f"/%2e{folder}/x/%2E%2e/{name}",
    ))  # fmt: skip


def by_time(events: Iterable[Event]) -> list[Event]:
    """In the order in which servers write: by the end."""
    return sorted(events, key=lambda e: (e.end, e.start, e.client.ip, e.path))
