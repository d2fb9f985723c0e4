"""The two decisions that need a walk in time order.

Which origin request an edge request stands for, and where a range download starts over.

Both are plain functions over integers: SQL gathers the rows, these decide, SQL goes on with the answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Seen(NamedTuple):
    """One request as a vantage saw it. Times in µs; `method` None where the log has none."""

    request_no: int
    started_us: int
    ended_us: int
    method: str | None


def pair(edges: list[Seen], origins: list[Seen], within_us: int) -> Iterator[tuple[int, int]]:
    """Yield (origin request_no, edge request_no): each origin request that an edge request stands for.

    All are of one client and object. As many pair as can of those whose spans come within `within_us` of each other and
    whose methods agree; the earlier origin requests come first.

    A maximum matching by augmenting paths, origin by origin: one that was paired stays paired, so that none is given up
    for a later one. Where no path is found, nothing that the search reached can ever help a later search, and it is
    left out from then on (the Hungarian tree theorem), which keeps the whole linear in the pairs that are possible.
    """
    edges = sorted(edges, key=lambda s: (s.started_us, s.ended_us, s.request_no))
    origins = sorted(origins, key=lambda s: (s.started_us, s.ended_us, s.request_no))
    starts = [edge.started_us for edge in edges]
    latest_end: list[int] = []  # the latest end of this and all earlier edges
    for edge in edges:
        latest_end.append(max(edge.ended_us, latest_end[-1]) if latest_end else edge.ended_us)
    holder: dict[int, int] = {}  # edge → origin
    useless = [False] * len(edges)

    def fitting(origin: Seen) -> Iterator[int]:
        last = bisect_right(starts, origin.ended_us + within_us)
        first = bisect_left(latest_end, origin.started_us - within_us, 0, last)
        for at in range(first, last):
            edge = edges[at]
            agree = edge.method is None or origin.method is None or edge.method == origin.method
            if agree and not useless[at] and edge.ended_us >= origin.started_us - within_us:
                yield at

    for number in range(len(origins)):
        came_from: dict[int, int] = {}  # edge → the origin that reached it
        holds: dict[int, int] = {}  # origin → the edge it would give up
        queue = [number]
        found = None
        for reaching in queue:
            for at in fitting(origins[reaching]):
                if at in came_from:
                    continue
                came_from[at] = reaching
                if at not in holder:
                    found = at
                    break
                holds[holder[at]] = at
                queue.append(holder[at])
            if found is not None:
                break
        if found is None:
            for at in came_from:
                useless[at] = True
            continue
        while found is not None:
            reaching = came_from[found]
            holder[found] = reaching
            found = holds.get(reaching) if reaching != number else None
    for at, number in sorted(holder.items()):
        yield origins[number].request_no, edges[at].request_no


class Part(NamedTuple):
    """One transfer of a range session: bytes `start` to `end` (inclusive) of an object of `size` bytes."""

    session_no: int
    request_no: int
    start: int | None
    end: int | None
    size: int | None


class Held:
    """The bytes that a client holds: disjoint, sorted, half-open spans."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Add the half-open span [start, end)."""
        if end <= start:
            return
        low = bisect_left(self.ends, start)
        high = low
        while high < len(self.starts) and self.starts[high] <= end:
            start = min(start, self.starts[high])
            end = max(end, self.ends[high])
            high += 1
        self.starts[low:high] = [start]
        self.ends[low:high] = [end]

    def covers(self, size: int) -> bool:
        """Whether every byte of an object of `size` bytes is held."""
        return bool(self.starts) and self.starts[0] <= 0 and self.ends[0] >= size


def start_overs(parts: Iterable[Part]) -> Iterator[int]:
    """Yield the request_no of each transfer that begins the next download of its session.

    `parts` come session by session, in time order. Once a session holds every byte, a range that starts over (at byte
    0) begins the next download; until then a range that starts over is another try at the same one.
    """
    session: int | None = None
    held = Held()
    for part in parts:
        if part.session_no != session:
            session, held = part.session_no, Held()
        elif part.start == 0 and part.size is not None and held.covers(part.size):
            yield part.request_no
            held = Held()
        if part.start is not None and part.end is not None:
            held.add(part.start, part.end + 1)
