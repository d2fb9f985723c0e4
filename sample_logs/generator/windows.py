"""What the plan implies for windows and full copies, in plain loops, and refusals where the plan would be ambiguous."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .acquire import Download
from .events import CLOSED, OPEN, UNAVAILABLE, Event
from .people import Client
from .story import MINUTE, iso


@dataclass(frozen=True, slots=True)
class Window:
    """One exposure window of an object or a data set; spans are (first moment, moment after)."""

    opened_after: int | None
    first_seen: int
    last_seen: int
    closed_by: int | None
    outages: tuple[tuple[int, int], ...]
    interruptions: int

    def told(self) -> dict[str, Any]:
        """As the truth tells it; seconds are exact to the millisecond."""
        unavailable = sum(high - low for low, high in self.outages)
        known = self.opened_after is not None and self.closed_by is not None
        return {
            "opened_after": None if self.opened_after is None else iso(self.opened_after),
            "first_seen": iso(self.first_seen),
            "last_seen": iso(self.last_seen),
            "closed_by": None if self.closed_by is None else iso(self.closed_by),
            "confirmed_seconds": (self.last_seen - self.first_seen - unavailable) / 1000,
            "unavailable_seconds": unavailable / 1000,
            "longest_seconds": (self.closed_by - self.opened_after) / 1000 if known else None,  # type: ignore[operator]
            "interruptions": self.interruptions,
            "outages": [{"from": iso(low), "to": iso(high)} for low, high in self.outages],
        }


def object_window(events: Sequence[Event], thing: str) -> Window:
    """Return the one window that the story gives to an object.

    Raises:
        ValueError: the plan would give another answer if copies at the origin were left out, or more than one window.

    """
    seen = [e for e in events if e.thing == thing and e.bucket not in ("duplicate", "internal") and e.observes]
    window = _walk(seen)
    if window != _walk([event for event in seen if event.bucket != "other_vantage"]):
        raise ValueError(f"{thing}: an origin copy moves a bound")
    return window


def _walk(seen: list[Event]) -> Window:
    order = sorted(seen, key=lambda event: event.start)
    opens = [event for event in order if event.observes == OPEN]
    first, last = opens[0].start, max(event.end for event in opens)
    before = [event.start for event in order if event.observes == CLOSED and event.start < first]
    after = [event.end for event in order if event.observes == CLOSED and event.start > last]
    outages: list[tuple[int, int]] = []
    interruptions = 0
    down: int | None = None
    refused = False
    reached = first
    for event in order:
        if not first <= event.start <= last:
            continue
        if event.observes == UNAVAILABLE and down is None:
            down = event.start
        elif event.observes == CLOSED:
            refused = True
        elif event.observes == OPEN:
            if down is not None:
                if event.start <= down:
                    raise ValueError(f"{event.thing}: open and unavailable at one moment")
                outages.append((down, event.start))
                down = None
            if refused:
                if event.start - reached > 4 * MINUTE:
                    raise ValueError(f"{event.thing}: more than an interruption")
                interruptions += 1
                refused = False
            reached = max(reached, event.end)
    return Window(max(before, default=None), first, last, min(after, default=None), tuple(outages), interruptions)


def union_window(windows: Sequence[Window]) -> Window:
    """Return the window of a data set: open while any of its objects is; an unknown bound stays unknown.

    Raises:
        ValueError: the windows do not form one, or their bounds name different objects.

    """
    first = min(windows, key=lambda window: window.first_seen)
    last = max(windows, key=lambda window: window.last_seen)
    if max(window.first_seen for window in windows) > min(window.last_seen for window in windows):
        raise ValueError("the windows of a data set fall apart")
    afters = [window.opened_after for window in windows]
    bys = [window.closed_by for window in windows]
    if None not in afters and min(afters) != first.opened_after:  # type: ignore[type-var]
        raise ValueError("two objects claim the earlier bound")
    if None not in bys and max(bys) != last.closed_by:  # type: ignore[type-var]
        raise ValueError("two objects claim the later bound")
    return Window(
        None if None in afters else first.opened_after,
        first.first_seen,
        last.last_seen,
        None if None in bys else last.closed_by,
        _nowhere_open(windows, first.first_seen, last.last_seen),
        sum(window.interruptions for window in windows),
    )


def _nowhere_open(windows: Sequence[Window], first: int, last: int) -> tuple[tuple[int, int], ...]:
    """Spans between first and last in which no object is confirmed open."""
    confirmed: list[tuple[int, int]] = []
    for window in windows:
        low = window.first_seen
        for down, up in window.outages:
            confirmed.append((low, down))
            low = up
        confirmed.append((low, window.last_seen))
    gaps: list[tuple[int, int]] = []
    reached = first
    for low, high in sorted(confirmed):
        if low > reached:
            gaps.append((reached, low))
        reached = max(reached, high)
    if reached != last:
        raise ValueError("the confirmed spans do not reach the end")
    return tuple(gaps)


def holds_full_copy(downloads: list[Download], sizes: dict[str, int]) -> set[tuple[Client, str]]:
    """Find which clients hold every byte of which object in the end.

    Raises:
        ValueError: it would depend on whether headers count or on what an aborted range still delivered.

    """
    by_client: dict[tuple[Client, str], list[Download]] = defaultdict(list)
    for each in downloads:
        by_client[each.client, each.thing].append(each)
    found = set()
    for key, theirs in by_client.items():
        size = sizes.get(key[1])
        if size is None:
            continue
        whole = any(each.completeness == "full" for each in theirs)
        strict = _covers(theirs, size, generous=False)
        if not whole and strict != _covers(theirs, size, generous=True):
            raise ValueError(f"{key[1]}: whether {key[0].ip} holds it all is a matter of opinion")
        if whole or strict:
            found.add(key)
    return found


def _covers(downloads: list[Download], size: int, *, generous: bool) -> bool:
    spans = []
    for event in (event for each in downloads for event in each.events):
        body = event.body + (event.headers if generous else 0)
        if event.span is None:
            spans.append((0, body))
        else:
            low, high = event.span
            spans.append((low, high + 1 if generous else min(high + 1, low + body)))
    reached = 0
    for low, high in sorted(spans):
        if low > reached:
            return False
        reached = max(reached, high)
    return reached >= size
