"""A directive on its way to a format: what its parts mean, and the layout and fields that they make."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from incident.formats import DEFAULT_KIND, Condition, Field, Format

CLF_TIME = "%d/%b/%Y:%H:%M:%S %z"
# a string of a configuration file, in either kind of quotes
STRING = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one directive says: which field, and how good a source of it it is (0 is best)."""

    to: str | None
    rank: int = 0
    kind: str | None = None
    unit: str = "s"
    zero: tuple[str, ...] = ()
    bytes_kind: str | None = None
    range_kind: str | None = None
    free: bool = False  # may hold blanks
    number: bool = False
    pick: str | None = None


class Builder:
    """Collects the layout and the sources of each field."""

    def __init__(self) -> None:
        self.layout = ""
        self.names: dict[str, int] = {}
        self.sources: dict[str, list[tuple[int, int, str, Meaning]]] = {}
        self.times: list[tuple[str, str | None]] = []  # slot, format
        self.quoted = False

    def literal(self, text: str) -> None:
        """Take in text that every line has."""
        self.layout += text.replace("{", "{{").replace("}", "}}")
        self.quoted ^= text.count('"') % 2 == 1

    def slot(self, spelled: str, kind: str) -> str:
        """Take in a value; return the name of its slot."""
        name = spelled.replace("{", "(").replace("}", ")").replace(":", ".")
        count = self.names[name] = self.names.get(name, 0) + 1
        if count > 1:
            name += f"#{count}"
        self.layout += "{" + name + ("" if kind == "word" else f":{kind}") + "}"
        return name

    def meant(self, spelled: str, meaning: Meaning, rank: int = 0) -> None:
        """Take in a value that is known to mean something."""
        free = meaning.free and not self.quoted
        kind = (
            "int"
            if meaning.number
            else "list"
            if free and meaning.to == "forwarded_for"
            else "flex"
            if free
            else "word"
        )
        name = self.slot(spelled, kind)
        if meaning.to is not None:
            held = self.sources.setdefault(meaning.to, [])
            held.append((meaning.rank + rank, len(held), name, meaning))

    def format(self, page: Format) -> Format:
        """Return the page with the layout and fields that came together."""
        for _, _, name, _ in self.sources.get("peer_ip", []):
            # an IPv6 address holds the colon that stands in front of its port
            self.layout = self.layout.replace("{" + name + "}:", "{" + name + ":flex}:")
        fields: list[Field] = []
        bytes_kind, range_kind = "unknown", None
        for to, held in self.sources.items():
            best = sorted(held, key=lambda one: one[:2])
            lead = best[0][3]
            if to == "bytes_sent" and lead.bytes_kind:
                bytes_kind = lead.bytes_kind
            if to == "range":
                range_kind = lead.range_kind
            if to == "aborted":
                when = ((Condition(best[0][2], ("X",), negated=False),),)
                fields.append(Field(to=to, kind="flag", sources=(best[0][2],), when=when))
                continue
            # another source of the same unit, kind and marks may stand in where the best is missing
            alike = [
                one
                for one in best
                if (one[3].unit, one[3].zero, one[3].bytes_kind, one[3].range_kind)
                == (lead.unit, lead.zero, lead.bytes_kind, lead.range_kind)
            ]
            fields.append(
                Field(
                    to=to,
                    kind=lead.kind or DEFAULT_KIND.get(to, "text"),
                    sources=tuple(one[2] for one in alike),
                    unit=lead.unit,
                    pick=lead.pick,
                    zero=lead.zero,
                )
            )
        return replace(
            page,
            layout=self.layout,
            fields=(*_time_fields(self.times), *fields),
            bytes_kind=bytes_kind,
            range_kind=range_kind,
        )


def _time_fields(found: list[tuple[str, str | None]]) -> list[Field]:
    """Return the time's fields: the most precise first; parts that only together are a time are joined."""

    def whole(form: str | None) -> bool:
        if form in {None, "epoch"}:
            return True
        text = form or ""
        return any(letter in text for letter in ("%s", "%Q", "%U")) or (
            ("%Y" in text or "%y" in text or "%F" in text or "%D" in text or "%c" in text)
            and ("%H" in text or "%I" in text or "%T" in text or "%c" in text or "%R" in text or "%r" in text)
        )

    def fineness(form: str | None) -> int:
        if form == "epoch":
            return 0
        text = form or ""
        return 1 if any(x in text for x in ("%U", "%6")) else 2 if any(x in text for x in ("%Q", "%3")) else 3

    complete = [(slot, form) for slot, form in found if whole(form)]
    parts = [(slot, form) for slot, form in found if not whole(form)]
    if len(complete) == 1 and parts and complete[0][1] not in {None, "epoch"} and fineness(complete[0][1]) == 3:
        # a fraction or a zone that stands elsewhere in the line belongs to the one whole time
        useful = [
            (slot, form)
            for slot, form in parts
            if form and not set(re.findall(r"%.", form)) & set(re.findall(r"%.", complete[0][1] or ""))
        ]
        joined = [*complete, *useful]
        return [
            Field(
                to="time",
                kind="time",
                sources=tuple(s for s, _ in joined),
                how="join" if len(joined) > 1 else "first",
                format=" ".join(f or "" for _, f in joined),
            )
        ]
    if complete:
        ordered = sorted(complete, key=lambda one: fineness(one[1]))
        return [Field(to="time", kind="time", sources=(slot,), format=form) for slot, form in ordered]
    if parts:
        return [
            Field(
                to="time",
                kind="time",
                sources=tuple(s for s, _ in parts),
                how="join",
                format=" ".join(f or "" for _, f in parts),
            )
        ]
    return []
