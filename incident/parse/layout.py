"""A line layout: literals and the slots between them, as a page or a directive writes it.

    {peer_ip} {ident} {user_name:flex} [{time}] "{request}" {status}

A slot reaches to the first character of the literal behind it. Its class changes that: `flex` may hold that character
(user names with blanks), `int` is a whole number or a hyphen, `list` has commas with or without a blank behind them,
`pad` skips blanks in front of it (right-aligned columns). Doubled braces are literal ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from incident.errors import FormatPageError

CLASSES = ("word", "flex", "pad", "int", "list")
NUMBER = r"(?:-|-?[0-9]+)"
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}:]+)(?::([a-z]+))?\}|[{}]|[^{}]+")


@dataclass(frozen=True, slots=True)
class Slot:
    """One value of the line."""

    name: str
    kind: str = "word"
    regex: str | None = None  # what the value looks like where its extent cannot be told by the next literal alone
    width: int | None = None


Part = str | Slot


def parse_layout(text: str, where: str) -> tuple[Part, ...]:
    """Split a layout into literals and slots.

    Raises:
        FormatPageError: naming the place in the layout.
    """
    parts: list[Part] = []
    for token in _TOKEN.finditer(text):
        found = token[0]
        if token[1] is not None:
            kind = token[2] or "word"
            if kind not in CLASSES:
                raise FormatPageError(
                    f'layout: "{kind}" is no class of a slot', where=f"{where}, layout column {token.start() + 1}",
                    next_step=f"known here: {', '.join(CLASSES)}",
                )  # fmt: skip
            parts.append(Slot(token[1], kind))
            continue
        if found in {"{", "}"}:
            raise FormatPageError(
                f'layout: a single "{found}"', where=f"{where}, layout column {token.start() + 1}",
                next_step="name a slot in braces, {status}; a brace of the line itself is doubled",
            )  # fmt: skip
        literal = found[0] if found in {"{{", "}}"} else found
        if parts and isinstance(parts[-1], str):
            parts[-1] += literal
        else:
            parts.append(literal)
    names = [part.name for part in parts if isinstance(part, Slot)]
    if len(names) != len(set(names)):
        raise FormatPageError("layout: a slot stands twice in it", where=where, next_step="give each slot its own name")
    return tuple(parts)


def slots(parts: tuple[Part, ...]) -> tuple[Slot, ...]:
    """Return the slots of a layout, in order."""
    return tuple(part for part in parts if isinstance(part, Slot))


def regexes(parts: tuple[Part, ...], *, escaped: bool, extra: bool, shaped: frozenset[str] = frozenset()) -> list[str]:
    """Return one regular expression per part; joined, they match a whole line. Each slot is one group.

    None of them can run away on a hostile line: a slot's extent is decided without going back, but for `flex`, whose
    tries are bounded where there are several. The last quoted slot in front of those in `shaped`, whose look the page
    gives, may hold quotes and blanks: only what they look like tells where it ends.
    """
    found: list[str] = []
    quoted = False
    several = sum(slot.kind == "flex" for slot in slots(parts)) > 1
    open_slot = None if escaped else _last_quoted(parts, shaped)
    for index, part in enumerate(parts):
        if part is open_slot:
            found.append("(.*?)")
            continue
        if isinstance(part, str):
            found.append(re.escape(part))
            quoted ^= part.count('"') % 2 == 1
            continue
        following = parts[index + 1] if index + 1 < len(parts) else ""
        found.append(_slot(part, following, quoted=quoted, escaped=escaped, several=several))
    if extra:
        found.append(r"(?:[ \t](.*))?")
    return found


def _last_quoted(parts: tuple[Part, ...], shaped: frozenset[str]) -> Slot | None:
    """Return the last slot between quotes that has shaped ones behind it."""
    last: Slot | None = None
    waiting: Slot | None = None
    quoted = False
    for part in parts:
        if isinstance(part, str):
            quoted ^= part.count('"') % 2 == 1
        elif part.name in shaped:
            last = waiting or last
        elif quoted:
            waiting = part
    return last


def _slot(slot: Slot, following: Part, *, quoted: bool, escaped: bool, several: bool) -> str:
    if slot.regex is not None:
        return f"({slot.regex})"
    if slot.kind == "int":
        return f"({NUMBER})"
    if slot.kind == "list":
        return "([^, ]*(?:, ?[^, ]+)*)"
    if slot.kind == "flex" or isinstance(following, Slot):
        return "(.{0,2048}?)" if several else "(.*?)"
    lead = " *" if slot.kind == "pad" else ""
    if quoted and following.startswith('"'):
        if escaped:
            return lead + r'([^"\\]*(?:\\.[^"\\]*)*)'
        behind = re.escape(following[1:]) if len(following) > 1 else "$"
        return lead + rf'((?:[^"]|"(?!{behind}))*)'
    if not following:
        return lead + "(.*)"
    stop = re.escape(following[0])
    if quoted and escaped:
        return lead + rf'([^"\\{stop}]*(?:\\.[^"\\{stop}]*)*)'
    return lead + (f'([^"{stop}]*)' if quoted else f"([^{stop}]*)")
