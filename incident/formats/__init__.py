"""Formats: each is a page of TOML that says where it comes from, what its fields mean, and proves itself with samples.

This module reads pages and knows none by name. docs/formats.md describes what a page may say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from incident.errors import DefinitionError, FormatPageError
from incident.records import BYTES_KINDS, EVENT_COLUMNS, RANGE_KINDS, TS_KINDS
from incident.strict_toml import Document, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPES = ("pattern", "delimited", "json")
ESCAPES = ("backslash", "none")
HEADERS = ("none", "w3c", "names")
DECODINGS = ("none", "url", "plus", "html")
VANTAGES = ("edge", "origin")

# what a field of a page may be called: an event column, or one of these, which fill several columns
VIRTUAL = ("time", "request", "url", "peer", "range")
DERIVED = ("evidence_id", "reading", "line_no", "byte_offset", "byte_length", "rest_hash")
TARGETS = (*VIRTUAL, *(column.name for column in EVENT_COLUMNS if column.name not in DERIVED))

KINDS = (
    "text", "ip", "peer", "port", "host", "status", "size", "time", "duration", "request", "url", "path", "query",
    "range", "flag",
)  # fmt: skip
UNITS = ("auto", "s", "ms", "us", "ns", "suffix")

DEFAULT_KIND = {
    "time": "time", "ts_us": "time", "request": "request", "url": "url", "peer": "peer", "range": "range",
    "peer_ip": "ip", "peer_port": "port", "host": "host", "status": "status", "bytes_sent": "size",
    "content_length": "size", "range_start": "size", "range_end": "size", "range_total": "size",
    "duration_us": "duration", "path": "path", "query": "query", "aborted": "flag", "inner_hop": "flag",
}  # fmt: skip

_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Condition:
    """One source and what it must be: one of `values`; `negated`: none of them. "~…" is a regular expression."""

    source: str
    values: tuple[str, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Field:
    """How one field of the page is filled: from which sources, by which conversion."""

    to: str
    kind: str
    sources: tuple[str, ...] = ()
    how: str = "first"  # "first" of the sources that is there, "join" with a blank between, "sum"
    unit: str = "s"
    format: str | None = (
        None  # a time's pattern in strftime's letters; None: ISO 8601, or an epoch where a unit is named
    )
    zone: str | None = None
    decode: str = "none"
    missing: tuple[str, ...] | None = None  # None: the page's
    zero: tuple[str, ...] = ()  # marks that mean 0
    pick: str | None = None  # a regular expression; its first group is the value
    prefix: str | None = None  # put in front of a value that does not begin with it
    mapping: Mapping[str, str] | None = None
    const: str | None = None
    when: tuple[tuple[Condition, ...], ...] = ()  # any of these, each all of its conditions


@dataclass(frozen=True, slots=True)
class Signature:
    """What lines or heads must show, beyond fitting, before the format is believed."""

    line: str | None = None
    head: str | None = None
    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """What changes once the server that wrote the lines is known."""

    ts_kind: str | None
    bytes_kind: str | None
    proof: tuple[str, ...] = ()  # regular expressions: a line that fits one was written by this server


@dataclass(frozen=True, slots=True)
class Sample:
    """A line and what it must become; `expect` None: the line must be rejected, for `reject`."""

    line: str
    expect: Mapping[str, object] | None
    reject: str | None = None
    before: tuple[str, ...] = ()  # header lines in front of it
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """One format page, checked."""

    name: str
    title: str
    source: str
    checked: date | None
    vantage: str | None
    shape: str
    ts_kind: str
    bytes_kind: str
    range_kind: str | None = None
    missing: tuple[str, ...] = ("-",)
    limits: tuple[str, ...] = ()
    best_effort: bool = False  # its vendor does not promise that every request is logged
    escape: str = "none"
    layout: str | None = None
    extra: bool = False  # columns or text after the last one named are let pass
    separator: str = " "
    columns: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    header: str = "none"
    surplus: str | None = None  # the column that may hold the separator itself
    comment: str | None = None
    utc_when: str | None = None  # a header line that fits proves that times without a zone are UTC
    fields: tuple[Field, ...] = ()
    detect: Signature = Signature()
    servers: Mapping[str, Server] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    directive: str | None = None  # the user's directive this format was made from; no page

    def settled(self, server: str | None) -> Format:
        """Return the format as it is once its server is known."""
        known = self.servers.get(server or "")
        if known is None:
            return self
        return replace(self, ts_kind=known.ts_kind or self.ts_kind, bytes_kind=known.bytes_kind or self.bytes_kind)


def load(folder: Path | None = None) -> Mapping[str, Format]:
    """Read the pages that come with the tool, and those of a folder of the user's own, which win by name.

    Raises:
        FormatPageError: naming file, key and remedy.
    """
    pages: dict[str, Format] = {}
    for home in (_HERE, folder):
        if home is None:
            continue
        seen: dict[str, Path] = {}
        for path in sorted(home.glob("*.toml")):
            page = read_page(path)
            if page.name in seen:
                raise FormatPageError(
                    f'"{page.name}" is the name of two pages', where=f"{seen[page.name]} and {path}",
                    next_step="give one of them another name",
                )  # fmt: skip
            seen[page.name] = path
            pages[page.name] = page
    return MappingProxyType(pages)


def read_page(path: Path) -> Format:
    """Read and check one page; its samples are tried by `parse.check`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatPageError(f"{path.name} cannot be read: {error}", where=str(path)) from error
    return page_from_text(text, path)


def page_from_text(text: str, path: Path) -> Format:
    """Read and check a page's text; `path` names it in errors."""
    try:
        return _page(Document(path, text))
    except DefinitionError as error:
        raise FormatPageError(error.what, where=error.where, next_step=error.next_step) from error


def _page(document: Document) -> Format:
    top = document.top
    top.only(
        "name", "title", "source", "checked", "vantage", "shape", "ts_kind", "bytes_kind", "range_kind", "missing",
        "limits", "best_effort", "escape", "layout", "extra", "separator", "columns", "widths", "header", "surplus",
        "comment", "utc_when", "fields", "detect", "server", "sample",
    )  # fmt: skip
    name = top.required("name", example='"combined"')
    if not _NAME.fullmatch(name):
        raise top.error("name", f'"{name}" is no name for a format', 'small letters, digits and _: "my_cdn"')
    shape = top.required("shape", example='"pattern"')
    top.choice("shape", SHAPES)
    checked = top.values.get("checked")
    if type(checked) is not date:
        raise top.error("checked", "is missing or no date", "the day a person last read it: checked = 2024-05-02")
    page = Format(
        name=name,
        title=top.required("title", example='"Apache combined"'),
        source=top.required("source", example='"https://…"'),
        checked=checked,
        vantage=top.choice("vantage", VANTAGES),
        shape=shape,
        ts_kind=_needed(top, "ts_kind", TS_KINDS),
        bytes_kind=_needed(top, "bytes_kind", BYTES_KINDS),
        range_kind=top.choice("range_kind", RANGE_KINDS),
        missing=_marks(top, "missing") if top.has("missing") else (() if shape == "json" else ("-",)),
        limits=top.texts("limits", example='["Delivered on a best-effort basis."]'),
        best_effort=_flag(top, "best_effort"),
        escape=top.choice("escape", ESCAPES) or "none",
        layout=top.text("layout", example="'{peer_ip} - {user_name:flex} [{time}] …'"),
        extra=_flag(top, "extra"),
        separator=_separator(top),
        columns=top.texts("columns", example='["date", "time"]'),
        widths=_widths(top),
        header=top.choice("header", HEADERS) or "none",
        surplus=top.text("surplus", example='"user_agent"'),
        comment=top.text("comment", example='"#"'),
        utc_when=_pattern(top, "utc_when"),
        fields=_fields(top.table("fields"), top.text("layout") or ""),
        detect=_signature(top.table("detect")),
        servers=_servers(top.table("server")),
        samples=tuple(_samples(top)),
    )
    _whole(top, page)
    return page


def _whole(top: Table, page: Format) -> None:
    """Check what no key can say alone."""
    if not page.samples:
        raise top.error(
            "sample", "is missing: a page without samples proves nothing", "add [[sample]] with line and expect"
        )
    if page.shape == "pattern" and not page.layout:
        raise top.error(
            "layout", "is missing: a pattern page needs one", "layout = '{peer_ip} [{time}] \"{request}\" …'"
        )
    if page.shape == "delimited" and not page.columns and page.header == "none":
        raise top.error("columns", "is missing, and no header names them", 'columns = ["…"] or header = "w3c"')
    if page.surplus and page.surplus not in page.columns:
        raise top.error("surplus", f'"{page.surplus}" is none of the columns', None)
    if not any(field.to in {"time", "ts_us"} for field in page.fields) and "{time}" not in (page.layout or ""):
        raise top.error("fields", "no field is the time", "add a field named time")


def _fields(table: Table, layout: str) -> tuple[Field, ...]:
    """Read the fields; a slot of the layout that is named like a field, and that no field uses, is that field."""
    table.only(*TARGETS)
    named = tuple(_field(table, name) for name in table.values)
    used = {source for field in named for source in field.sources} | {field.to for field in named}
    slots = [name for name in re.findall(r"\{([a-z_]+)(?::[a-z]+)?\}", layout) if name in TARGETS and name not in used]
    return named + tuple(Field(to=name, kind=DEFAULT_KIND.get(name, "text"), sources=(name,)) for name in slots)


def _field(table: Table, name: str) -> Field:
    value = table.values[name]
    kind = DEFAULT_KIND.get(name, "text")
    if isinstance(value, str | list):
        return Field(to=name, kind=kind, sources=table.texts(name, example='"c-ip"'))
    one = table.table(name)
    one.only(
        "from", "join", "sum", "as", "unit", "format", "zone", "decode", "missing", "zero", "pick", "prefix", "map",
        "const", "when",
    )  # fmt: skip
    how, sources = "first", one.texts("from", example='"c-ip"')
    for word in ("join", "sum"):
        if one.has(word):
            how, sources = word, one.texts(word, example='["date", "time"]')
    pick = one.text("pick", example="'^([A-Z_]+)/'")
    if pick is not None and _regex(one, "pick", pick).groups < 1:
        raise one.error("pick", "has no group", "put parentheses around what is to be taken")
    mapping = one.table("map")
    when = tuple(_conditions(table_) for table_ in one.tables("when"))
    if when:
        sources = tuple(dict.fromkeys(condition.source for group in when for condition in group))
    return Field(
        to=name,
        kind=one.choice("as", KINDS) or kind,
        sources=sources,
        how=how,
        unit=one.choice("unit", UNITS) or "s",
        format="epoch" if kind == "time" and one.has("unit") else one.text("format", example='"%d/%b/%Y:%H:%M:%S %z"'),
        zone=one.text("zone", example='"UTC"'),
        decode=one.choice("decode", DECODINGS) or "none",
        missing=_marks(one, "missing") if one.has("missing") else None,
        zero=_marks(one, "zero"),
        pick=pick,
        prefix=one.text("prefix", example='"/"'),
        mapping=MappingProxyType({key: str(mapping.required(key, example='"GET"')) for key in mapping.values})
        if one.has("map")
        else None,
        const=one.text("const", example='"GET"'),
        when=when,
    )


def _conditions(table: Table) -> tuple[Condition, ...]:
    found = []
    for key, value in table.values.items():
        values = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
        if not values or not all(isinstance(v, str) for v in values):
            raise table.error(
                key, "is neither text nor an array of texts", 'for example { "x-edge-result-type" = "Error" }'
            )
        for text in values:
            if text.startswith("~"):
                _regex(table, key, text[1:])
        found.append(Condition(key.removeprefix("!"), values, key.startswith("!")))
    return tuple(found)


def _signature(table: Table) -> Signature:
    table.only("line", "head", "keys", "columns")
    return Signature(
        _pattern(table, "line"),
        _pattern(table, "head"),
        table.texts("keys", example='["RayID"]'),
        table.texts("columns", example='["x-edge-location"]'),
    )


def _servers(table: Table) -> Mapping[str, Server]:
    found = {}
    for name in table.values:
        one = table.table(name)
        one.only("ts_kind", "bytes_kind", "proof")
        proof = one.texts("proof", example="['\" 499 [0-9]+ ']")
        for text in proof:
            _regex(one, "proof", text)
        found[name] = Server(one.choice("ts_kind", TS_KINDS), one.choice("bytes_kind", BYTES_KINDS), proof)
    return MappingProxyType(found)


def _samples(top: Table) -> Iterator[Sample]:
    for one in top.tables("sample"):
        one.only("line", "expect", "reject", "before", "timezone")
        if one.has("expect") == one.has("reject"):
            raise one.error(
                "expect", "is missing, or stands beside reject", "say what the line becomes: expect = { status = 200 }"
            )
        expect = one.table("expect")
        known = tuple(column.name for column in EVENT_COLUMNS)
        expect.only("ts", *known)
        yield Sample(
            line=one.required("line", example="'…'"),
            expect=MappingProxyType(dict(expect.values)) if one.has("expect") else None,
            reject=one.text("reject", example='"timestamp"'),
            before=one.texts("before", example='["#Fields: …"]'),
            timezone=one.text("timezone", example='"UTC"'),
        )


def _needed(table: Table, key: str, known: tuple[str, ...]) -> str:
    table.required(key, example=f'"{known[0]}"')
    return table.choice(key, known) or ""


def _flag(table: Table, key: str) -> bool:
    value = table.values.get(key, False)
    if not isinstance(value, bool):
        raise table.error(key, "is neither true nor false", f"{key} = true")
    return value


def _separator(table: Table) -> str:
    value = table.values.get("separator", " ")
    if not isinstance(value, str) or len(value) != 1 or not value.isascii():
        raise table.error("separator", "is not one character", r'separator = "\t"')
    return value


def _marks(table: Table, key: str) -> tuple[str, ...]:
    value = table.values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise table.error(key, "is not an array of texts", f'{key} = ["-", ""]')
    return tuple(value)


def _widths(table: Table) -> tuple[int, ...]:
    value = table.values.get("widths", [])
    if not isinstance(value, list) or not all(type(v) is int and v > 0 for v in value):
        raise table.error("widths", "is not an array of numbers", "widths = [12, 33]")
    return tuple(value)


def _pattern(table: Table, key: str) -> str | None:
    value = table.text(key, example="'^…'")
    if value is not None:
        _regex(table, key, value)
    return value


def _regex(table: Table, key: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise table.error(key, f"is no regular expression: {error}", None) from error
