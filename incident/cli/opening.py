"""From options to what a command works on: the case file, its definition, its findings."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

from incident import definition as definitions
from incident.cli.moments import moment_us
from incident.cli.output import note
from incident.errors import CaseError, UsageError
from incident.records import CaseDefinition
from incident.strict_toml import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from incident.records import CaseFinding, Policy


def definition_for(config: Path | None, folders: Sequence[Path]) -> CaseDefinition:
    """Return the case definition that applies, checked; without one, the defaults."""
    found = definitions.find(config, folders)
    if found is None:
        return CaseDefinition()
    definition = definitions.load(found)
    if any(rule.format is not None for rule in definition.evidence):
        from incident import formats  # noqa: PLC0415 - loads pages and what reads them

        definitions.check_formats(definition, formats.load(definition.formats))
    return definition


def open_case(case: Path, *, read_only: bool = True) -> DuckDBPyConnection:
    """Open a case that is there and holds evidence.

    Raises:
        CaseError: there is none, or nothing was ingested into it.
    """
    from incident import listing, store  # noqa: PLC0415 - DuckDB loads only where a case is opened

    if not case.is_file():
        raise CaseError(
            f"there is no case file {case}",
            where="--case",
            next_step="incident ingest PATH... makes one; --case names one elsewhere",
        )
    con = store.open_case(case, read_only=read_only)
    if not listing.evidence_items(con):
        con.close()
        raise CaseError(f"{case} holds no evidence", where="--case", next_step="incident ingest PATH...")
    return con


def definition_of(con: DuckDBPyConnection, config: Path | None, *, quiet: bool) -> CaseDefinition:
    """Return the definition for a case: the one named, the current folder's, or the ingested folder's."""
    from incident import listing  # noqa: PLC0415 - DuckDB loads only where a case is opened

    definition = definition_for(config, listing.roots(con))
    if definition.path is None and (before := listing.known_definitions(con)):
        note(
            "definition-not-found",
            f"no incident.toml was found, though this case was counted with one (SHA-256 {before[-1][:12]}…)",
            "name it with --config",
            quiet=quiet,
        )
    return definition


def counting_case(
    case: Path, config: Path | None, *, policy: str | None = None, quiet: bool
) -> tuple[DuckDBPyConnection, CaseDefinition, Policy]:
    """Open a case to count in it, with its definition: writable only where it must be counted anew and may be written.

    Many may ask at once as long as nobody writes. Under another policy than the case's own the case is left as it is,
    and counted in memory.
    """
    from incident import model, sensitivity  # noqa: PLC0415 - DuckDB loads only where a case is opened

    con = open_case(case)
    try:
        definition = definition_of(con, config, quiet=quiet)
        own = definition.policy
        if policy is not None:
            definition = replace(definition, policy=sensitivity.policy_named(policy, definition.policy))
        of_its_own = definition.policy.name == sensitivity.HEADLINE
        if not of_its_own or model.is_current(con, definition) or not os.access(case, os.W_OK):
            return con, definition, own
    except BaseException:
        con.close()
        raise
    con.close()
    return open_case(case, read_only=False), definition, own


class _Period(TypedDict):
    since_us: int | None
    until_us: int | None


class _Choice(_Period):
    datasets: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Question:
    """A case that is open to be asked, and what is asked of it."""

    con: DuckDBPyConnection
    definition: CaseDefinition  # with the policy asked for
    own: Policy  # the case's own
    datasets: tuple[str, ...] | None
    since_us: int | None
    until_us: int | None

    @property
    def period(self) -> _Period:
        """The period, as keywords of what finds."""
        return {"since_us": self.since_us, "until_us": self.until_us}

    @property
    def choice(self) -> _Choice:
        """The data sets and the period, as keywords of what finds."""
        return {"datasets": self.datasets, "since_us": self.since_us, "until_us": self.until_us}


@contextmanager
def asked(
    case: Path,
    config: Path | None,
    *,
    datasets: Sequence[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    policy: str | None = None,
    quiet: bool = False,
    undefined: bool = False,
) -> Iterator[Question]:
    """Open a case, check what is asked of it, and close it in the end; `undefined`: no data set is needed.

    Raises:
        UsageError: no data set, an unknown one, an unknown policy, or a period that holds nothing.
    """
    con, definition, own = counting_case(case, config, policy=policy, quiet=quiet)
    with closing(con):
        if not definition.datasets and not undefined:
            raise UsageError(
                "no data set is defined, so there is nothing to count",
                where=str(definition.path) if definition.path else "there is no case definition",
                next_step="incident summary proposes data sets; incident init writes a definition to put them in",
            )
        names = [rule.name for rule in definition.datasets]
        for name in datasets or ():
            if name not in names:
                raise UsageError(f'no data set is called "{name}"', where="--dataset", next_step=suggest(name, names))
        since_us = moment_us(since, definition.timezone, "--since") if since else None
        until_us = moment_us(until, definition.timezone, "--until") if until else None
        if since_us is not None and until_us is not None and since_us >= until_us:
            raise UsageError("the period ends before it begins", where="--since and --until", next_step="swap them")
        yield Question(con, definition, own, tuple(datasets) if datasets else None, since_us, until_us)


def findings_of(
    case: Path,
    config: Path | None,
    *,
    datasets: Sequence[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    policy: str | None = None,
    quiet: bool = False,
) -> CaseFinding:
    """Count a case under its definition and return what it says.

    Raises:
        UsageError: as `asked`.
    """
    from incident import findings  # noqa: PLC0415 - DuckDB loads only where a case is opened

    with asked(case, config, datasets=datasets, since=since, until=until, policy=policy, quiet=quiet) as question:
        return findings.case_finding(question.con, question.definition, **question.choice)
