"""The records of a count under other rules: frozen, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """One data set under one rule."""

    rule: str
    says: str
    source: str
    dataset: str
    downloads: int
    unique_ips: int
    applies: bool = True  # False: the evidence holds no such vantage, and a count of nothing says nothing


@dataclass(frozen=True, slots=True)
class Extreme:
    """The lowest or highest figure of one data set, and the rules that give it."""

    figure: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatasetSensitivity:
    """One data set under every rule, and how far the rules lie apart; rules that do not apply set no end."""

    dataset: str
    title: str
    counts: tuple[Count, ...]  # the headline first
    lowest_downloads: Extreme
    highest_downloads: Extreme
    lowest_ips: Extreme
    highest_ips: Extreme


@dataclass(frozen=True, slots=True)
class SensitivityFinding:
    """The figures of a case under every rule."""

    datasets: tuple[DatasetSensitivity, ...]
    in_force: str  # the rule that was asked for with --policy, else "headline"
    since_us: int | None
    until_us: int | None
