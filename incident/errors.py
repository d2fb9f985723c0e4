"""Every error a user can meet: a slug, what happened, where, and what to do next.

The slug has an entry in docs/messages.md; a test holds the two together.
"""

from __future__ import annotations


class IncidentError(Exception):
    """What went wrong, for a person.

    slug: stable name, listed in docs/messages.md; what: one sentence; where: file, key or line; next_step: what to do
    now; exit_code: 1 failed, 2 wrong usage.
    """

    slug = "failed"
    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, next_step: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [f"error[{self.slug}]: {self.what}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.next_step:
            lines.append(f"  next:  {self.next_step}")
        return "\n".join(lines)


class DefinitionError(IncidentError):
    """The case definition cannot be used as it stands."""

    slug = "bad-definition"
    exit_code = 2


class FormatPageError(IncidentError):
    """A format page is not what a format page must be."""

    slug = "bad-format-page"
    exit_code = 2


class DirectiveError(IncidentError):
    """A LogFormat or log_format directive cannot be read."""

    slug = "bad-directive"
    exit_code = 2


class EvidenceError(IncidentError):
    """An evidence path cannot be read at all."""

    slug = "no-evidence"


class CaseError(IncidentError):
    """The case file cannot be opened, or holds nothing to answer from."""

    slug = "no-case"


class OutputError(IncidentError):
    """An output cannot be written."""

    slug = "bad-output"


class UsageError(IncidentError):
    """An option's value makes no sense."""

    slug = "bad-option"
    exit_code = 2


class TimezoneError(IncidentError):
    """Times without a zone, and nobody said which; or a zone that does not exist."""

    slug = "no-timezone"
    exit_code = 2
