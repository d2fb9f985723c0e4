"""One JSON object a line. Values keep the text they were written with: no number passes through a float."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from incident.parse.bad import BadValueError
from incident.parse.layout import Part, Slot
from incident.parse.quotes import Split, cut_at_quotes, read_quoted, split_segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incident.formats import Format

# nginx without escape=json writes \xHH, which is no JSON; a backslash that is itself escaped stays
_HEX = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|\s+|[^\s{}\[\]:,"]+')
_SCALAR = r"^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)$"
_ESCAPED_KEY = re.compile(rb'\\[^"\n]*"\s*:')
_STEP = re.compile(r"\[([^\]=]+)=([^\]]*)\]")


class JsonSplitter:
    """Takes the values of the page's keys out of an object."""

    def __init__(self, page: Format) -> None:
        wanted = [source for field in page.fields for source in field.sources]
        self.names = tuple(
            dict.fromkeys([*wanted, *(name for condition in page.only for name in condition.source.split("|"))])
        )

        self._paths = tuple(Path(name) for name in self.names)

    def split(self, raw: bytes) -> Sequence[bytes | None]:
        """Return the raw value of each key.

        Raises:
            BadValueError: the line is no JSON object.
        """
        record = load(raw)
        return [_bytes(path.of(record, raw)) for path in self._paths]

    def reached(self, raw: bytes) -> str | None:
        """Return the last key, in the page's order, that the object has."""
        try:
            record = load(raw)
        except BadValueError:
            return None
        there = [name for name in self.names if look_up(record, name) is not None]
        return there[-1] if there else None

    def frame_each(self, data: bytes) -> Split | None:
        """Split a block object by object, whatever their shapes: the values then go through the shortcuts at once."""
        lines = data.split(b"\n")[:-1]
        values: list[list[str | None]] = [[] for _ in self.names]
        proven: list[bool] = []
        lengths: list[int] = []
        plain = _ESCAPED_KEY.search(data) is None
        held_of = [
            (path, path.heads(data) if plain else None, held) for path, held in zip(self._paths, values, strict=True)
        ]
        for line in lines:
            raw = line.removesuffix(b"\r")
            lengths.append(len(raw))
            try:
                record = load(raw)
            except BadValueError:
                record = {}
                proven.append(False)
            else:
                proven.append(True)
            for path, heads, held in held_of:
                value: Any = record
                if heads is None:
                    value = path.of(record, raw)
                else:
                    for head in heads:
                        if type(value) is list and len(value) == 1:
                            value = value[0]
                        value = value.get(head) if type(value) is dict else None
                if value is None or isinstance(value, str):
                    held.append(value)
                else:
                    found = _bytes(value)
                    held.append(None if found is None else found.decode())
        if b"\\ud" in data or b"\\uD" in data:
            values = [[None if one is None else _clean(one) for one in held] for held in values]
        columns = {f"_v{index}": pl.Series(held, dtype=pl.String) for index, held in enumerate(values)}
        frame = pl.DataFrame({**columns, "_n": pl.Series(lengths, dtype=pl.Int64), "_ok": pl.Series(proven)}).lazy()
        return Split(frame, {name: pl.col(f"_v{i}") for i, name in enumerate(self.names)}, pl.col("_ok"), pl.col("_n"))

    def frame(self, data: bytes) -> Split | None:
        """Split a block at once: where lines have the keys of its first one, in its order, they are a line layout."""
        shape = learn(data[: data.find(b"\n")].removesuffix(b"\r"))
        if shape is None or _holds_controls(data):
            return None
        sources = {name: shape.place(name) for name in self.names}
        if any(source is False for source in sources.values()):
            return None
        segments = cut_at_quotes(shape.parts)
        names, frame = read_quoted(data, len(segments))
        found: dict[str, pl.Expr] = {}
        proofs: list[pl.Expr] = []
        done = split_segments(frame, names, segments, found, proofs)
        if done is None:
            return None
        # an escaped character, a quote among them, is the careful path's; so is a value of another kind
        if b"\\" in data:
            proofs.extend(~found[slot].str.contains("\\", literal=True) for slot in shape.texts)
        proofs.extend(found[slot].str.contains(_SCALAR) for slot in shape.bare)
        columns: dict[str, pl.Expr] = {}
        for name, source in sources.items():
            if not isinstance(source, str):
                continue
            if source in shape.bare:
                columns[name] = pl.when(found[source] != "null").then(found[source])
            else:
                columns[name] = found[source]
        return Split(done, columns, pl.all_horizontal(proofs).fill_null(value=False), pl.col("_n"))


@dataclass(frozen=True, slots=True)
class Shape:
    """What a line of objects looks like: its keys and marks as literals, its values as slots."""

    parts: tuple[Part, ...]
    texts: tuple[str, ...]  # slots between quotes
    bare: tuple[str, ...]  # numbers, true, false, null
    record: dict[str, Any]  # the object with the slots' names for values

    def place(self, path: str) -> str | bool | None:
        """Return the slot of a path, None where the object has none, False where it is no single value."""
        if "[" in path:
            return False  # which item it is depends on values
        found = look_up(self.record, path)
        if found is None:
            return None
        text = (_bytes(found) or b"").decode()
        return text if text in self.texts or text in self.bare else False


def learn(line: bytes) -> Shape | None:
    """Return the shape of one line; None where it cannot stand for others."""
    try:
        text = line.decode("utf-8")
        if not isinstance(_DECODER.decode(text), dict) or _has_twins(text):
            return None
    except (ValueError, RecursionError):
        return None
    parts: list[Part] = []
    texts: list[str] = []
    bare: list[str] = []
    mirror = ""
    tokens = list(_TOKEN.finditer(text))
    for index, token in enumerate(tokens):
        found = token[0]
        following = next((t[0] for t in tokens[index + 1 :] if t[0].strip()), "")
        is_key = found[0] == '"' and following == ":"
        if found[0] in "{}[]:," or not found.strip() or is_key:
            if is_key and "\\" in found:
                return None
            _append(parts, found)
            mirror += found
            continue
        slot = f"_v{len(texts) + len(bare)}"
        mirror += f'"{slot}"'
        if found[0] == '"':
            _append(parts, '"')
            parts.append(Slot(slot))
            _append(parts, '"')
            texts.append(slot)
        else:
            parts.append(Slot(slot))
            bare.append(slot)
    return Shape(tuple(parts), tuple(texts), tuple(bare), _DECODER.decode(mirror))


def _append(parts: list[Part], text: str) -> None:
    last = parts[-1] if parts else None
    if isinstance(last, str):
        parts[-1] = last + text
    else:
        parts.append(text)


def _has_twins(text: str) -> bool:
    """Tell whether an object has a key twice: then which one counts is the decoder's word, not the layout's."""
    twins = False

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twins
        twins |= len({key for key, _ in found}) < len(found)
        return dict(found)

    json.loads(text, object_pairs_hook=pairs)
    return twins


def _holds_controls(data: bytes) -> bool:
    """Tell whether there are control characters but line ends: JSON's strings may hold none."""
    codes = np.frombuffer(data, np.uint8)
    ends = int((codes == 10).sum())
    returns = data.count(b"\r\n") if b"\r" in data else 0
    return int((codes < 32).sum()) != ends + returns


def load(raw: bytes) -> dict[str, Any]:
    r"""Read one object; \xHH of hand-written formats is mended, and what is no UTF-8 becomes \xhh.

    Raises:
        BadValueError: no JSON, or no object.
    """
    text = raw.decode("utf-8", "backslashreplace") if not raw.isascii() else raw.decode("ascii")
    try:
        record = _DECODER.decode(text)
    except (ValueError, RecursionError):
        record = _mended(raw)
    if not isinstance(record, dict):
        raise BadValueError("json")
    return record


def _mended(raw: bytes) -> object:
    if b"\\x" not in raw and raw.isascii():
        raise BadValueError("binary" if b"\0" in raw else "json")
    try:
        text = _HEX.sub(_as_unicode, raw).decode("utf-8", "surrogateescape")
        return _DECODER.decode(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    except (ValueError, RecursionError) as error:
        raise BadValueError("binary" if b"\0" in raw else "json") from error


def _as_unicode(match: re.Match[bytes]) -> bytes:
    if match[1] is None:
        return match[0]
    code = int(match[1], 16)
    # bytes of one UTF-8 character stand side by side: they go in raw, and decode together
    return b"\\u%04x" % code if code < 0x80 else bytes((code,))


class Path:
    """A path into objects, made ready: it finds what `look_up` finds, sooner."""

    def __init__(self, path: str) -> None:
        self._path = path
        heads = path.split(".")
        self._steps = tuple((".".join(heads[at:]), head, _STEP.search(head)) for at, head in enumerate(heads))
        # a key with a dot in it holds two neighbours of the path
        self._dotted = tuple(f"{a}.{b}".encode() for a, b in itertools.pairwise(heads))
        bracketed = re.sub(r"\[[^\]]*\]", "", path)
        self._simple = path.count(".") == bracketed.count(".") and not path.endswith("]")

    def heads(self, data: bytes) -> tuple[str, ...] | None:
        """Return the keys to follow one by one, where no key of a block can hold several of them at once.

        That no key is escaped is for the caller to see.
        """
        if not self._simple or any(step for _, _, step in self._steps):
            return None
        return None if any(pair in data for pair in self._dotted) else tuple(head for _, head, _ in self._steps)

    def of(self, record: dict[str, Any], raw: bytes) -> Any:
        """Return the value in the object that `raw` holds."""
        value = record.get(self._path)
        if value is not None or not self._dotted:
            return value
        if not self._simple or b"\\" in raw or any(pair in raw for pair in self._dotted):
            return look_up(record, self._path)
        value = record
        for tail, head, step in self._steps:
            if isinstance(value, list):
                value = value[0] if len(value) == 1 else None
            if not isinstance(value, dict):
                return None
            if step is not None:
                return _among(value.get(head[: step.start()]), step[1], step[2], tail[len(head) + 1 :])
            value = value.get(head)
            if value is None:
                return None
        return value


def look_up(record: Any, path: str) -> Any:
    """Find a value by its path: a.b.c, where a key may itself hold dots; list[name=host].value."""
    if isinstance(record, list):
        record = record[0] if len(record) == 1 else None
    if not isinstance(record, dict):
        return None
    if path in record:
        return record[path]
    found = None
    place = path.find(".")
    while place > 0:
        head, tail = path[:place], path[place + 1 :]
        step = _STEP.search(head)
        if step is not None:
            found = _among(record.get(head[: step.start()]), step[1], step[2], tail)
        elif head in record:
            found = look_up(record[head], tail)
        if found is not None:
            return found
        place = path.find(".", place + 1)
    return found


def _among(items: Any, key: str, wanted: str, tail: str) -> Any:
    """Return a value of the first object in a list whose `key` is `wanted`, in any case of letters."""
    if not isinstance(items, list):
        return None
    for item in items:
        if isinstance(item, dict) and str(item.get(key, "")).lower() == wanted.lower():
            return look_up(item, tail)
    return None


def _bytes(value: Any) -> bytes | None:
    """Return a value's text; several of a header's values are joined as HTTP joins them."""
    if value is None:
        return None
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, list):
        texts = [_bytes(one) for one in value]
        return b", ".join(text for text in texts if text is not None) if value else None
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    # a lone surrogate (\ud800) is no text that UTF-8 could hold
    return str(value).encode("utf-8", "backslashreplace")


def _clean(text: str) -> str:
    """Return a text that UTF-8 can hold: a lone surrogate is none."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _constant(text: str) -> str:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_constant)
