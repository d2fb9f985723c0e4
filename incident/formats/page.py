"""From a page's TOML to a checked Format; every mistake names file, key and remedy."""

from __future__ import annotations

import re
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

from incident.errors import DefinitionError, FormatPageError
from incident.formats.model import (
    DECODINGS,
    DEFAULT_KIND,
    ESCAPES,
    HEADERS,
    KINDS,
    SHAPES,
    TARGETS,
    UNITS,
    VANTAGES,
    Condition,
    Field,
    Format,
    Sample,
    Server,
    Signature,
)
from incident.records import BYTES_KINDS, EVENT_COLUMNS, RANGE_KINDS, TS_KINDS
from incident.strict_toml import Document, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_]*")


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
        "limits", "best_effort", "escape", "layout", "also", "slots", "extra", "separator", "columns", "widths",
        "header", "quoted", "surplus", "comment", "utc_when", "fields", "only", "detect", "server", "sample",
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
        also=top.texts("also", example="['{peer_ip} - {user_name:flex} [{time}] …']"),
        slots=_slots(top.table("slots")),
        extra=_flag(top, "extra"),
        separator=_separator(top),
        columns=top.texts("columns", example='["date", "time"]'),
        widths=_widths(top),
        header=top.choice("header", HEADERS) or "none",
        quoted=_flag(top, "quoted"),
        surplus=top.text("surplus", example='"user_agent"'),
        comment=top.text("comment", example='"#"'),
        utc_when=_pattern(top, "utc_when"),
        fields=_fields(top.table("fields"), " ".join((top.text("layout") or "", *top.texts("also", example="['…']")))),
        only=_conditions(top.table("only")) if top.has("only") else (),
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
    named = {
        name for text in (page.layout or "", *page.also) for name in re.findall(r"\{([^{}:]+)(?::[a-z]+)?\}", text)
    }
    for name in page.slots:
        if name not in named:
            raise top.error("slots", f'"{name}" is no slot of the layout', None)
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
        "from", "join", "sum", "between", "as", "unit", "format", "zone", "decode", "missing", "zero", "pick", "prefix",
        "map", "const", "when",
    )  # fmt: skip
    how, sources = "first", one.texts("from", example='"c-ip"')
    for word in ("join", "sum", "between"):
        if one.has(word):
            how, sources = word, one.texts(word, example='["date", "time"]')
    if how == "between" and (len(sources) != 2 or (one.text("as") or kind) != "duration"):
        raise one.error(
            "between", "is the span of two times", 'duration_us = { between = ["begun", "ended"], unit = "auto" }'
        )
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


def _slots(table: Table) -> Mapping[str, str]:
    looks = {}
    for name in table.values:
        looks[name] = table.required(name, example="'-|[A-Z]+'")
        if _regex(table, name, looks[name]).groups:
            raise table.error(name, "holds a group", "write (?:…) for (…)")
    return MappingProxyType(looks)


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
