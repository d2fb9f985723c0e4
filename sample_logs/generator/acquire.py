"""Downloads: each is planned as an acquisition, placed in time, and only then turned into requests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

from .events import Ask, Event, Ledger, spell
from .people import Cast, Client
from .recipes import FULL, Part, Recipe, recipe
from .shapes import Collection, Thing
from .story import CRASH, HOST, LOST_FROM, LOST_TO, MINUTE, OVERLAP_FROM, REFERRERS, SECOND, SEED, WITHDRAWN, pacific

WHOLE_ONLY = {  # without ranges, and without a word on the object's size
    "full",
    "double",
    "aborted",
    "robot_full",
    "robot_aborted",
    "direct_full",
    "direct_partial",
    "lost_full",
    "lost_partial",
}
APART = 13 * MINUTE  # more than the session gap
HALF_HOUR = 30 * MINUTE
QUERIES = ("v=3", "download=1", "utm_source=share&utm_medium=link", "")
DIRECT = {"direct_full", "direct_partial", "direct_ranges_full", "direct_ranges_partial", "twins"}


@dataclass(frozen=True, slots=True)
class Download:
    """One download as it was meant, with the events that carry it."""

    dataset: str
    thing: str
    client: Client
    kind: str
    completeness: str
    events: tuple[Event, ...]

    @property
    def start(self) -> int:
        """Start of its first transfer."""
        return min(event.start for event in self.events)

    @property
    def end(self) -> int:
        """End of its last transfer."""
        return max(event.end for event in self.events)


@dataclass(slots=True)
class Planner:
    """Places the acquisitions of one data set where none disturbs another's meaning."""

    collection: Collection
    cast: Cast
    ledger: Ledger
    zones: dict[str, list[tuple[int, int]]]  # per object: when nothing may start
    downloads: list[Download] = field(default_factory=list)
    rng: Random = field(init=False)
    _taken: dict[tuple[Client, str], list[tuple[int, int, bool]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.rng = Random(f"{SEED}:acquire:{self.collection.name}")

    def run(self) -> list[Download]:
        """Place every acquisition that the story asks for."""
        if not self.collection.downloads:
            return []
        self._first_and_last()
        kinds = [kind for kind, count in sorted(self.collection.downloads.items()) for _ in range(count)]
        for _ in range(2):
            kinds.remove("full")  # the first and the last are placed already
        self.rng.shuffle(kinds)
        people = self._queue(self.cast.people)
        robots = self._queue(self.cast.robots)
        direct = self._queue(self.cast.direct)
        whole_direct = [t for t in self.collection.things if t.basis == "inferred" for _ in range(4)]
        hard_first = sorted(kinds, key=lambda kind: (kind != "twins", "lost" not in kind, "direct_ranges" not in kind))
        for kind in hard_first:
            if kind == "direct_full" and whole_direct:  # sizes are inferred from at least three clients
                self._place(kind, direct, whole_direct.pop())
            elif kind in DIRECT:
                self._place(kind, direct)
            else:
                self._place(kind, robots if kind.startswith("robot") else people)
        waiting = people.waiting + robots.waiting + direct.waiting
        if waiting:
            raise RuntimeError(f"{self.collection.name}: {len(waiting)} addresses without a download")
        return self.downloads

    def _first_and_last(self) -> None:
        thing = self.collection.things[self.collection.last_thing]
        for moment, client in (
            (self.collection.first, self.cast.people[5][0]),
            (self.collection.last, self.cast.people[6][0]),
        ):
            made = Recipe((Part(0, 0, 200, thing.size),), (FULL,))
            self._perform("full", made, thing, client, moment, hit=True, plain=True)

    def _queue(self, addresses: tuple[tuple[Client, ...], ...]) -> Queue:
        return Queue(list(addresses), self.rng)

    def _place(self, kind: str, queue: Queue, thing: Thing | None = None) -> None:
        must = thing
        for attempt in range(400):
            client = queue.look(kind, attempt)
            thing = must or self._thing(kind)
            size = thing.size + (self.rng.randrange(-9000, 9000) if kind == "odd_sized" else 0)
            made = recipe(kind, self.rng, size)
            start = self._moment(kind)
            if self._fits(kind, made, thing, client, start):
                queue.take(client)
                self._perform(kind, made, thing, client, start)
                return
        raise RuntimeError(f"{self.collection.name}: no place for another {kind}")

    def _thing(self, kind: str) -> Thing:
        things = [t for t in self.collection.things if self._suits(kind, t)]
        return self.rng.choices(things, weights=[t.weight for t in things])[0]

    @staticmethod
    def _suits(kind: str, thing: Thing) -> bool:
        if kind == "odd_sized" or thing.basis is None:
            return kind == "odd_sized" and thing.basis is None
        return thing.basis != "inferred" or kind in WHOLE_ONLY

    def _moment(self, kind: str) -> int:
        if kind.startswith("lost"):
            return self.rng.randrange(LOST_FROM + 25 * MINUTE, LOST_TO - 5 * MINUTE)
        if kind == "twins" and self.collection.name == "fsc":
            return OVERLAP_FROM + self.rng.randrange(5 * MINUTE, 20 * MINUTE)
        if kind == "twins":
            return self.rng.randrange(pacific(28, "00:30:00"), pacific(28, "01:20:00"))
        low, high, _ = self.rng.choices(self.collection.crowd, weights=[w for _, _, w in self.collection.crowd])[0]
        moment = self.rng.randrange(low, high)
        if low < CRASH < high + HALF_HOUR:  # the evening: more and more come
            moment = max(moment, self.rng.randrange(low, high))
        return moment

    def _fits(self, kind: str, made: Recipe, thing: Thing, client: Client, start: int) -> bool:
        end = start + made.length
        if start < self.collection.first + 10 * SECOND:
            return False
        if end > min(self.collection.last - 10 * SECOND, WITHDRAWN - MINUTE):
            return False
        if start < CRASH < end + 10 * SECOND:
            return False
        for low, high in self.zones.get(thing.path, ()):
            for part in made.parts:
                if low <= start + part.offset + 4 * SECOND and start + part.offset - SECOND <= high:
                    return False
        if kind.startswith("lost"):
            if end > LOST_TO or self.ledger.near(client.ip, thing.path, "GET", start, 10 * MINUTE):
                return False
        elif self._near_lost(client.ip, thing.path, start):
            return False
        if kind in DIRECT and any(made.ranged or ranged for _, _, ranged in self._taken[client, thing.path]):
            return False  # without range fields nothing could be said of what both together hold
        for low, high, ranged in self._taken[client, thing.path]:
            apart = APART if ranged or made.ranged else 3 * SECOND
            if start < high + apart and low < end + apart:
                return False
        return True

    def _near_lost(self, ip: str, thing: str, moment: int) -> bool:
        """Whether an edge line here could be taken for the one that is missing."""
        return any(
            each.kind.startswith("lost")
            and (each.client.ip, each.thing) == (ip, thing)
            and each.start - 10 * MINUTE < moment < each.end + 10 * MINUTE
            for each in self.downloads
        )

    def _perform(
        self,
        kind: str,
        made: Recipe,
        thing: Thing,
        client: Client,
        start: int,
        *,
        hit: bool = False,
        plain: bool = False,
    ) -> None:
        """Turn a placed acquisition into requests and keep what it was meant to be."""
        carried: dict[int, list[Event]] = defaultdict(list)
        path = spell(thing.path, Random(0) if plain else self.rng, self.ledger.tally)
        query = self.rng.choice(QUERIES) if self.rng.random() < 0.12 else None
        if thing.basis is None:
            query = f"view=county&at={self.rng.randrange(10**6)}"
        if query is not None:
            self.ledger.tally["query_strings"] += 1
        referer = self._referer(start, client)
        forged = None
        if client not in {c for group in self.cast.robots for c in group} and self.rng.random() < 0.015:
            forged = f"198.51.100.{self.rng.randrange(1, 255)}"
            self.ledger.tally["forged_forwarded_for_through_cdn"] += kind not in DIRECT
        if kind in DIRECT:
            forged = self.rng.choice(("203.0.113.130", "10.0.0.1", "192.0.2.77, 203.0.113.200", "203.0.113.5", None))
            self.ledger.tally["forged_forwarded_for_past_cdn"] += (forged is not None) * len(made.parts)
        for part in made.parts:
            ranged = part.span is not None
            length: int | None = part.body if not ranged else part.span[1] - part.span[0] + 1  # type: ignore[index]
            if part.status == 200:
                length = thing.size if thing.basis in ("declared", "content-length") else None
            ask = Ask(
                client, path, start + part.offset, part.duration, part.status, "probe" if part.probe else "counted",
                query=query, body=part.body, length=length, span=part.span, referer=referer,
                content_type=thing.content_type, dataset=self.collection.name, thing=thing.path, cut=part.cut,
                headers=part.headers, forged=forged,
                miss=not hit and (thing.basis is None or self.rng.random() < 0.16),
            )  # fmt: skip
            if kind in DIRECT:
                event = self.ledger.direct(ask)
            elif kind.startswith("lost"):
                event = self.ledger.behind(ask)
            else:
                event = self.ledger.edge(ask)
            if part.probe:
                self.ledger.tally["probes"] += 1
            else:
                carried[part.number].append(event)
            if kind == "twins":
                twin = Event(**{name: getattr(event, name) for name in event.__dataclass_fields__})
                self.ledger.events.append(twin)
                carried[1].append(twin)
        completeness = made.downloads * 2 if kind == "twins" else made.downloads
        for number, each in enumerate(completeness):
            events = tuple(carried[number])
            self.downloads.append(Download(self.collection.name, thing.path, client, kind, each, events))
        self._taken[client, thing.path].append((start, start + made.length, made.ranged))
        self.ledger.tally[f"acquisitions_{kind}"] += 1

    def _referer(self, moment: int, client: Client) -> str | None:
        if client.automated or self.rng.random() < 0.35:
            return None
        arrived = [url for url, first in REFERRERS if first + 5 * MINUTE < moment]
        if arrived and self.rng.random() < 0.45:
            return self.rng.choice(arrived)
        return f"https://{HOST}/dashboards/firearms/{self.collection.name}"


@dataclass(slots=True)
class Queue:
    """Whose turn it is: every address once, then the eager ones more often."""

    addresses: list[tuple[Client, ...]]
    rng: Random
    waiting: list[tuple[Client, ...]] = field(init=False)
    weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = list(self.addresses)
        self.weights = [1 / (rank + 12) for rank in range(len(self.addresses))]

    def look(self, kind: str, attempt: int) -> Client:
        """Return a client for an acquisition; another one if the one before did not fit."""
        if kind == "robot_ranges":  # previewers ask for the beginning only
            pool = [
                group
                for group in self.addresses
                if group[0].agent and group[0].agent.startswith(("Slackbot", "facebook"))
            ]
            return self.rng.choice(self.rng.choice(pool))
        if self.waiting and attempt < 200:
            return self.rng.choice(self.waiting[attempt % len(self.waiting)])
        return self.rng.choice(self.rng.choices(self.addresses, weights=self.weights)[0])

    def take(self, client: Client) -> None:
        """Note that the address had its turn."""
        self.waiting = [group for group in self.waiting if group[0].ip != client.ip]
