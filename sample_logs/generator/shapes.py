"""The shape of what lies on the site: objects, and the data sets they belong to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thing:
    """One downloadable object.

    basis: what its size can be known by: "declared", "content-length", "inferred" (the edge logs no length, three
    clients or more fetch it whole from the origin), or None (made anew for each request: no two are equally long).
    """

    path: str  # normalised
    size: int
    basis: str | None
    content_type: str
    weight: int


@dataclass(frozen=True, slots=True)
class Collection:
    """One data set: its things, who takes them and when, and how often each kind of thing happens."""

    name: str
    title: str
    globs: tuple[str, ...]
    records: int | None
    fields: tuple[str, ...]
    things: tuple[Thing, ...]
    guesses: tuple[str, ...]  # names that people try and that never existed
    people: int  # addresses that download through the CDN
    robots: int  # addresses of automated clients that download
    direct: int  # addresses that download from the origin, past the CDN
    first: int  # the first download
    last: int  # the last download
    last_thing: int  # what the last download takes
    crowd: tuple[tuple[int, int, int], ...]  # (from, to, weight) of the downloads in between
    downloads: dict[str, int]  # kind of acquisition -> how often
    others: dict[str, int]  # kind of other request -> how often
