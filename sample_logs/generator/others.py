"""Requests for the data that are no downloads: each belongs to one bucket, and is placed where it moves no bound."""

from __future__ import annotations

from bisect import bisect
from dataclasses import replace
from random import Random

from .acquire import Download
from .events import Ask, Ledger, spell
from .people import Cast, Client, browser
from .shapes import Collection, Thing
from .story import BEGIN, CRASH, END, HOST, MINUTE, PUBLISHED, RESTORED, SECOND, SEED, SILENT, TAKEN_DOWN, WITHDRAWN

STAFF = tuple(Client(f"203.0.113.{n}", browser(Random(f"{SEED}:staff:{n}"))) for n in range(1, 15))
# kind: (method, status, bucket, body, Content-Length of the response)
ANSWERS: dict[str, tuple[str, int, str, int, int | None]] = {
    "head": ("HEAD", 200, "method", 0, -1),  # -1: the object's
    "options": ("OPTIONS", 200, "method", 0, 0),
    "post": ("POST", 405, "method", 157, 157),
    "not_modified": ("GET", 304, "not_modified", 0, None),
    "redirect": ("GET", 301, "redirect", 167, 167),
    "early": ("GET", 403, "denied", 564, 564),
    "late": ("GET", 404, "denied", 564, 564),
    "guess": ("GET", 404, "denied", 564, 564),
    "bad_range": ("GET", 416, "denied", 190, 190),
    "slow_down": ("GET", 429, "throttled", 169, 169),
    "broken": ("GET", 500, "error", 177, 177),
    "crash": ("GET", 504, "error", 1033, 1033),
    "no_status": ("GET", 0, "aborted", 0, None),
    "gone_499": ("GET", 499, "aborted", 0, None),
    "timeout": ("GET", 408, "throttled", 0, None),
    "probe": ("GET", 206, "probe", 2, 2),
    "empty": ("GET", 200, "empty", 0, 0),
    "no_content": ("GET", 204, "empty", 0, None),
    "internal": ("GET", 200, "internal", -1, -1),
    "internal_direct": ("GET", 200, "internal", -1, None),
}
HOUR = 60 * MINUTE
PAST_CDN = {"gone_499", "timeout", "internal_direct"}
DISTURBING = {"slow_down", "broken", "timeout"}  # observed as unavailable: nothing else may start right then


def hiccups(collection: Collection) -> tuple[list[tuple[str, Thing, int]], dict[str, list[tuple[int, int]]]]:
    """When the odd 429, 408 or 500 strikes, and the zones in which nothing else of that object may start."""
    rng = Random(f"{SEED}:hiccups:{collection.name}")
    chosen: list[tuple[str, Thing, int]] = []
    zones: dict[str, list[tuple[int, int]]] = {}
    for kind in sorted(DISTURBING):
        for _ in range(collection.others.get(kind, 0)):
            while True:
                low, high, _weight = rng.choice(collection.crowd)
                moment = rng.randrange(low + 10 * MINUTE, high - 25 * MINUTE) if high - low > HOUR else 0
                thing = rng.choice([t for t in collection.things if t.basis])
                if moment and all(abs(moment - m) > 4 * MINUTE or t is not thing for _, t, m in chosen):
                    break
            chosen.append((kind, thing, moment))
            zones.setdefault(thing.path, []).append((moment - 6 * SECOND, moment + 8 * SECOND))
    return chosen, zones


class Others:
    """Places the other requests of one data set."""

    def __init__(
        self,
        collection: Collection,
        cast: Cast,
        ledger: Ledger,
        downloads: list[Download],
        zones: dict[str, list[tuple[int, int]]],
    ) -> None:
        self.collection = collection
        self.ledger = ledger
        self.downloads = sorted(downloads, key=lambda d: d.end)
        self.ends = [d.end for d in self.downloads]
        self.lost = [d for d in downloads if d.kind.startswith("lost")]
        self.zones = zones
        self.rng = Random(f"{SEED}:others:{collection.name}")
        self.clients = [c for group in cast.people + cast.robots for c in group] or [
            Client(f"198.51.100.{n}", browser(self.rng)) for n in range(60, 80)
        ]

    def run(self, chosen: list[tuple[str, Thing, int]]) -> None:
        """Place the hiccups where they were chosen to be, everything else by its kind."""
        for kind, thing, moment in chosen:
            self._place(kind, thing, moment)
        for kind, count in sorted(self.collection.others.items()):
            if kind in DISTURBING or kind == "blip":
                continue
            for _ in range(count):
                while True:
                    thing = self.rng.choice(self.collection.things)
                    moment = self._moment(kind)
                    if self._fits(kind, thing, moment):
                        break
                self._place(kind, thing, moment)

    def _moment(self, kind: str) -> int:
        rng = self.rng
        if kind == "early":
            return rng.randrange(BEGIN, PUBLISHED - 5 * MINUTE)
        if kind == "late":  # most of them soon after
            last = max(TAKEN_DOWN, self.collection.last) + 8 * MINUTE
            return last + min(rng.randrange(END - MINUTE - last) for _ in range(3))
        if kind == "crash":
            return rng.randrange(CRASH + 2 * MINUTE, RESTORED - MINUTE)
        if kind == "internal_direct":  # staff look at it before it is public: no observation of its own
            return rng.randrange(PUBLISHED - 80 * MINUTE, PUBLISHED - 20 * MINUTE)
        if kind in ("head", "guess", "redirect", "internal") and rng.random() < 0.4:
            return rng.randrange(PUBLISHED + 15 * MINUTE, CRASH - MINUTE)
        low, high, _ = rng.choices(self.collection.crowd, weights=[w for _, _, w in self.collection.crowd])[0]
        return rng.randrange(low, high)

    def _fits(self, kind: str, thing: Thing, moment: int) -> bool:
        if kind == "early" and thing.basis is None:
            return False
        if kind == "empty" and thing.basis not in ("declared", "content-length"):
            return False
        if kind in ("early", "late", "crash", "internal_direct"):
            return True
        if not PUBLISHED + 15 * MINUTE < moment < WITHDRAWN - 2 * MINUTE:
            return False
        return all(moment + 4 * SECOND < low or moment - SECOND > high for low, high in self.zones.get(thing.path, ()))

    def _client(self, kind: str, thing: Thing, moment: int) -> tuple[Client, Thing]:
        if kind.startswith("internal"):
            return self.rng.choice(STAFF), thing
        if kind in PAST_CDN:
            return Client(f"198.51.100.{self.rng.randrange(230, 234)}", browser(self.rng)), thing
        place = bisect(self.ends, moment - MINUTE)
        if kind == "not_modified" and place:  # whoever asks for news has a copy
            earlier = self.downloads[self.rng.randrange(place)]
            known = next(t for t in self.collection.things if t.path == earlier.thing)
            if earlier.kind != "twins" and "direct" not in earlier.kind and self._fits(kind, known, moment):
                return earlier.client, known
        return self.rng.choice(self.clients), thing

    def _place(self, kind: str, thing: Thing, moment: int) -> None:
        rng = self.rng
        method, status, bucket, body, length = ANSWERS[kind]
        client, thing = self._client(kind, thing, moment)
        while any(d.client.ip == client.ip and abs(d.start - moment) < 15 * MINUTE for d in self.lost):
            client, thing = self._client(kind, thing, moment)
        path = thing.path
        if kind == "guess":
            path = rng.choice(self.collection.guesses)
        if kind == "late":
            status = rng.choice((404, 404, 404, 410, 403))
        if kind == "early":
            status = rng.choice((403, 403, 404))
        if kind == "crash":
            status = 503 if moment < SILENT else rng.choice((504, 504, 502, 503))
        if kind == "options" and rng.random() < 0.5:
            status = 204
        known = thing.size if thing.basis in ("declared", "content-length") else None
        ask = Ask(
            client, spell(path, rng, self.ledger.tally), moment, rng.randrange(2, 90), status, bucket, method,
            body=thing.size if body == -1 else body, length=known if length == -1 else length,
            span=(0, 1) if kind == "probe" else None,
            referer=None if rng.random() < 0.5 else f"https://{HOST}/dashboards/firearms/{self.collection.name}",
            content_type=thing.content_type if status == 200 else "text/html", dataset=self.collection.name, thing=path,
            scheme="http" if kind == "redirect" else "https",
            result={"redirect": "Redirect", "not_modified": "RefreshHit"}.get(kind),
            miss=kind not in ("redirect", "no_status", "internal") and rng.random() < 0.2,
        )  # fmt: skip
        if status == 504:
            ask = replace(ask, duration=30_000 + rng.randrange(900))
        if kind == "crash":
            ask = replace(ask, miss=status == 503 and moment < SILENT - MINUTE and rng.random() < 0.5)
        if kind in PAST_CDN:
            self.ledger.direct(replace(ask, content_type=None))
        else:
            self.ledger.edge(ask)
        self.ledger.tally[kind] += 1
