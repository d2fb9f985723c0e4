"""From chunks of content to JSON records: where a line end says nothing, an item's lines are its records.

So it is with arrays, with envelopes such as {"Records":[…]}, with objects printed over many lines, and with objects
that follow one another without a line end. The n-th record counts as line n; its offset is that of its first brace.
What lies around the records, brackets and the envelope's own keys, belongs to none.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np

from incident.evidence_lines import CUT_OFF, MAX_LINE, TOO_LONG, Block, Spoiled

if TYPE_CHECKING:
    from collections.abc import Iterator

ARRAYS = ("Records", "records", "hits", "logEvents", "entries", "value")  # keys of an envelope that hold the records
HOLDERS = ("hits",)  # and of an object that holds such a key
_SPACE = re.compile(r"[\s,\x00\x1e]*")
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*', re.DOTALL)
_decode = json.JSONDecoder().raw_decode


def holds_records(head: bytes) -> bool:
    """Tell whether an item that begins so is to be cut at its records rather than at its lines."""
    text = head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    begin = _SPACE.match(text)
    at = begin.end() if begin else 0
    if re.compile(r"\[\s*\{").match(text, at):
        return True
    if not text.startswith("{", at):
        return False
    if _Walk(text, [], envelope=True).is_envelope(at):
        return True
    end = text.find("\n", at)
    line = text[at:] if end < 0 else text[at:end]
    try:
        _, stop = _decode(line)
    except (ValueError, RecursionError):
        # an object that goes on behind its first line; a broken line among whole ones is another matter
        try:
            _, stop = _decode(text, at)
        except (ValueError, RecursionError):
            return re.fullmatch(r"\{\s*|\{\s*\"(?:[^\"\\]|\\.)*\"\s*:\s*[\[{]?\s*", line) is not None
        return "\n" in text[at:stop]
    return text.startswith("{", stop + at) and not line[stop:].isspace() and line[stop:].lstrip()[:1] == "{"


class RecordCutter:
    """Cuts chunks into blocks of records; takes the place of `LineCutter`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: list[bytes] = []
        self._have = 0
        self._offset = 0  # of the first byte that is held
        self._record = 1
        self._open: list[str] = []
        self._envelope: bool | None = None

    def feed(self, chunk: bytes) -> Iterator[Block | Spoiled]:
        """Take the next chunk; yield the records that have become whole."""
        self._parts.append(chunk)
        self._have += len(chunk)
        if self._have >= self._size:
            yield from self._cut(final=False, cut_off=False)

    def finish(self, *, cut_off: bool) -> Iterator[Block | Spoiled]:
        """Yield the rest."""
        yield from self._cut(final=True, cut_off=cut_off)

    def _cut(self, *, final: bool, cut_off: bool) -> Iterator[Block | Spoiled]:
        data = b"".join(self._parts)
        if self._envelope is None:
            # what the first object is says what all are
            start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
            text = data.decode("latin-1")
            begin = _SPACE.match(text, start)
            self._envelope = _Walk(text, [], envelope=True).is_envelope(begin.end() if begin else start)
        else:
            start = 0
            text = data.decode("latin-1")  # one character, one byte
        walk = _Walk(text, self._open, envelope=self._envelope)
        bounds, at = walk.records(start, final=final)
        yield from self._blocks(data, bounds, cut_off=cut_off and final)
        self._parts = [data[at:]] if at < len(data) else []
        self._have = len(data) - at
        self._offset += at
        if self._have:
            self._size = max(self._size, 2 * self._have)

    def _blocks(self, data: bytes, bounds: list[tuple[int, int]], *, cut_off: bool) -> Iterator[Block | Spoiled]:
        fine: list[tuple[int, int]] = []
        for start, end in bounds:
            broken = cut_off and (start, end) == bounds[-1] and not _is_whole(data[start:end])
            if end - start <= MAX_LINE and not broken:
                fine.append((start, end))
                continue
            yield from self._block(data, fine)
            fine = []
            reason = TOO_LONG if end - start > MAX_LINE else CUT_OFF
            raw = data[start : min(end, start + MAX_LINE)]
            yield Spoiled(self._record, self._offset + start, end - start, reason, raw)
            self._record += 1
        yield from self._block(data, fine)

    def _block(self, data: bytes, bounds: list[tuple[int, int]]) -> Iterator[Block]:
        if not bounds:
            return
        first, last = bounds[0][0], bounds[-1][1]
        starts, ends = (np.array([bound[side] for bound in bounds], dtype=np.int64) - first for side in (0, 1))
        yield Block(data[first:last] + b"\n", self._record, self._offset + first, starts, ends)
        self._record += len(bounds)


class _Walk:
    """Walks through a text of values; `open` says in which arrays and envelopes it stands."""

    def __init__(self, text: str, open_: list[str], *, envelope: bool) -> None:
        self._text = text
        self._open = open_
        self._envelope = envelope

    def is_envelope(self, at: int) -> bool:
        """Tell whether the object that begins here holds an array of records under one of the usual names."""
        text, depth = self._text, 1
        if not text.startswith("{", at):
            return False
        at += 1
        while depth:
            at = self._space(at)
            if text.startswith("}", at):
                depth, at = depth - 1, at + 1
                continue
            key = _KEY.match(text, at)
            if key is None:
                return False
            at = key.end()
            if key[1] in ARRAYS and re.compile(r"\[\s*[\{\]]").match(text, at):
                return True
            if key[1] in HOLDERS and text.startswith("{", at):
                depth, at = depth + 1, at + 1
                continue
            try:
                _, at = _decode(text, at)
            except (ValueError, RecursionError):
                return False
        return False

    def records(self, at: int, *, final: bool) -> tuple[list[tuple[int, int]], int]:
        """Return where the records are that are whole, and up to where the text is used up."""
        text, stack = self._text, self._open
        found: list[tuple[int, int]] = []
        while (at := self._space(at)) < len(text):
            mark, inside = text[at], stack[-1] if stack else ""
            if inside and mark == ("]" if inside == "[" else "}"):
                stack.pop()
                at += 1
                continue
            if inside == "{":
                done = self._member(at)
            elif not inside and mark == "[":
                stack.append("[")
                done = at + 1
            elif not inside and self._envelope and mark == "{":
                stack.append("{")
                done = at + 1
            else:
                done = self._value(at)
                if done is not None:
                    found.append((at, done))
            if done is not None:
                at = done
                continue
            if not final and len(text) - at <= MAX_LINE + (1 << 16):
                break
            # no JSON: up to the end of its line it is one record, which will be rejected
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            found.append((at, end))
            stack.clear()
            at = end
        return found, at

    def _space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _value(self, at: int) -> int | None:
        try:
            return int(_decode(self._text, at)[1])
        except (ValueError, RecursionError):
            return None

    def _member(self, at: int) -> int | None:
        """Read one member of an envelope: into its records, or past it."""
        text = self._text
        key = _KEY.match(text, at)
        if key is None or key.end() >= len(text):
            return None
        at = key.end()
        if key[1] in ARRAYS and text[at] == "[":
            self._open.append("[")
            return at + 1
        if key[1] in HOLDERS and text[at] == "{":
            self._open.append("{")
            return at + 1
        return self._value(at)


def _is_whole(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
