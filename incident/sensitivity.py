"""The same count under other defensible rules: the same SQL with another policy row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from incident import model
from incident.errors import UsageError
from incident.records import CaseDefinition, Policy
from incident.records_sensitivity import Count, DatasetSensitivity, Extreme, SensitivityFinding
from incident.store import sql_text

MINUTE = 60_000_000
HEADLINE = "headline"


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to count: its name, what it says, who publishes it, what it changes, and the first step it touches."""

    name: str
    says: str
    source: str
    changes: Mapping[str, Any]
    since: str


RULES: tuple[Rule, ...] = (
    Rule(
        "every-transfer",
        "every 2xx response that carried content is one download",
        "raw count of responses 200 and 206",
        {"every_transfer": True},
        "42_session",
    ),
    Rule(
        "full-only",
        "only downloads of a complete copy",
        "a strict reading of “downloaded”",
        {"full_only": True},
        "47_download",
    ),
    Rule(
        "humans-only",
        "downloads by automated clients are left out",
        "COUNTER Code of Practice 5.1, robots and machines; crawler-user-agents",
        {"humans_only": True},
        "47_download",
    ),
    Rule(
        "gap-1-min",
        "ranges more than 1 minute apart are separate downloads",
        "a short session gap",
        {"session_gap_us": MINUTE},
        "42_session",
    ),
    Rule(
        "gap-60-min",
        "ranges up to 60 minutes apart are one download",
        "a long session gap",
        {"session_gap_us": 60 * MINUTE},
        "42_session",
    ),
    Rule(
        "gap-24-h",
        "ranges up to 24 hours apart are one download",
        "the longest window that podcast measurement allows (IAB 2.2)",
        {"session_gap_us": 1440 * MINUTE},
        "42_session",
    ),
    Rule(
        "double-click-30-s",
        "repeats of a client and object within 30 seconds are one download",
        "COUNTER Code of Practice 5.1, section 7: double-click filtering",
        {"repeat_within_us": MINUTE // 2},
        "44_member",
    ),
    Rule(
        "one-a-day",
        "one download per client, object and UTC day",
        "IAB Tech Lab Podcast Measurement Technical Guidelines 2.2",
        {"per_day": True},
        "44_member",
    ),
    Rule(
        "status-200-only",
        "only responses 200; ranges are not counted",
        "PyPI download statistics (file-hosting rules)",
        {"only_200": True},
        "41_transfer",
    ),
    Rule(
        "ipv6-64",
        "an IPv6 client is its /64 network",
        "IAB Tech Lab Podcast Measurement Technical Guidelines 2.1; RFC 8981",
        {"fold_ipv6": True},
        "26_request",
    ),
    Rule(
        "internal-included",
        "the organisation's own addresses are counted too",
        "the count without the definition's list of internal addresses",
        {"count_internal": True},
        "33_bucket",
    ),
    Rule("edge-only", "only what the edge logged", "one vantage alone", {"only_tier": 0}, "26_request"),
    Rule("origin-only", "only what the origin logged", "one vantage alone", {"only_tier": 2}, "26_request"),
)


_HEADLINE_RULE = Rule(HEADLINE, "the rule of this case", "case definition, [policy]", {}, "")


def policy_named(name: str, policy: Policy) -> Policy:
    """The case's policy with one rule changed; "headline" is the policy itself.

    Raises:
        UsageError: for a name that no rule has.
    """
    return policy if name == HEADLINE else replace(policy, name=name, **_rule_named(name).changes)


def says_of(policy: Policy) -> str | None:
    """What a policy counts, in a clause; None for the case's own."""
    return None if policy.name == HEADLINE else _rule_named(policy.name).says


def _rule_named(name: str) -> Rule:
    rule = next((rule for rule in RULES if rule.name == name), None)
    if rule is None:
        raise UsageError(
            f'no policy is called "{name}"',
            where="--policy",
            next_step=f"use one of: {HEADLINE}, {', '.join(rule.name for rule in RULES)}",
        )
    return rule


def sensitivity_finding(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    *,
    own: Policy | None = None,
    datasets: Collection[str] | None = None,
    since_us: int | None = None,
    until_us: int | None = None,
) -> SensitivityFinding:
    """Every data set under every rule, with the lowest and the highest named; as `counts`."""
    found = counts(con, definition, own=own, datasets=datasets)
    return SensitivityFinding(
        datasets=tuple(
            _of_dataset(rule.name, rule.title or rule.name, [count for count in found if count.dataset == rule.name])
            for rule in definition.datasets
            if datasets is None or rule.name in datasets
        ),
        in_force=definition.policy.name,
        since_us=since_us,
        until_us=until_us,
    )


def _of_dataset(name: str, title: str, found: Sequence[Count]) -> DatasetSensitivity:
    def extreme(figure: str, end: Callable[[Iterable[int]], int]) -> Extreme:
        of_rules = [(getattr(count, figure), count.rule) for count in found if count.applies]
        reached = end([value for value, _ in of_rules])
        return Extreme(reached, tuple(rule for value, rule in of_rules if value == reached))

    return DatasetSensitivity(
        dataset=name,
        title=title,
        counts=tuple(found),
        lowest_downloads=extreme("downloads", min),
        highest_downloads=extreme("downloads", max),
        lowest_ips=extreme("unique_ips", min),
        highest_ips=extreme("unique_ips", max),
    )


def counts(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    *,
    own: Policy | None = None,
    datasets: Collection[str] | None = None,
) -> tuple[Count, ...]:
    """Downloads and unique addresses of every data set, by the headline rule first, then by each of RULES.

    The case is counted by `definition` already, and the period asked for is set (`findings.ask`). `own` is the policy
    that the headline counts by, where the definition's is one of RULES.
    """
    policy = own or definition.policy
    steps = list(model.STEPS)
    in_force = () if definition.policy.name == HEADLINE else (_rule_named(definition.policy.name).since,)
    found = []
    for rule in (_HEADLINE_RULE, *RULES):
        touched = [*in_force, *((rule.since,) if rule.changes else ())]
        if not touched:
            found += _totals(con, rule, datasets)
            continue
        otherwise = replace(definition, policy=policy_named(rule.name, policy))
        with model.counted_otherwise(con, otherwise, since=min(touched, key=steps.index)):
            found += _totals(con, rule, datasets)
    return tuple(found)


def _totals(con: duckdb.DuckDBPyConnection, rule: Rule, datasets: Collection[str] | None) -> list[Count]:
    cursor = con.execute(sql_text("60_total"))
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    tier = rule.changes.get("only_tier")
    seen = {number for (number,) in con.execute("select distinct tier from item order by tier").fetchall()}
    applies = tier is None or tier in seen
    return [
        Count(rule.name, rule.says, rule.source, row["name"], row["downloads"], row["unique_ips"], applies)
        for row in rows
        if datasets is None or row["name"] in datasets
    ]
