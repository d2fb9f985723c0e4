"""The oracle, fourth part: exposure windows (DESIGN.md section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from oracle_events import Event


# DESIGN 6: "**open** (2xx with or without content, 304), **closed** (401, 403, 404, 410, 451), **unavailable** (5xx,
# 408, 429), or nothing (the rest)."
def observation(event: Event) -> str | None:
    """What one event observes of its object."""
    status = event.status or 0
    if 200 <= status < 300 or status == 304:
        return "open"
    if status in (401, 403, 404, 410, 451):
        return "closed"
    if 500 <= status < 600 or status in (408, 429):
        return "unavailable"
    return None


@dataclass
class Window:
    """One exposure window, bounded from both sides."""

    object: str | None
    opened_after: int | None
    first_seen: int
    last_seen: int
    closed_by: int | None
    interruptions: int
    outages: list[tuple[int, int]]

    @property
    def unavailable(self) -> int:
        return sum(end - start for start, end in self.outages)

    # DESIGN 6: "`confirmed_seconds` = last − first, less `unavailable_seconds`"  # noqa: RUF003
    @property
    def confirmed(self) -> int:
        return self.last_seen - self.first_seen - self.unavailable

    # DESIGN 6: "`longest_seconds` = closed_by − opened_after"  # noqa: RUF003
    @property
    def longest(self) -> int | None:
        if self.closed_by is None or self.opened_after is None:
            return None
        return self.closed_by - self.opened_after


# DESIGN 6: "A *window* is a maximal run from an open to the last open observation with no closed observation between,
# save closed ones that opens surround within `max_interruption`: those are *interruptions*, counted and kept."
# docs/decisions/interruptions.md
def windows_of(events: Sequence[Event], max_interruption: int) -> list[Window]:
    """The windows of one object. Reachability is tested at the start: that is the order, and the measure."""
    observed = [e for e in sorted(events, key=lambda e: e.order) if observation(e) is not None]
    runs: list[list[Event]] = []
    for event in observed:
        if observation(event) != "open":
            continue
        if runs and is_one_run(runs[-1][-1], event, observed, max_interruption):
            runs[-1].append(event)
        else:
            runs.append([event])
    windows = [window_of(run, observed) for run in runs]
    for window, run, following in zip(windows, runs, windows[1:], strict=False):
        if window.last_seen >= following.first_seen:  # one long transfer does not bridge refusals
            closed = next(e for e in observed if observation(e) == "closed" and e.order > run[-1].order)
            window.last_seen = closed.started
            window.closed_by = max(closed.ended, closed.started)
    return windows


def closed_between(before: Event, after: Event, observed: Sequence[Event]) -> list[Event]:
    """The closed observations between two observations."""
    return [e for e in observed if observation(e) == "closed" and before.order < e.order < after.order]


def is_one_run(before: Event, after: Event, observed: Sequence[Event], max_interruption: int) -> bool:
    """Two opens that follow one another: is the object taken to have been open between them?"""
    if not closed_between(before, after, observed):
        return True
    return after.started - before.started <= max_interruption


# DESIGN 6: "`opened_after` (last closed before; null: the log does not say) ≤ **`first_seen` … `last_seen`** ≤
# `closed_by` (first closed after; null likewise)." "Starts use `started_at`, ends `ended_at`."
# docs/decisions/bounds-of-a-window.md
def window_of(opens: Sequence[Event], observed: Sequence[Event]) -> Window:
    """The window of one run of open observations of one object."""
    first, last = opens[0], opens[-1]
    last_seen = max(e.ended for e in opens)
    closed_before = [e for e in observed if observation(e) == "closed" and e.order < first.order]
    closed_after = [e for e in observed if observation(e) == "closed" and e.order > last.order]
    inside = [closed_between(before, after, observed) for before, after in pairwise(opens)]
    return Window(
        object=first.object,
        opened_after=closed_before[-1].started if closed_before else None,
        first_seen=first.started,
        last_seen=last_seen,
        closed_by=max(closed_after[0].ended, last_seen) if closed_after else None,
        interruptions=sum(1 for closed in inside if closed),
        outages=outages_of(opens, observed),
    )


# DESIGN 6: "`unavailable_seconds` (from a first unavailable observation to the next open one)"
# docs/decisions/outages.md
def outages_of(opens: Sequence[Event], observed: Sequence[Event]) -> list[tuple[int, int]]:
    """The spans, between opens of one window, from a first unavailable observation to the next open one."""
    outages = []
    for before, after in pairwise(opens):
        failing = [e for e in observed if observation(e) == "unavailable" and before.order < e.order < after.order]
        if failing:
            outages.append((failing[0].started, after.started))
    return outages


# DESIGN 6: "A data set's windows are the union over its objects."
# docs/decisions/union-of-windows.md
def union_of(windows: Sequence[Window]) -> list[Window]:
    """Windows that overlap or touch, of whichever object, are one."""
    groups: list[list[Window]] = []
    reached = 0
    for window in sorted(windows, key=lambda w: (w.first_seen, w.last_seen)):
        if groups and window.first_seen <= reached:
            groups[-1].append(window)
            reached = max(reached, window.last_seen)
        else:
            groups.append([window])
            reached = window.last_seen
    return [merged(group) for group in groups]


def merged(group: Sequence[Window]) -> Window:
    """One window for several that overlap: open wherever one of them is confirmed open, unsure where any is."""
    after = [window.opened_after for window in group]
    by = [window.closed_by for window in group]
    return Window(
        object=None,
        opened_after=None if None in after else min(bound for bound in after if bound is not None),
        first_seen=min(window.first_seen for window in group),
        last_seen=max(window.last_seen for window in group),
        closed_by=None if None in by else max(bound for bound in by if bound is not None),
        interruptions=sum(window.interruptions for window in group),
        outages=unavailable_in_all(group),
    )


def unavailable_in_all(group: Sequence[Window]) -> list[tuple[int, int]]:
    """The spans of the merged window in which no member is confirmed open: what is left of it without those."""
    confirmed: list[tuple[int, int]] = []
    for window in group:
        start = window.first_seen
        for outage_start, outage_end in sorted(window.outages):
            confirmed.append((start, outage_start))
            start = outage_end
        confirmed.append((start, window.last_seen))
    left: list[tuple[int, int]] = []
    reached = min(window.first_seen for window in group)
    for start, end in sorted(confirmed):
        if start > reached:
            left.append((reached, start))
        reached = max(reached, end)
    return left
