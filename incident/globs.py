"""Path globs, as the case definition uses them for evidence items and for objects of a data set.

`?` is one character, `*` any number of them, `[a-z]` and `[!a-z]` one of a class; none of these crosses a `/`. `**`
crosses: `/a/**/b` fits `/a/b` and `/a/x/y/b`, `/a/**` fits whatever lies under `/a/`. All else stands for itself, case
included; a literal `*`, `?` or `[` is written as a class, `[*]`.
"""

from __future__ import annotations

import re

_ANY = "(?s:.*)"  # not `.*`: a path may hold a line feed


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a glob, for `fullmatch`.

    It keeps to what Python's and Rust's engines read alike (no look-around, no back-references), so that `.pattern`
    between `^(?:` and `)$` serves in Polars as well.

    Raises:
        ValueError: with the reason, if the glob is malformed.
    """
    if not pattern:
        raise ValueError("a glob must not be empty")
    if "***" in pattern:
        raise ValueError("three stars in a row mean nothing: write * (within a segment) or ** (across segments)")
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        starts_segment = at == 0 or pattern[at - 1] == "/"
        if starts_segment and pattern.startswith("**/", at):
            out.append(f"(?:{_ANY}/)?")
            at += 3
        elif pattern.startswith("**", at):
            out.append(_ANY)
            at += 2
        elif char == "*":
            out.append("[^/]*")
            at += 1
        elif char == "?":
            out.append("[^/]")
            at += 1
        elif char == "[":
            text, at = _char_class(pattern, at)
            out.append(text)
        else:
            out.append(re.escape(char))
            at += 1
    return re.compile("".join(out))


def _char_class(pattern: str, at: int) -> tuple[str, int]:
    """Translate the class that opens at `at`; return it and the place behind it."""
    first = at + 2 if pattern.startswith("[!", at) else at + 1
    close = pattern.find("]", first + 1)  # a "]" in first place is a member: []a]
    if close < 0:
        raise ValueError("a [ is never closed; a literal [ is written [[]")
    members = pattern[first:close]
    if "/" in members:
        raise ValueError(f"the class [{members}] holds a /, which no class can match")
    parts: list[str] = []
    i = 0
    while i < len(members):
        low = high = members[i]
        i += 1
        if members[i : i + 1] == "-" and i + 1 < len(members):  # a - in last place is a member: [a-]
            high = members[i + 1]
            i += 2
        if high < low:
            raise ValueError(f"the range {low}-{high} runs backwards")
        parts.extend(_without_slash(low, high))
    if first == at + 2:
        return f"[^/{''.join(parts)}]", close + 1
    if not parts:
        raise ValueError(f"the class [{members}] can match nothing")
    return f"[{''.join(parts)}]", close + 1


def _without_slash(low: str, high: str) -> list[str]:
    """Write one range of a class, leaving out the / that it may run across."""
    if low < "/" < high:
        return [*_without_slash(low, "."), *_without_slash("0", high)]
    return [_member(low) if low == high else f"{_member(low)}-{_member(high)}"]


def _member(char: str) -> str:
    return char if char.isalnum() or ord(char) > 127 else "\\" + char
