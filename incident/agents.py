"""Automated clients, by published lists of user agents.

A class labels a client; it never removes one: what a crawler fetched has left the building all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import NamedTuple

import polars as pl


class AgentList(NamedTuple):
    """One published list: patterns that a user agent of an automated client contains."""

    name: str
    version: str
    patterns: tuple[str, ...]


def published_lists() -> tuple[AgentList, ...]:
    """The lists in use, with their versions: crawler-user-agents, and COUNTER's robots and machines."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # noqa: PLC0415 - reads 1 MB of JSON when imported

    counter = files("counter_robots") / "data"
    return (
        AgentList(
            "crawler-user-agents",
            version("crawler-user-agents"),
            tuple(entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA),
        ),
        *(
            AgentList(f"COUNTER {kind}s", version("counter-robots"), tuple(lines))
            for kind in ("robot", "machine")
            if (lines := (counter / f"{kind}.txt").read_text(encoding="utf-8").splitlines())
        ),
    )


def automated(agents: Sequence[str]) -> list[bool]:
    """Whether each user agent is on one of the published lists; one that names no agent at all is not."""
    lists = published_lists()
    frame = pl.DataFrame({"agent": list(agents)}, schema={"agent": pl.String})
    on_any = pl.any_horizontal(
        pl.col("agent").str.contains("|".join(f"(?:{pattern})" for pattern in agent_list.patterns))
        for agent_list in lists
    )
    # COUNTER's list takes no agent at all for a robot; here its absence proves nothing.
    return frame.select(on_any & (pl.col("agent") != "")).to_series().to_list()


class Listing(NamedTuple):
    """Why a user agent counts as automated: one pattern of one list that it contains."""

    list: str
    version: str
    pattern: str


def listings(agents: Sequence[str]) -> list[tuple[Listing, ...]]:
    """For each user agent, the first pattern of each published list that it contains; () for one on no list."""
    found: dict[str, list[Listing]] = {agent: [] for agent in agents}
    distinct = pl.Series("agent", sorted(found), dtype=pl.String)
    for agent_list in published_lists() if found else ():
        on_list = distinct.filter(distinct.str.contains("|".join(f"(?:{pattern})" for pattern in agent_list.patterns)))
        for pattern in agent_list.patterns:
            if on_list.is_empty():
                break
            hit = on_list.str.contains(pattern)
            for agent in on_list.filter(hit):
                found[agent].append(Listing(agent_list.name, agent_list.version, pattern))
            on_list = on_list.filter(~hit)
    return [tuple(found[agent]) for agent in agents]


def newest_entry(name: str) -> str | None:
    """The date of a list's newest entry, as the list has it (YYYY/MM/DD); None for a list without dates."""
    if name != "crawler-user-agents":
        return None
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # noqa: PLC0415 - reads 1 MB of JSON when imported

    return max((entry["addition_date"] for entry in CRAWLER_USER_AGENTS_DATA if "addition_date" in entry), default=None)
