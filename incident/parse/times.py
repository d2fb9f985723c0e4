"""Times as logs write them, turned into microseconds since 1970-01-01 UTC.

Everything is integer arithmetic: a float cannot hold a nanosecond epoch. A local time that its zone skips or repeats is
refused, because nobody can say which instant it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from incident.parse.bad import BadValueError

CLF = "%d/%b/%Y:%H:%M:%S %z"
SECOND = 1_000_000
DAY = 86_400 * SECOND
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MONTHS = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")
_MONTH_NAMES = (
    b"january", b"february", b"march", b"april", b"may", b"june", b"july", b"august", b"september", b"october",
    b"november", b"december",
)  # fmt: skip
_MONTH = {name: number for names in (_MONTHS, _MONTH_NAMES) for number, name in enumerate(names, start=1)}
_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}  # nanoseconds

# each letter: the part it fills, what it accepts, and its width where that is fixed
_LETTERS: dict[str, tuple[str, str, int | None]] = {
    "Y": ("year", r"\d{4}", 4),
    "y": ("short_year", r"\d\d", 2),
    "m": ("month", r"\d\d", 2),
    "b": ("month_name", r"[A-Za-z]{3}", 3),
    "B": ("month_name", r"[A-Za-z]{3,9}", None),
    "n": ("month", r"[ \d]?\d", None),  # %n: a month without a zero in front
    "d": ("day", r"\d\d", 2),
    "e": ("day", r"[ \d]?\d", None),
    "H": ("hour", r"\d\d", 2),
    "k": ("hour", r"[ \d]?\d", None),
    "I": ("hour12", r"\d\d", 2),
    "p": ("half", r"[AaPp][Mm]", 2),
    "M": ("minute", r"\d\d", 2),
    "S": ("second", r"\d\d", 2),
    "f": ("fraction", r"\d{1,9}", None),
    "3": ("fraction", r"\d{3}", 3),  # %3: milliseconds of the second
    "6": ("fraction", r"\d{6}", 6),
    "z": ("offset", r"[+-]\d\d:?\d\d|Z", None),
    "Z": ("zone", r"UTC|GMT|Z", None),
    "s": ("epoch_s", r"\d{1,11}", None),
    "Q": ("epoch_ms", r"\d{1,14}", None),
    "U": ("epoch_us", r"\d{1,17}", None),
    "a": ("weekday", r"[A-Za-z]{3}", 3),
    "A": ("weekday", r"[A-Za-z]{3,9}", None),
    "w": ("weekday_number", r"[0-7]", 1),
    "u": ("weekday_number", r"[0-7]", 1),
    "j": ("yearday", r"\d{3}", 3),
}
_SHORT = {
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "F": "%Y-%m-%d",
    "D": "%m/%d/%y",
    "h": "%b",
    "c": "%a %b %e %H:%M:%S %Y",
    "r": "%I:%M:%S %p",
}
_ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?")
_NUMBER = re.compile(rb"(\d{1,20})(?:\.(\d{1,12}))?")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A time written in strftime's letters: what it looks like, and its width in bytes if that never varies."""

    regex: str  # without groups
    named: re.Pattern[bytes]
    parts: tuple[str, ...]
    width: int | None

    @property
    def zoned(self) -> bool:
        """Whether the text itself fixes the instant."""
        return any(part in {"offset", "zone", "epoch_s", "epoch_ms", "epoch_us"} for part in self.parts)


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """Compile a pattern in strftime's letters.

    Raises:
        ValueError: a letter that is not known; the sentence names it.
    """
    for letter, long in _SHORT.items():
        text = text.replace(f"%{letter}", long)
    plain, named, parts, width = "", "", [], 0
    fixed = True
    for piece in re.findall(r"%.|[^%]+|%$", text, re.DOTALL):
        if piece == "%%" or piece[0] != "%":
            literal = "%" if piece == "%%" else piece
            plain += re.escape(literal)
            named += re.escape(literal)
            width += len(literal)
            continue
        if piece[1:] not in _LETTERS:
            raise ValueError(f'"{piece}" is no letter of a time pattern')
        part, accept, wide = _LETTERS[piece[1:]]
        plain += f"(?:{accept})"
        # a part named twice must say the same twice
        named += f"(?P={part})" if part in parts else f"(?P<{part}>{accept})"
        parts.append(part)
        if piece == "%z":
            wide = 5  # as Apache and nginx write it; the other spellings take the careful path
        fixed = fixed and wide is not None
        width += wide or 0
    return Pattern(plain, re.compile(named.encode(), re.DOTALL), tuple(parts), width if fixed else None)


def read_pattern(raw: bytes, form: Pattern, zone: str | None) -> int:
    """Read a time in one of the page's own patterns."""
    match = form.named.fullmatch(raw)
    if match is None:
        raise BadValueError("timestamp")
    return assemble(match.groupdict(), zone)


def assemble(parts: dict[str, bytes | None], zone: str | None) -> int:
    """Build the instant from the parts of one or several patterns."""
    fraction = _fraction(parts.get("fraction"))
    for name, unit in (("epoch_us", 1), ("epoch_ms", 1_000), ("epoch_s", SECOND)):
        if (value := parts.get(name)) is not None:
            return int(value) * unit + (fraction if name == "epoch_s" else 0)
    if (value := parts.get("year")) is not None:
        year = int(value)
    elif (value := parts.get("short_year")) is not None:
        year = int(value) + (2000 if int(value) < 69 else 1900)  # POSIX strptime
    else:
        raise BadValueError("timestamp")
    hour = int(parts.get("hour") or 0)
    if (value := parts.get("hour12")) is not None:
        hour = int(value) % 12 + (12 if (parts.get("half") or b"").lower() == b"pm" else 0)
    if (value := parts.get("yearday")) is not None:
        month, day = 1, 1
        extra = (int(value) - 1) * DAY
    else:
        month_name = parts.get("month_name")
        month = _month(month_name) if month_name is not None else int(parts.get("month") or 0)
        day, extra = int(parts.get("day") or 0), 0
    offset = _offset(parts.get("offset"))
    if offset is None and parts.get("zone") is not None:
        offset = 0
    return extra + instant(
        (year, month, day, hour, int(parts.get("minute") or 0), int(parts.get("second") or 0)), fraction, offset, zone
    )


def read_iso(raw: bytes, zone: str | None) -> int:
    """Read ISO 8601 as logs write it: T or a blank, any fraction (cut after microseconds), any offset."""
    match = _ISO.fullmatch(raw)
    if match is None:
        raise BadValueError("timestamp")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    return instant(
        (int(year), int(month), int(day), int(hour), int(minute), int(second)),
        _fraction(fraction),
        _offset(offset),
        zone,
    )


def read_epoch(raw: bytes, unit: str, zone: str | None) -> int:
    """Read a count since 1970; "auto" takes the unit from its magnitude, and lets an ISO text pass as well."""
    match = _NUMBER.fullmatch(raw)
    if match is None:
        if unit == "auto":
            return read_pattern(raw, pattern(CLF), zone) if b"/" in raw[:4] else read_iso(raw, zone)
        raise BadValueError("timestamp")
    whole = int(match[1])
    if unit == "auto":
        unit = "s" if whole < 10**11 else "ms" if whole < 10**14 else "us" if whole < 10**17 else "ns"
    scale = _UNITS[unit]
    micros = whole * scale // 1000
    if match[2]:
        micros = (whole * scale + int(match[2]) * scale // 10 ** len(match[2])) // 1000
    if micros > 253_402_300_799 * SECOND:  # the end of year 9999
        raise BadValueError("timestamp")
    return micros


def instant(clock: tuple[int, int, int, int, int, int], fraction: int, offset: int | None, zone: str | None) -> int:
    """Return the microseconds of a wall clock at an offset, or in a zone where the text gave no offset."""
    year, month, day, hour, minute, second = clock
    leap = second == 60
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError as error:
        raise BadValueError("timestamp") from error
    if hour > 23 or minute > 59 or second > 60:
        raise BadValueError("timestamp")
    local = days * DAY + ((hour * 60 + minute) * 60 + (59 if leap else second)) * SECOND
    if offset is None:
        offset = _zone_offset(zone, local)
    return local - offset * SECOND + (SECOND if leap else 0) + fraction


def _zone_offset(zone: str | None, local: int) -> int:
    if zone is None:
        raise BadValueError("no-timezone")
    if zone == "UTC":
        return 0
    if zone[0] in "+-":
        return _offset(zone.encode()) or 0
    hours, clock = divmod(local, 900 * SECOND)  # no zone changes its offset but on a quarter hour
    found = _quarter_offset(zone, hours)
    if isinstance(found, str):
        # the change may fall inside the quarter in zones of old; look at the very second
        found = _exact_offset(zone, hours * 900 + clock // SECOND)
    if isinstance(found, str):
        raise BadValueError(found)
    return found


@lru_cache(maxsize=4096)
def _quarter_offset(zone: str, quarter: int) -> int | str:
    first, last = _exact_offset(zone, quarter * 900), _exact_offset(zone, quarter * 900 + 899)
    return first if first == last else "changes"


@lru_cache(maxsize=4096)
def _exact_offset(zone: str, local_s: int) -> int | str:
    info = ZoneInfo(zone)
    wall = datetime(1970, 1, 1) + timedelta(seconds=local_s)  # noqa: DTZ001  # a wall clock, on purpose
    early, late = (wall.replace(tzinfo=info, fold=fold).utcoffset() for fold in (0, 1))
    if early == late and early is not None:
        return int(early.total_seconds())
    back = wall.replace(tzinfo=info).astimezone(UTC).astimezone(info).replace(tzinfo=None)
    return "timezone-overlap" if back == wall else "timezone-gap"


def _fraction(digits: bytes | None) -> int:
    return int(digits[:6].ljust(6, b"0")) if digits else 0


def _month(name: bytes) -> int:
    try:
        return _MONTH[name.lower()]
    except KeyError as error:
        raise BadValueError("timestamp") from error


def _offset(text: bytes | None) -> int | None:
    if text is None:
        return None
    if text in {b"Z", b"UTC", b"GMT"}:
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:]) if len(text) > 3 else 0
    if hours > 23 or minutes > 59:
        raise BadValueError("timestamp")
    seconds = (hours * 60 + minutes) * 60
    return -seconds if text[:1] == b"-" else seconds
