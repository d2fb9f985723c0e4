"""What the coverage of the evidence comes to, in sentences that counsel can repeat."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

from incident import words

if TYPE_CHECKING:
    from incident.records_coverage import SeriesFinding

LEAST_CHANCE = 1e-12
"""No model of traffic can be believed beyond one in a trillion."""

MOST_IN_SENTENCE = 5

_SCALES = ((12, "trillion"), (9, "billion"), (6, "million"))


def odds(chance: float) -> str:
    """Return "one in 10 million": the next higher power of ten, so that no more is claimed than was found."""
    power = min(max(floor(-log10(max(chance, LEAST_CHANCE))), 0), 12)
    scale, name = next(((size, name) for size, name in _SCALES if power >= size), (0, ""))
    figure = 10 ** (power - scale)
    return f"one in {'a' if figure == 1 and name else f'{figure:,}'} {name}".rstrip()


def compared_with(days: int) -> str:
    """Return what an expectation rests on."""
    return f"the same clock time on {days} other days" if days else "the hours before and after it"


def silence_sentence(
    vantage: str, start_us: int, end_us: int, expected: int, days: int, chance: float, kind: str | None, zone: str
) -> str:
    """Return the sentence of one silence; one without a kind is not improbable."""
    length, when = words.span(end_us - start_us), words.between(start_us, end_us, zone)
    about = f"{words.counted(expected, 'line')} were to be expected by {compared_with(days)}"
    if kind is None:
        return (
            f"Of the stretches without a line that are not improbable, the most remarkable in the log of {vantage} "
            f"lasts {length}, {when}; {about}. Nothing follows from it."
        )
    verdict = {
        "missing_log": "The log is missing there, as far as the records show; that nobody asked does not explain it.",
        "outage": "The service was down, as far as the records show; that its log is missing too cannot be excluded.",
    }[kind]
    return (
        f"The log of {vantage} has no line for {length}, {when}; {about}. "
        f"Of undamaged logs like this at most {odds(chance)} would show such a silence. {verdict}"
    )


def model_sentence(days: int | None, improbable: int, events: int) -> str:
    """Return which comparison was used and what it assumes."""
    if days is None:
        return f"In {words.counted(events, 'line')} no minute is without one between two that have one."
    compared = (
        "the same clock time on other days, lowered where the hours around it were quieter than on those days"
        if days
        else "what lies before and after it, the quieter side deciding, as there are too few other days"
    )
    found = "" if improbable else " By that measure no silence is improbable: where there is no line, nobody asked."
    return (
        f"Each stretch without a line is compared with {compared}. How far ordinary stretches fall short of such an "
        "expectation, and how many lines come together, is measured on this log itself. A silence is called improbable "
        "where fewer than one in 10,000 undamaged logs as unsteady as this would show one like it (below half an hour: "
        "one in 100,000), where it is far larger than the log's other silences, where at least 20 lines were to be "
        "expected, and where it lasts five minutes. Assumed is that visitors come independently of each other, at a "
        "rate that varies there as it did elsewhere in this log. What no server could log, such as a cut network or a "
        f"full disk, looks like a missing log.{found}"
    )


_CLAUSES = {
    "missing_log": "the log of {vantage} is missing {when}",
    "outage": "the log of {vantage} is silent {when}, with errors around the silence: an outage",
    "errors": "{vantage} served mostly errors {when}",
    "before": "the evidence of {vantage} begins only {end}",
    "after": "the evidence of {vantage} ends {start}",
    "late": "the log of {vantage} is delivered late, so that records from {start} on may still be missing",
}


def clause(kind: str, vantage: str, start_us: int, end_us: int, zone: str) -> str:
    """Return what a window's sentence says of one overlap, without a full stop."""
    return _CLAUSES[kind].format(
        vantage=vantage,
        when=f"from {words.when(start_us, zone)} to {words.when(end_us, zone)}",
        start=words.when(start_us, zone),
        end=words.when(end_us, zone),
    )


def member_clause(name: str, vantage: str, *, certain: bool) -> str:
    """Return what a window's sentence says of a missing member."""
    lacks = "is" if certain else "is possibly"
    return f"{words.visible(name)}, by its name a part of the log of {vantage}, {lacks} missing from the evidence"


def series_sentence(one: SeriesFinding, *, certain: bool) -> str:
    """Return the sentence of one series of names."""
    series = words.visible(one.series)
    if not one.missing_count:
        return f"The {one.present:,} items of {series} follow each other; none is missing between first and last."
    named = [words.visible(member.name) for member in one.missing[:MOST_IN_SENTENCE]]
    more = one.missing_count - len(named)
    if more:
        named.append(f"{more:,} more")
    lacks = words.counted(one.missing_count, "member")
    known = (
        "" if certain else " Some services write no file where nobody asked: no improbable silence speaks against that."
    )
    are = "is" if one.missing_count == 1 else "are"
    return f"{lacks} of {series} {are} not among the evidence: {words.list_of(tuple(named))}.{known}"


def pairing_sentence(pairs: int, without_edge: int, without_origin: int, misses: int) -> str:
    """Return what edge and origin say of each other."""
    both = "stands in the logs of two vantages and is" if pairs == 1 else "stand in the logs of two vantages and are"
    said = [f"{words.counted(pairs, 'request')} {both} counted once."]
    if without_edge:
        came = f"{words.counted(without_edge, 'request')} came through a trusted proxy"
        said.append(f"{came} whose own record of it is missing.")
    if misses:
        have = "has" if without_origin == 1 else "have"
        said.append(
            f"Of {words.counted(misses, 'cache miss', 'cache misses')} at times that the log behind the cache covers, "
            f"{words.number(without_origin)} {have} no record there."
        )
    return " ".join(said)
