"""The records of a comparison between two cases, or two states of one: frozen, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from incident.records_chronology import LineRef


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two states."""

    case: str
    version: str
    config_sha256: str | None
    manifest_sha256: str
    policy: str


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key of the definition that differs; `None`: not there. Values are JSON."""

    key: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure that differs; times are microseconds and their names end in _us."""

    dataset: str | None  # None: the whole case
    figure: str
    a: int | None
    b: int | None
    difference: int | None  # b - a, where both are there


@dataclass(frozen=True, slots=True)
class SentenceChange:
    """A data set's sentence that reads differently."""

    dataset: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One evidence item that differs."""

    path: str
    change: str  # "only-a" | "only-b" | "changed" | "moved": the same content under another path
    other_path: str | None  # where it stands in b, if moved
    fields: tuple[tuple[str, str | None, str | None], ...]  # (what, in a, in b)


@dataclass(frozen=True, slots=True)
class ShareChange:
    """What one evidence item gives to a data set, where that differs."""

    path: str
    dataset: str
    requests_a: int
    requests_b: int
    transfers_a: int
    transfers_b: int
    downloads_a: int  # that begin in it
    downloads_b: int


@dataclass(frozen=True, slots=True)
class DownloadOnly:
    """A download that one side has and the other has not."""

    side: str  # "a" | "b"
    dataset: str
    client_ip: str
    user_agent: str
    object: str
    started_us: int
    ended_us: int
    completeness: str
    source: LineRef  # its first line
    reason: str  # a slug: what became of that line on the other side


@dataclass(frozen=True, slots=True)
class DownloadChange:
    """A download that both sides have, with another outcome."""

    dataset: str
    client_ip: str
    user_agent: str
    object: str
    started_us: int
    source_a: LineRef
    source_b: LineRef
    fields: tuple[tuple[str, str | None, str | None], ...]  # (what, in a, in b)


@dataclass(frozen=True, slots=True)
class Cause:
    """How many downloads of one side the other lacks, for one reason."""

    side: str
    dataset: str
    reason: str
    downloads: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What moved between a and b, and what moved it."""

    a: Side
    b: Side
    same: bool  # no figure, no download and no item differs
    figures: tuple[FigureChange, ...]
    sentences: tuple[SentenceChange, ...]
    definition: tuple[KeyChange, ...]
    policy: tuple[KeyChange, ...]
    items: tuple[ItemChange, ...]
    shares: tuple[ShareChange, ...]
    causes: tuple[Cause, ...]
    only: tuple[DownloadOnly, ...]  # at most as many of each side as asked for
    only_a_total: int
    only_b_total: int
    changed: tuple[DownloadChange, ...]
    changed_total: int
