"""TOML read strictly: whoever wrote the file learns the file, the line, the key, and what to write instead.

tomllib gives values without places, so `line_of` looks a key's line up again, only once something is wrong.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from fractions import Fraction
from typing import TYPE_CHECKING

from incident.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_TYPE_NAMES = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    list: "an array",
}

Key = tuple[str | int, ...]

_KEY_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_ASSIGNMENT = re.compile(rf"\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*=")
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*\]")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SPAN = re.compile(r"([+-]?)((?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d))+)")
_SPAN_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)")
_UNIT_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}


class Document:
    """A TOML file as read: its path, its text, and the table at its top."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise DefinitionError(
                f"{path.name} is not valid TOML: {error}",
                where=str(path),
                next_step='mend that place; text stands in quotes, as in name = "ccw"',
            ) from error
        self.top = Table(self, (), values)

    def error(self, key: Key, what: str, next_step: str | None = None) -> DefinitionError:
        """Return an error that names the place of a key."""
        line = line_of(self.text, key, _value_at(self.top.values, key))
        where = f"{self.path}, line {line}" if line else str(self.path)
        return DefinitionError(f"{dotted(key)}: {what}", where=where, next_step=next_step)


class Table:
    """One table of a document. Each method reads one key as one type, or raises with the key's place."""

    def __init__(self, document: Document, key: Key, values: dict[str, object]) -> None:
        self.document = document
        self.key = key
        self.values = values

    def error(self, key: str | Key, what: str, next_step: str | None = None) -> DefinitionError:
        """Return an error that names the place of a key of this table."""
        return self.document.error(self.key + (key if isinstance(key, tuple) else (key,)), what, next_step)

    def only(self, *known: str) -> None:
        """Refuse any key but these."""
        for key in self.values:
            if key not in known:
                raise self.error(key, "no such key here", suggest(key, known))

    def has(self, key: str) -> bool:
        """Tell whether the key is there."""
        return key in self.values

    def text(self, key: str, *, example: str | None = None) -> str | None:
        """Read a text that is not empty, or None where the key is absent."""
        value = self._typed(key, str, example)
        if value is not None and not str(value).strip():
            raise self.error(key, "is empty", _example(key, example) or "give it a value or take the line out")
        return None if value is None else str(value)

    def required(self, key: str, *, example: str) -> str:
        """Read a text that must be there."""
        value = self.text(key, example=example)
        if value is None:
            raise self.error(key, "is missing", _example(key, example))
        return value

    def integer(self, key: str, *, example: str, low: int = 0) -> int | None:
        """Read a whole number of at least `low`."""
        value = self._typed(key, int, example)
        if value is None:
            return None
        if not isinstance(value, int) or value < low:
            raise self.error(key, f"{value} is less than {low}", _example(key, example))
        return value

    def texts(self, key: str, *, example: str) -> tuple[str, ...]:
        """Read an array of texts; a single text is an array of one."""
        value = self.values.get(key, [])
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            raise self.error(key, f"is {type_name(value)}, where an array of texts belongs", _example(key, example))
        for index, item in enumerate(value):
            if not isinstance(item, str) or not item.strip():
                what = "is empty" if isinstance(item, str) else f"is {type_name(item)}, where text belongs"
                raise self.error((key, index), what, _example(key, example))
        return tuple(value)

    def choice(self, key: str, known: Collection[str]) -> str | None:
        """Read one of a few words."""
        value = self.text(key, example=f'"{next(iter(known))}"')
        if value is not None and value not in known:
            raise self.error(key, f'"{value}" is not one of them', suggest(value, known))
        return value

    def span(self, key: str, *, default: int, signed: bool = False) -> int:
        """Read a span such as "10m", in microseconds."""
        example = '"-37s"' if signed else '"10m"'
        value = self.text(key, example=example)
        if value is None:
            return default
        try:
            us = parse_span(value)
        except ValueError as error:
            raise self.error(key, str(error), _example(key, example)) from error
        if us < 0 and not signed:
            raise self.error(key, f'"{value}" is less than nothing', _example(key, example))
        return us

    def table(self, key: str) -> Table:
        """Read a table; an absent one is empty."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            single = isinstance(value, list)
            what = "stands more than once or in double brackets" if single else f"is {type_name(value)}, not a table"
            raise self.error(key, what, f"write it once, as [{dotted((*self.key, key))}]")
        return Table(self.document, (*self.key, key), value)

    def tables(self, key: str) -> Iterator[Table]:
        """Read an array of tables."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(key, "is not an array of tables", f"write [[{key}]], in double brackets, for each")
        for index, item in enumerate(value):
            yield Table(self.document, (*self.key, key, index), item)

    def _typed(self, key: str, kind: type, example: str | None) -> object:
        value = self.values.get(key)
        # bool is an int to Python, and never to the person who wrote it
        if value is not None and type(value) is not kind:
            what = f"is {type_name(value)}, where {_TYPE_NAMES[kind]} belongs"
            raise self.error(key, what, _example(key, example) or f'put it in quotes: {key} = "{value}"')
        return value


def dotted(key: Key) -> str:
    """Spell a key as people name it: dataset[2].paths[0]."""
    spelled = ""
    for part in key:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            spelled += ("." if spelled else "") + (part if _BARE_KEY.fullmatch(part) else f'"{part}"')
    return spelled


def suggest(word: str, known: Collection[str]) -> str:
    """Return the nearest known word as advice, or the list of them."""
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"


def type_name(value: object) -> str:
    """Return what a TOML value is, in words."""
    return _TYPE_NAMES.get(type(value), "a table" if isinstance(value, dict) else "a date or time")


def parse_span(text: str) -> int:
    """Return the microseconds of "10m", "-37s", "1h30m", "1.5s", "250ms".

    Raises:
        ValueError: a sentence for the person who wrote it.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is not a span of time: a number and a unit (d, h, m, s, ms, us)')
    parts = _SPAN_PART.findall(match[2])
    units = [list(_UNIT_US).index(unit) for _, unit in parts]
    if sorted(set(units), reverse=True) != units:
        raise ValueError(f'"{text}": each unit once, the largest first')
    us = sum((Fraction(amount) * _UNIT_US[unit] for amount, unit in parts), Fraction(0))
    if us.denominator != 1:
        raise ValueError(f'"{text}" is finer than a microsecond')
    return -int(us) if match[1] == "-" else int(us)


def line_of(text: str, key: Key, value: object = None) -> int | None:
    """Return the line, from 1, on which a key stands: its own, else that of the nearest table around it."""
    places = _places(text)
    while key:
        start = places.get(key) or places.get((*key, 0))
        if start:
            following = [line for line in places.values() if line > start]
            return _line_with(text, value, start, min(following, default=None)) or start
        key = key[:-1]
    return None


def _line_with(text: str, value: object, start: int, end: int | None) -> int | None:
    if not isinstance(value, str):
        return None
    lines = text.split("\n")[start - 1 : end and end - 1]
    hits = (start + index for index, line in enumerate(lines) if f'"{value}"' in line or f"'{value}'" in line)
    return next(hits, None)


def _places(text: str) -> dict[Key, int]:
    """Find the line of every table header and every `key =`, passing over text that spans lines."""
    places: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    current: Key = ()
    inside: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if inside is None and (header := _HEADER.match(line)):
            current = ()
            parts = _parts(header[2])
            for index, part in enumerate(parts):
                current = (*current, part)
                if header[1] == "[[" and index == len(parts) - 1:
                    counts[current] = counts.get(current, -1) + 1
                if current in counts:
                    current = (*current, counts[current])
            places.setdefault(current, number)
        elif inside is None and (assignment := _ASSIGNMENT.match(line)):
            places.setdefault((*current, *_parts(assignment[1])), number)
        for quotes in re.findall(r'"""|\'\'\'', line):
            if inside is None:
                inside = quotes
            elif inside == quotes:
                inside = None
    return places


def _parts(spelled: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY_PART, spelled))


def _value_at(values: object, key: Key) -> object:
    for part in key:
        held = isinstance(values, dict) and part in values
        if not held and not (isinstance(values, list) and isinstance(part, int) and part < len(values)):
            return None
        values = values[part]  # type: ignore[index]  # what the line above made sure of
    return values


def _example(key: str, example: str | None) -> str | None:
    return f"for example {dotted((key,))} = {example}" if example else None
