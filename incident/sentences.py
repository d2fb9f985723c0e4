"""The findings in words: one hedged sentence per data set, and what limits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from incident import words
from incident.records import DatasetFinding, DatasetRule
from incident.records_coverage import Overlap

CLAUSES_NAMED = 4
OPEN = "the time in which it may have been open"
ALSO = ("outage", "missing_member")
GAPS = ("missing_log", "missing_member", "before", "after", "cut_item")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a data set's figures rest on."""

    limited: frozenset[str] = frozenset()  # titles of formats whose vendor promises no complete log
    size_kinds: frozenset[str] = frozenset()
    unnamed_servers: bool = False
    without_method: bool = False
    without_host: bool = False
    cut_items: frozenset[str] = frozenset()  # items that could not be read whole
    full_with_headers: int = 0
    without_ranges: int = 0
    unlogged: tuple[Overlap, ...] = ()  # what the logs cannot show while the data may have been open
    sampled: tuple[str, ...] = ()  # vantages whose log may hold a part of the requests only
    cut_addresses: tuple[str, ...] = ()  # vantages whose addresses were cut before they were logged
    policy_says: str | None = None  # None: the case's own policy
    full_only: bool = False

    @property
    def at_least(self) -> bool:
        """Whether the logs are known to hold less than what happened."""
        known = any(each.at_least for each in self.unlogged)
        return known or bool(self.limited or self.cut_items or self.sampled or self.cut_addresses)


def sentence_of(finding: DatasetFinding, ground: Ground, timezone: str) -> str:
    """The finding, to be read aloud: what was downloaded, and what the logs cannot show of that time."""
    return " ".join([_counted(finding, ground, timezone), *_unlogged(finding, ground), *_policy(ground)])


def _counted(finding: DatasetFinding, ground: Ground, timezone: str) -> str:
    title = f"the data set {finding.dataset}"
    about = finding.title if finding.title != finding.dataset else ""
    if finding.records is not None:
        about = f"{about}; {words.counted(finding.records, 'record')}".lstrip("; ")
    if about:
        title += f" ({about})"
    if finding.first_download_us is None or finding.last_download_us is None:
        return f"The logs supplied record no download of {title}."
    times = "once" if finding.downloads == 1 else f"{words.number(finding.downloads)} times"
    least = "at least " if ground.at_least else ""
    fewest = "at least " if ground.cut_addresses else ""
    extent = "in full" if ground.full_only else "in full or in part"
    addresses = words.counted(finding.unique_ips, "unique IP address", "unique IP addresses")
    if finding.downloads == 1:
        period = f"On {words.when(finding.first_download_us, timezone)}"
    else:
        period = (
            f"Between {words.when(finding.first_download_us, timezone)} and "
            f"{words.when(finding.last_download_us, timezone)}"
        )
    return f"{period}, {title} was downloaded {least}{times}, {extent}, from {fewest}{addresses}."


def _unlogged(finding: DatasetFinding, ground: Ground) -> list[str]:
    """What coverage found of the time in which the data may have been open."""
    lacking = [each for each in ground.unlogged if each.at_least]
    if finding.downloads:
        therefore = "the count is therefore a lower limit"
    else:
        therefore = "a download that they do not hold is therefore not excluded"
    said = []
    if lacking:
        gaps = any(each.kind in GAPS for each in lacking)
        logs = "The logs have gaps" if gaps else "The logs may not be complete"
        said.append(f"{logs} for {OPEN}: {_clauses(lacking)}; {therefore}.")
    if ground.sampled:
        logs = words.list_of(ground.sampled)
        said.append(f"The log of {logs} may hold only a sample of the requests; {therefore}.")
    if ground.cut_addresses:
        logs = words.list_of(ground.cut_addresses)
        said.append(f"The log of {logs} holds shortened addresses, so that several clients may stand behind each.")
    also = [each for each in ground.unlogged if not each.at_least and each.kind in ALSO]
    if also:
        said.append(f"In {'that time' if lacking else OPEN}, {_clauses(also)}.")
    return said


def _clauses(found: Sequence[Overlap]) -> str:
    named = [each.clause for each in found[:CLAUSES_NAMED]]
    more = len(found) - len(named)
    return "; ".join([*named, f"and {words.number(more)} more, which the coverage names"] if more else named)


def _policy(ground: Ground) -> list[str]:
    return [f"Counted by another rule than the case's own: {ground.policy_says}."] if ground.policy_says else []


def caveats_of(finding: DatasetFinding, ground: Ground, rule: DatasetRule) -> tuple[str, ...]:
    """What a reader must know beside the sentence; each stands only where it applies."""
    said = []
    if ground.limited:
        said.append(
            f"{words.list_of(tuple(sorted(ground.limited)))}: the vendor does not promise that every request is "
            "logged; the count is a lower limit."
        )
    if ground.cut_items:
        said.append(
            f"{words.counted(len(ground.cut_items), 'evidence item')} could not be read to the end "
            f"({words.list_of(tuple(sorted(ground.cut_items)))}); the count is a lower limit."
        )
    if ground.unnamed_servers:
        said.append(
            "Some of these requests stand in logs whose server is not named, so that their bytes may be the size meant "
            "to be sent: a full copy cannot be proven from them. Name the server in the definition "
            '([[evidence]] server = "nginx" or "apache").'
        )
    if "response_size" in ground.size_kinds:
        said.append(
            "Some logs record the size the server meant to send, which hides a broken transfer: such downloads are "
            "undetermined."
        )
    if ground.full_with_headers:
        said.append(
            f"{words.counted(ground.full_with_headers, 'full download')} rest on byte counts that include response "
            "headers: a transfer that lacked fewer bytes than its headers took would look the same."
        )
    if ground.without_ranges:
        said.append(
            f"For {words.counted(ground.without_ranges, 'download')} the log has no ranges: the sum of their bytes is "
            "an upper limit of what was received."
        )
    if finding.origin_unmatched:
        said.append(
            f"{words.counted(finding.origin_unmatched, 'counted origin request')} came through a trusted proxy whose "
            "own record of it is missing."
        )
    if ground.without_method:
        said.append("Some logs do not record the request method: a request for headers alone would look like a fetch.")
    if rule.hosts and ground.without_host:
        said.append("Some logs do not record the host: their requests were not left out for it.")
    return tuple(said)
