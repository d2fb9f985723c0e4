"""What bounds the exposure windows: the last refusal, the first answer, the outage, the last answer, the first refusal.

These requests are placed by hand, so that each bound is one known line with nothing near it.
"""

from __future__ import annotations

from random import Random

from .events import Ask, Ledger
from .holdings import COLLECTIONS
from .people import BROWSERS, Client
from .shapes import Collection, Thing
from .story import BLIP, BLIP_OBJECT, CRASH, MINUTE, PUBLISHED, RESTORED, SECOND, SEED, TAKEN_DOWN, WITHDRAWN

WATCHER = Client("192.0.2.200", "Mozilla/5.0 (compatible; Linkwatch/2.4; +https://linkwatch.example/about)")
READER = Client("198.51.100.201", BROWSERS[0].format(102))


def place_bounds(ledger: Ledger) -> None:
    """Write the bounding requests of every object."""
    rng = Random(f"{SEED}:bounds")
    for place, collection in enumerate(COLLECTIONS):
        for number, thing in enumerate(collection.things):
            _bound(ledger, rng, collection, thing, place * 4 + number, last=number == collection.last_thing)


def _bound(ledger: Ledger, rng: Random, collection: Collection, thing: Thing, place: int, *, last: bool) -> None:
    def ask(start: int, duration: int, status: int, bucket: str, method: str = "GET", *, miss: bool = False) -> Ask:
        known = thing.size if thing.basis in ("declared", "content-length") else None
        length = known if status == 200 else 564
        body = 0 if method == "HEAD" else 564
        path = thing.path.replace(" ", "%20").replace("\u00ed", "%C3%AD")
        client = WATCHER if method == "HEAD" else READER
        return Ask(
            client, path, start, duration, status, bucket, method, body=body, length=length,
            content_type=thing.content_type if status == 200 else "text/html",
            dataset=collection.name, thing=thing.path, miss=miss,
        )  # fmt: skip

    if thing.basis is not None:  # what was made anew for each request nobody had asked for before: bound unknown
        ledger.edge(ask(PUBLISHED - 100 * SECOND + place * SECOND, 3, 403, "denied"))  # from the CDN's error cache
    ledger.edge(ask(PUBLISHED + 95 * SECOND + place * 4 * SECOND, 61, 200, "method", "HEAD", miss=True))
    ledger.edge(ask(CRASH + (5 + place % 7) * SECOND, 2104, 503, "error", miss=True))
    ledger.edge(ask(RESTORED + 30 * SECOND + place * 3 * SECOND, 84, 200, "method", "HEAD", miss=True))
    late = 9 * MINUTE if last and collection.last > TAKEN_DOWN else 0
    ledger.edge(ask(WITHDRAWN + late + (30 + place * 2 + last * 60) * SECOND, 2, 200, "method", "HEAD"))
    ledger.edge(
        ask(TAKEN_DOWN + late + (20 + place + last * 60) * SECOND, 47, 404, "denied", miss=not rng.randrange(3))
    )
    if thing.path == BLIP_OBJECT:
        low, high = BLIP
        size = thing.size
        for moment in (low, high):
            kept = ask(moment, 2, 200, "method", "HEAD")
            kept.length = size
            ledger.edge(kept)
        for number in range(collection.others["blip"]):
            ledger.edge(ask(low + 25 * SECOND + number * 20 * SECOND, 31, 403, "denied", miss=number == 0))
    ledger.tally["bounding_requests"] += 1
