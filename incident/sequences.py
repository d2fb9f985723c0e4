"""The two decisions that need a walk in time order: which origin request an edge request stands for, and where a range
download starts over.

Both are plain functions over integers: SQL gathers the rows, these decide, SQL goes on with the answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple


class Seen(NamedTuple):
    """One request as a vantage saw it. Times in µs; `request_id` None where the log has none."""

    request_no: int
    started_us: int
    ended_us: int
    request_id: str | None


def pair(edges: list[Seen], origins: list[Seen], within_us: int) -> Iterator[tuple[int, int]]:
    """Yield (origin request_no, edge request_no): each origin request that an edge request of the same client, object
    and method stands for.

    A shared request id decides at once. After that, in time order, each origin request takes, of the edge requests still
    free whose span comes within `within_us` of its own, the one that ended first: the others may yet serve a later one.
    """
    free = sorted(edges, key=lambda s: (s.started_us, s.ended_us, s.request_no))
    waiting = sorted(origins, key=lambda s: (s.started_us, s.ended_us, s.request_no))
    by_id = {s.request_id: s for s in reversed(free) if s.request_id is not None}
    taken: set[int] = set()
    rest: list[Seen] = []
    for origin in waiting:
        edge = by_id.pop(origin.request_id, None) if origin.request_id is not None else None
        if edge is None:
            rest.append(origin)
        else:
            taken.add(edge.request_no)
            yield origin.request_no, edge.request_no
    free = [edge for edge in free if edge.request_no not in taken]
    # The heap holds the free edge requests that began in time, the first to end on top.
    near: list[tuple[int, int, int]] = []
    begun = 0
    for origin in rest:
        while begun < len(free) and free[begun].started_us <= origin.ended_us + within_us:
            heappush(near, (free[begun].ended_us, free[begun].started_us, free[begun].request_no))
            begun += 1
        while near and near[0][0] < origin.started_us - within_us:
            heappop(near)  # ended too early for this origin request, and so for all that start later
        if near and near[0][1] > origin.ended_us + within_us:
            # An earlier origin request that ran longer let edge requests in that began too late for this one.
            near.sort()  # a sorted list is a heap
            at = next((i for i, edge in enumerate(near) if edge[1] <= origin.ended_us + within_us), None)
            if at is not None:
                yield origin.request_no, near.pop(at)[2]
        elif near:
            yield origin.request_no, heappop(near)[2]


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

    `parts` come session by session, in time order. Once a session holds every byte, a range that starts over (at byte 0)
    begins the next download; until then a range that starts over is another try at the same one.
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
