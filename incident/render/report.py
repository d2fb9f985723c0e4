"""The report for counsel: one HTML file that opens with no network and holds every number with its meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from incident import words
from incident.render import meanings, page, sections_clients, sections_coverage, sections_story, tables
from incident.render.figure import finding_spec, headline_of, overview_spec, unit_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from incident.records import CaseFinding, DatasetFinding
    from incident.records_whole import WholeFinding
    from incident.render.cells import Section, Table
    from incident.render.page import Drawn

_RULE = re.compile(r"^\s*-- rule ([a-z0-9-]+)\s*$")
_COMMENT = re.compile(r"^\s*-- ?(.*)$")


@dataclass(frozen=True, slots=True)
class Rule:
    """One counting rule as its SQL states it: the sentence, and why."""

    slug: str
    sentence: str
    why: str


@dataclass(frozen=True, slots=True)
class DatasetPart:
    """One data set's part of the report."""

    anchor: str
    title: str
    name: str
    sentence: str
    headline: str
    facts: tuple[tuple[str, str, str], ...]  # name, value, the same in UTC
    figure: Drawn
    caveats: tuple[str, ...]
    tables: tuple[tuple[str, tuple[Table, ...]], ...]  # (heading, tables)


def html(finding: CaseFinding, *, rules: Sequence[Rule] = (), whole: WholeFinding | None = None) -> str:
    """Return the report. The same findings and rules give the same bytes: nothing in it comes from a clock.

    `whole` adds what surrounds the count: chronology, sensitivity, client addresses, overlap.
    """
    anchors = tables.anchors(dataset.dataset for dataset in finding.datasets)
    title = words.visible(finding.case)
    milestones = whole.chronology.milestones if whole else ()
    return page.render(
        "report.html",
        page.page(f"{finding.case}: report of findings", finding.version, running=finding.privilege or ""),
        title=title,
        privilege=words.visible(finding.privilege, none=""),
        facts=_facts(finding),
        overview=page.drawn(overview_spec(finding, milestones)) if len(finding.datasets) > 1 else None,
        parts=[_part(dataset, finding, anchors[dataset.dataset], whole) for dataset in finding.datasets],
        sections=_sections(finding, whole),
        events=tables.events(finding),
        evidence=tables.evidence(finding),
        rules=[(rule.slug, words.visible(rule.sentence), words.visible(rule.why, none="")) for rule in rules],
        policy=tables.policy(finding.policy),
        limits=[(words.visible(name), words.visible(text)) for name, text in finding.limits],
        limitations=meanings.LIMITATIONS,
        reproduction=_reproduction(finding),
        glossary=meanings.GLOSSARY,
        version=words.visible(finding.version),
        zone=words.visible(finding.timezone),
    )


def _sections(case: CaseFinding, whole: WholeFinding | None) -> tuple[Section, ...]:
    """Return what surrounds the count, in the order of reading."""
    found: list[Section] = []
    if whole is not None:
        found.append(sections_story.chronology(case, whole.chronology))
        if case.datasets:
            found.append(sections_story.sensitivity(whole.sensitivity))
            found.append(sections_clients.sources(whole.clients, case.timezone))
        # a report on some data sets alone says nothing of the others
        if len(case.datasets) == len(whole.overlap.datasets) > 1:
            found.append(sections_clients.overlap(case, whole.overlap))
    if case.coverage is not None:
        found.append(sections_coverage.coverage(case, case.coverage))
    return tuple(found)


def rules_of(sql: str) -> tuple[Rule, ...]:
    """Return the rules that an SQL text states: `-- rule slug`, comment lines of the sentence, then `-- why: …`."""
    found: list[Rule] = []
    lines = iter([*sql.splitlines(), ""])
    line = next(lines)
    while True:
        head = _RULE.match(line)
        sentence: list[str] = []
        why: list[str] = []
        for line in lines:
            comment = _COMMENT.match(line)
            if comment is None or _RULE.match(line) or head is None:
                break
            text = comment[1].strip()
            if text.startswith("why:"):
                why.append(text.removeprefix("why:").strip())
            else:
                (why or sentence).append(text)
        else:
            return _with(found, head, sentence, why)
        found = list(_with(found, head, sentence, why))


def _with(found: Iterable[Rule], head: re.Match[str] | None, sentence: list[str], why: list[str]) -> tuple[Rule, ...]:
    if head is None or not sentence:
        return tuple(found)
    return (*found, Rule(head[1], " ".join(sentence).strip(), " ".join(why).strip()))


def _facts(case: CaseFinding) -> tuple[tuple[str, str, bool], ...]:
    """Return what the cover states: name, value, and whether it is a digest."""
    limits = [
        f"{side} {words.when(us, case.timezone)} ({words.iso(us)})"
        for side, us in (("from", case.since_us), ("until", case.until_us))
        if us is not None
    ]
    found = [
        ("Matter", words.visible(case.matter, none=""), False),
        ("Prepared by", words.visible(case.prepared_by, none=""), False),
        ("Restricted to", " ".join(limits), False),
        ("Times", f"{words.visible(case.timezone)}, each with its offset; UTC beside the bounds of windows", False),
        ("Made with", f"incident {words.visible(case.version)}", False),
        ("Case definition, SHA-256", words.visible(case.config_sha256, none="none: the case has no definition"), True),
        ("Evidence manifest, SHA-256", words.visible(case.manifest_sha256), True),
        ("Policy", _policy(case), False),
    ]
    return tuple(fact for fact in found if fact[1])


def _policy(case: CaseFinding) -> str:
    name = words.visible(case.policy.name)
    return f"{name}: {words.visible(case.policy_says)}, not the case's own rule" if case.policy_says else name


def _part(dataset: DatasetFinding, case: CaseFinding, anchor: str, whole: WholeFinding | None) -> DatasetPart:
    zone = case.timezone
    milestones = whole.chronology.milestones if whole else ()
    detailed = [one for one in whole.clients.datasets if one.dataset == dataset.dataset] if whole else []
    addresses = tuple(made for one in detailed for made in sections_clients.addresses(one, anchor, zone))
    held = unit_words(dataset)
    facts = [
        ("People or records exposed", words.number(dataset.records, none="not stated in the case definition"), ""),
        ("Fields", held, ""),
        ("First download", words.when(dataset.first_download_us, zone), words.iso_or(dataset.first_download_us, "")),
        ("Last download", words.when(dataset.last_download_us, zone), words.iso_or(dataset.last_download_us, "")),
    ]
    union = tables.windows(
        dataset.windows,
        f"{anchor}-windows",
        zone,
        "Exposure windows of the data set as a whole. A bound that is not in the log was not observed.",
    )
    single = tables.windows(
        dataset.object_windows, f"{anchor}-object-windows", zone, "Exposure windows, object by object."
    )
    spells = tables.spells(dataset, anchor, zone)
    return DatasetPart(
        anchor=anchor,
        title=words.visible(dataset.title),
        name=words.visible(dataset.dataset),
        sentence=words.visible(dataset.sentence),
        headline=headline_of(dataset),
        facts=tuple(fact for fact in facts if fact[1]),
        figure=page.drawn(finding_spec(dataset, case, milestones)),
        caveats=tuple(words.visible(caveat) for caveat in dataset.caveats),
        tables=(
            ("Counts", (tables.downloads(dataset, anchor), tables.buckets(dataset, anchor))),
            ("Exposure windows", (union, *((spells,) if spells.rows else ()), *((single,) if single.rows else ()))),
            ("Objects", (tables.objects(dataset, anchor, zone),)),
            ("Client addresses", addresses or (tables.clients(dataset, anchor, zone),)),
        ),
    )


def _reproduction(case: CaseFinding) -> tuple[str, ...]:
    """Return the commands that make this report again, in order."""
    return (
        f"pip install incident=={words.visible(case.version)}",
        "incident ingest EVIDENCE-FOLDER --config incident.toml",
        "incident verify",
        f"incident report -o report.html{f' --policy {case.policy.name}' if case.policy_says else ''}",
    )
