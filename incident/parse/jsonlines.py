"""One JSON object a line. Values keep the text they were written with: no number passes through a float."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from incident.parse.bad import BadValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incident.formats import Format
    from incident.parse.pattern import Split

# nginx without escape=json writes \xHH, which is no JSON; a backslash that is itself escaped stays
_HEX = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_STEP = re.compile(r"\[([^\]=]+)=([^\]]*)\]")


class JsonSplitter:
    """Takes the values of the page's keys out of an object."""

    def __init__(self, page: Format) -> None:
        self.names = tuple(dict.fromkeys(source for field in page.fields for source in field.sources))

    def split(self, raw: bytes) -> Sequence[bytes | None]:
        """Return the raw value of each key.

        Raises:
            BadValueError: the line is no JSON object.
        """
        record = load(raw)
        return [_bytes(look_up(record, name)) for name in self.names]

    def reached(self, raw: bytes) -> str | None:
        """Return the last key, in the page's order, that the object has."""
        try:
            record = load(raw)
        except BadValueError:
            return None
        there = [name for name in self.names if look_up(record, name) is not None]
        return there[-1] if there else None

    def frame(self, data: bytes) -> Split | None:
        """Split nothing at once."""
        return None


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


def _constant(text: str) -> str:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_constant)
