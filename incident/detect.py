"""Detection: which format a head of lines is written in, from its content alone, and why.

Every format is tried on lines spread over the head. One that fits at least 95 of 100 lines is believed; among several
the more specific. A tie is reported, not guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from incident.errors import DirectiveError, FormatPageError, TimezoneError
from incident.evidence_lines import Block
from incident.evidence_records import RecordCutter, holds_records
from incident.parse import Settings
from incident.parse.bad import BadValueError
from incident.parse.check import block_of
from incident.parse.directive import is_fields, read_directive
from incident.parse.engine import BOM, ItemParser
from incident.parse.headers import Headers, Names
from incident.parse.jsonlines import load, look_up
from incident.parse.reader import OTHER
from incident.parse.wrappers import DEEPEST, flat, layers
from incident.strict_toml import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from incident.formats import Format

BELIEVED = 0.95  # of the lines tried
WHOLE = 1 << 20  # bytes; a head that is shorter is the whole item
LEAST = 0.5  # a format that fits fewer lines is not even the best guess
TRIED = 200  # lines
FIRST = 8  # a format that fits none of the first few is tried no further


@dataclass(frozen=True, slots=True)
class Failure:
    """The first line that a format does not fit: its number in the head, from 1, and how far the format got."""

    line: int
    reason: str
    reached: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One format on trial."""

    format: str
    fitted: int
    tried: int
    because: str
    first_failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """What the head says. `page` is the format itself: for a directive of the user it is none of those that came in.

    `others` are the formats that fit lines which `page` does not: the item is mixed, and is read with all of them.
    """

    format: str | None
    because: str
    tie: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    server: str | None = None
    server_because: str | None = None
    page: Format | None = None
    others: tuple[Format, ...] = ()
    fitted: int = 0
    tried: int = 0


@dataclass(frozen=True, slots=True)
class _Trial:
    page: Format
    fitted: frozenset[int]
    score: tuple[int, bool, int]
    candidate: Candidate
    accesses: bool  # some of the lines that fit are accesses, as far as can be seen


def detect(head: bytes, formats: Mapping[str, Format], settings: Settings) -> Detection:
    """Return the format of an item that begins with `head`.

    Raises:
        FormatPageError: the settings name a format that does not exist.
        DirectiveError: the settings' log_format cannot be read.
    """
    records = holds_records(head)
    lines = record_lines(head) if records else _lines(head)
    whole = len(head) < WHOLE
    given = given_page(formats, settings)
    if given is not None:
        inner, wrappers = _unwrapped_for(given, lines, settings)
        server, why = _server(given, inner, settings)
        page = replace(given, wrapped=wrappers, records=records)
        unzoned = _unzoned(given, inner, _sample(inner), settings)
        if unzoned is not None:
            return Detection(None, unzoned)
        return Detection(given.name, "the case definition says so", server=server, server_because=why, page=page)
    found = _within(lines, formats, settings, (), whole=whole)
    if records and found.page is not None:
        found = replace(found, page=replace(found.page, records=True))
    return found


def _within(
    lines: list[bytes], formats: Mapping[str, Format], settings: Settings, wrappers: tuple[str, ...], *, whole: bool
) -> Detection:
    """Return the format of the lines themselves, or of what is wrapped in them where that says more."""
    plain = _plain(lines, formats, settings, whole=whole)
    best = plain
    for name, inner in layers(lines) if len(wrappers) < DEEPEST else ():
        found = _within(inner, formats, settings, (*wrappers, name), whole=whole)
        # a general format may take what is in front of a line for a part of it: the line within goes before
        if found.page is not None and (found.fitted > best.fitted or (best is plain and found.fitted >= plain.fitted)):
            page = replace(found.page, wrapped=(name, *found.page.wrapped))
            best = replace(found, page=page, because=f"{found.because}, within {name}")
            if found.fitted >= BELIEVED * found.tried:
                break  # the more exact wrappers come first
    return best


def _unwrapped_for(page: Format, lines: list[bytes], settings: Settings) -> tuple[list[bytes], tuple[str, ...]]:
    """Return the lines that a format named by the user is to read, without the wrappers around them."""
    best: tuple[list[bytes], tuple[str, ...]] = (lines, ())
    most = _fitting(page, lines, settings)
    if most >= LEAST * len(_sample(lines)):
        return best
    todo: list[tuple[list[bytes], tuple[str, ...]]] = [(lines, ())]
    while todo:
        outer, wrappers = todo.pop(0)
        for name, inner in layers(outer) if len(wrappers) < DEEPEST else ():
            fitting = _fitting(page, inner, settings)
            if fitting > most:
                best, most = (inner, (*wrappers, name)), fitting
            todo.append((inner, (*wrappers, name)))
    return best


def _fitting(page: Format, lines: list[bytes], settings: Settings) -> int:
    """Count the lines tried that a format reads."""
    sample = _sample(lines)
    provisional = settings if settings.timezone else replace(settings, timezone="UTC")
    parser = _parser(page, provisional)
    block = block_of([line for line in lines if line.startswith(b"#")] + [lines[index] for index in sample])
    batch = parser.parse(block, parser.prepare(block))
    return batch.events.height + batch.rejects.filter(pl.col("reason") == OTHER).height


def record_lines(head: bytes) -> list[bytes]:
    """Return the records at the head of an item, each on one line."""
    cutter = RecordCutter(len(head) + 1)
    parts = [*cutter.feed(head), *cutter.finish(cut_off=len(head) >= WHOLE)]
    blocks = [flat(part) for part in parts if isinstance(part, Block)]
    return [line for block in blocks for line in block.data.split(b"\n")[:-1]]


def _plain(lines: list[bytes], formats: Mapping[str, Format], settings: Settings, *, whole: bool) -> Detection:
    """Return the format of lines as they stand."""
    sample = _sample(lines)
    if not sample:
        return Detection(None, "it holds no lines but blank ones and comments")
    trials = sorted(
        (trial for page in formats.values() if (trial := _try(page, lines, sample, settings, whole=whole)) is not None),
        key=lambda one: (-len(one.fitted), one.page.name),
    )
    candidates = tuple(one.candidate for one in trials)
    idle = next((one for one in trials if not one.accesses and len(one.fitted) >= BELIEVED * len(sample)), None)
    trials = [one for one in trials if one.accesses]
    tried = len(sample)
    believed = sorted(
        (one for one in trials if len(one.fitted) >= BELIEVED * tried),
        key=lambda one: (one.score, one.page.name),
        reverse=True,
    )
    if not believed:
        believed = _nearest(trials, tried)
    if not believed:
        because = f"{idle.page.title}, but none of its records is an access" if idle else _nothing(trials, lines)
        return Detection(None, because, candidates=candidates)
    best = believed[0]
    equals = [one for one in believed if one.score == best.score and len(one.fitted) == len(best.fitted)]
    if len(equals) > 1:
        names = tuple(sorted(one.page.name for one in equals))
        return Detection(None, _tie(equals), tie=names, candidates=candidates)
    unzoned = _unzoned(best.page, lines, sample, settings)
    if unzoned is not None:
        return Detection(None, f"{best.page.title} fits, but {unzoned}", candidates=candidates)
    server, why = _server(best.page, lines, settings)
    because = f"{best.page.title} fits {len(best.fitted)} of {tried} lines tried"
    return Detection(
        best.page.name,
        because,
        candidates=candidates,
        server=server,
        server_because=why,
        page=best.page,
        others=_others(best, trials, sample),
        fitted=len(best.fitted),
        tried=tried,
    )


def given_page(formats: Mapping[str, Format], settings: Settings) -> Format | None:
    """Return the format that the user names or writes down; None where the content is to decide."""
    if settings.log_format is not None:
        if is_fields(settings.log_format):
            return _columns_given(formats, settings.log_format, settings.log_format)
        names = re.split(r"[\s,]+", settings.log_format.strip())
        if any(set(names) <= _names(page) for page in formats.values() if page.header == "w3c"):
            return _columns_given(formats, f"#Fields: {' '.join(names)}", settings.log_format)
        page = read_directive(settings.log_format)
        if not any(field.kind == "time" for field in page.fields):
            raise DirectiveError(
                "the directive holds no time, and an event without one proves nothing",
                where=settings.log_format,
                next_step="give the directive that the server really used: %t, $time_local, $msec, …",
            )
        return page
    if settings.format is not None:
        if settings.format not in formats:
            raise FormatPageError(
                f'there is no format "{settings.format}"', next_step=suggest(settings.format, sorted(formats))
            )
        return formats[settings.format]
    return None


def _names(page: Format) -> set[str]:
    """Return the names of columns that a page knows."""
    return {*page.columns, *(source for field in page.fields for source in field.sources)}


def _columns_given(formats: Mapping[str, Format], text: str, given: str) -> Format:
    headers = Headers()
    headers.read(text.strip().encode())
    columns = headers.columns or ()
    fitting = [
        page
        for page in formats.values()
        if page.header == "w3c"
        and page.detect.columns
        and set(page.detect.columns) <= set(columns)
        and (page.detect.head is None or re.search(page.detect.head, text.strip()))
    ]
    if not fitting:
        raise DirectiveError(
            "no format has these columns", where=given, next_step="name at least cs-method, cs-uri-stem and sc-status"
        )
    best = max(fitting, key=lambda page: (_signature_size(page), page.name))
    return replace(best, columns=columns, widths=(), directive=given)


def _lines(head: bytes) -> list[bytes]:
    lines = head.removeprefix(BOM).split(b"\n")
    last = lines.pop()
    # a head that was cut may end in the middle of a line
    if last and (len(head) < WHOLE or not lines):
        lines.append(last)
    return [line.removesuffix(b"\r") for line in lines]


def _sample(lines: Sequence[bytes]) -> list[int]:
    """Choose the lines to try: the first ones, and others spread evenly over the rest."""
    full = [index for index, line in enumerate(lines) if line.strip() and not line.startswith(b"#")]
    if len(full) <= TRIED:
        return full
    spread = np.linspace(TRIED // 4, len(full) - 1, TRIED - TRIED // 4).astype(int).tolist()
    return [*full[: TRIED // 4], *(full[index] for index in spread)]


def _parser(page: Format, settings: Settings) -> ItemParser:
    return ItemParser((page,), replace(settings, format=None, log_format=None), fast=False)


def _try(page: Format, lines: list[bytes], sample: list[int], settings: Settings, *, whole: bool) -> _Trial | None:
    """Try one format; None where nothing of it is there."""
    if not _signed(page, lines, sample):
        return None
    # whether the zone is known is another question than whether the format fits
    provisional = settings if settings.timezone else replace(settings, timezone="UTC")
    parser = _parser(page, provisional)
    fitted: set[int] = set()
    events = 0
    failure: Failure | None = None
    for part in (sample[:FIRST], sample[FIRST:]):
        if not part:
            break
        wanted = set(part)
        rows = [
            index
            for index, line in enumerate(lines)
            if index in wanted
            or (page.comment and line.startswith(page.comment.encode()))
            or (index == 0 and page.header == "names")
        ]
        block = block_of([lines[index] for index in rows])
        batch = parser.parse(block, parser.prepare(block))
        fitted |= {rows[number - 1] for number in batch.events["line_no"].to_list()}
        events += batch.events.height
        others = batch.rejects.filter(pl.col("reason") == OTHER)["line_no"].to_list()
        fitted |= {rows[number - 1] for number in others}
        if page.header == "names" and Names(page).is_header(lines[0]):
            fitted.add(0)
        failed = batch.rejects.filter(pl.col("reason") != OTHER)
        if failure is None and failed.height:
            row = failed.sort("line_no").row(0, named=True)
            failure = Failure(rows[row["line_no"] - 1] + 1, row["reason"], parser.reached(row["raw"]))
        if not fitted:
            break
    candidate = Candidate(
        page.name, len(fitted), len(sample), f"fits {len(fitted)} of {len(sample)} lines tried", failure
    )
    if page.header == "names":
        fitted &= set(sample)
    # a whole item of its records, none of them an access, is no access log
    accesses = bool(events) or not page.only or not whole or _has_events(page, lines, provisional)
    return _Trial(
        page, frozenset(fitted), (_signature_size(page), not page.extra, parser.width), candidate, accesses=accesses
    )


def _has_events(page: Format, lines: list[bytes], settings: Settings) -> bool:
    """Tell whether any line of a whole item is an access."""
    parser = _parser(page, settings)
    block = block_of(lines)
    return parser.parse(block, parser.prepare(block)).events.height > 0


def _unzoned(page: Format, lines: list[bytes], sample: Sequence[int], settings: Settings) -> str | None:
    """Say so where most lines cannot be placed in time because nobody named their zone."""
    if settings.timezone is not None:
        return None
    try:
        parser = _parser(page, settings)
        parser.prepare(block_of(lines))
        block = block_of([line for line in lines if line.startswith(b"#")] + [lines[index] for index in sample])
        batch = parser.parse(block, parser.prepare(block))
    except TimezoneError as error:
        return f"{error.what}: {error.next_step}"
    without = batch.rejects.filter(pl.col("reason") == "no-timezone").height
    if without <= batch.events.height:
        return None
    return 'the times of its lines carry no zone: say which it is: timezone = "America/Los_Angeles", or with --tz'


def _signed(page: Format, lines: list[bytes], sample: list[int]) -> bool:
    """Tell whether the head shows the format's signature."""
    sign = page.detect
    if sign.head is not None and not re.search(sign.head, b"\n".join(lines[:200]).decode("utf-8", "backslashreplace")):
        return False
    if page.header == "names":
        # rows that lost their names are known by their look alone
        if not Names(page).is_header(lines[0]) and not (page.columns and sign.line):
            return False
    elif (sign.columns and not page.columns) or (sign.columns and any(line[:1] == b"#" for line in lines[:50])):
        headers = Headers()
        found = False
        for line in lines:
            if line.startswith(b"#"):
                headers.read(line)
                found |= headers.columns is not None and set(sign.columns) <= set(headers.columns)
        if not found:
            return False
    if sign.line is not None:
        pattern = re.compile(sign.line.encode())
        if not any(pattern.search(lines[index]) for index in sample):
            return False
    return not sign.keys or any(_has_keys(lines[index], sign.keys) for index in sample[:FIRST])


def _has_keys(line: bytes, keys: tuple[str, ...]) -> bool:
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        record = load(line)
    except BadValueError:
        return False
    return all(any(look_up(record, name) is not None for name in key.split("|")) for key in keys)


def _signature_size(page: Format) -> int:
    sign = page.detect
    return 2 * (sign.line is not None) + 2 * (sign.head is not None) + len(sign.keys) + len(sign.columns)


def _nearest(trials: list[_Trial], tried: int) -> list[_Trial]:
    """Return the format that fits most lines, if it fits enough of them; of a mixed item, if all together do."""
    if not trials:
        return []
    most = len(trials[0].fitted)
    best = sorted(
        (one for one in trials if len(one.fitted) == most), key=lambda one: (one.score, one.page.name), reverse=True
    )
    together = len(frozenset[int]().union(*(one.fitted for one in trials)))
    return best if most and (most >= LEAST * tried or together >= BELIEVED * tried) else []


def _others(best: _Trial, trials: list[_Trial], sample: list[int]) -> tuple[Format, ...]:
    """Return the formats that read what the best does not, those that read most first."""
    left = set(sample) - best.fitted
    chosen: list[Format] = []
    rest = [one for one in trials if one is not best]
    while left and rest:
        rest.sort(key=lambda one: (-len(one.fitted & left), tuple(-int(x) for x in one.score), one.page.name))
        one = rest.pop(0)
        if not one.fitted & left:
            break
        chosen.append(one.page)
        left -= one.fitted
    return tuple(chosen)


def _tie(equals: list[_Trial]) -> str:
    pages = sorted((one.page for one in equals), key=lambda page: page.name)
    names = " and ".join(page.name for page in pages)
    differ = []
    for label, values in (
        ("what the time stamps", [page.ts_kind for page in pages]),
        ("what the bytes include", [page.bytes_kind for page in pages]),
        ("which columns are filled", [", ".join(sorted(field.to for field in page.fields)) for page in pages]),
    ):
        if len(set(values)) > 1:
            differ.append(
                f"{label} ({'; '.join(f'{page.name}: {value}' for page, value in zip(pages, values, strict=True))})"
            )
    among = " and ".join(differ) or "nothing but their names"
    return f'{names} fit equally well; they differ in {among}. Say format = "…"'


def _nothing(trials: list[_Trial], lines: list[bytes]) -> str:
    if any(b"\0" in line for line in lines[:50]):
        return "its first lines are no text"
    best = next((one for one in trials if one.fitted), None)
    if best is None:
        return "no known format fits its lines: it is no access log, or needs its log_format named"
    failure = best.candidate.first_failure
    reached = f"; line {failure.line} fails ({failure.reason})" if failure else ""
    one = best.candidate
    return f"no known format fits: the nearest, {one.format}, fits {one.fitted} of {one.tried} lines{reached}"


def _server(page: Format, lines: list[bytes], settings: Settings) -> tuple[str | None, str | None]:
    """Return the server that wrote the lines, if one of them proves it and none proves another."""
    if settings.server is not None or not page.servers:
        return None, None
    found: dict[str, str] = {}
    for name, server in sorted(page.servers.items()):
        patterns = [re.compile(text.encode()) for text in server.proof]
        for number, line in enumerate(lines, start=1):
            match = next((hit for pattern in patterns if (hit := pattern.search(line))), None)
            if match is not None:
                shown = match[0].decode("utf-8", "backslashreplace").strip()
                found[name] = f"line {number} holds {shown}"
                break
    if len(found) != 1:
        return None, None
    return next(iter(found.items()))
