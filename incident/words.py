"""Times, spans, numbers and log text as words, the same in figures, report and terminal.

Every printed time names its zone or offset. A minus sign in prose is U+2212, `MINUS`; forms that
may be copied into a command (`short`, `iso`) use ASCII only.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOTHING = "—"
MINUS = "\N{MINUS SIGN}"
_UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
_VISIBLE = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


@lru_cache(maxsize=32)
def zone_of(zone: str) -> tzinfo:
    """Return the zone of an IANA name; UTC is the library's own object, so that it needs no zone data."""
    return UTC if zone == "UTC" else ZoneInfo(zone)


def local(us: int, zone: str) -> datetime:
    """Return the time in a zone, aware."""
    return (EPOCH + timedelta(microseconds=us)).astimezone(zone_of(zone))


def naive_local(us: int, zone: str) -> datetime:
    """Return what a clock on the wall of the zone showed, without its offset: the same reading may come twice."""
    return local(us, zone).replace(tzinfo=None)


def offset(us: int, zone: str) -> str:
    """Return the offset in force: "UTC-07:00", "UTC" for none."""
    minutes = _offset_minutes(local(us, zone))
    return "UTC" if minutes == 0 else f"UTC{MINUS if minutes < 0 else '+'}{_clock(minutes)}"


def zone_name(us: int, zone: str) -> str:
    """Return abbreviation and offset in force: "PDT (UTC-07:00)"; the offset alone where the zone has no letters."""
    name, shift = local(us, zone).tzname() or "", offset(us, zone)
    if name == "UTC":
        return "UTC"
    return f"{name} ({shift})" if name.isalpha() else shift


def day(us: int, zone: str) -> str:
    """Return "27 June 2022"."""
    at = local(us, zone)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def clock(us: int, zone: str, *, seconds: bool = True) -> str:
    """Return "9:30:00 p.m."; a fraction of a second is left to `iso`."""
    at = local(us, zone)
    tail = f":{at.second:02d}" if seconds else ""
    return f"{at.hour % 12 or 12}:{at.minute:02d}{tail} {'a.m.' if at.hour < 12 else 'p.m.'}"


def when(us: int | None, zone: str, *, none: str = "not in the log") -> str:
    """Return "27 June 2022, 9:30:00 p.m. PDT (UTC-07:00)"."""
    return none if us is None else f"{day(us, zone)}, {clock(us, zone)} {zone_name(us, zone)}"


def brief(us: int | None, zone: str, *, none: str = "not in the log") -> str:
    """Return "27 June 2022, 9:30 p.m. PDT", for the tight places of a figure whose axis names the offset."""
    if us is None:
        return none
    return f"{day(us, zone)}, {clock(us, zone, seconds=False)} {zone_name(us, zone).split(' ', maxsplit=1)[0]}"


def short(us: int | None, zone: str, *, none: str = NOTHING) -> str:
    """Return "2022-06-27 21:30:00 -07:00": one width, sorts within an offset, may be given back to --since."""
    if us is None:
        return none
    at = local(us, zone)
    minutes = _offset_minutes(at)
    stamp = f"{at.year:04d}-{at.month:02d}-{at.day:02d} {at.hour:02d}:{at.minute:02d}:{at.second:02d}"
    return f"{stamp} {'-' if minutes < 0 else '+'}{_clock(minutes)}"


def iso(us: int) -> str:
    """Return ISO 8601 in UTC with "Z"; a fraction of 3 or 6 digits where there is one."""
    at = EPOCH + timedelta(microseconds=us)
    stamp = f"{at.year:04d}-{at.month:02d}-{at.day:02d}T{at.hour:02d}:{at.minute:02d}:{at.second:02d}"
    if at.microsecond % 1000:
        return f"{stamp}.{at.microsecond:06d}Z"
    return f"{stamp}.{at.microsecond // 1000:03d}Z" if at.microsecond else f"{stamp}Z"


def iso_or(us: int | None, none: str = NOTHING) -> str:
    """Return `iso`, or the given word where the log does not say."""
    return none if us is None else iso(us)


def between(start_us: int, end_us: int, zone: str) -> str:
    """Return "27 June 2022, 12:05:13 p.m. to 28 June 2022, 11:58:40 a.m. PDT (UTC-07:00)".

    What both ends share is said once; across a change of the clocks each end names its own zone.
    """
    if zone_name(start_us, zone) != zone_name(end_us, zone):
        return f"{when(start_us, zone)} to {when(end_us, zone)}"
    end = clock(end_us, zone)
    if day(start_us, zone) != day(end_us, zone):
        end = f"{day(end_us, zone)}, {end}"
    return f"{day(start_us, zone)}, {clock(start_us, zone)} to {end} {zone_name(end_us, zone)}"


def span(us: int | None, *, none: str = "not in the log") -> str:
    """Return "11 h 52 min": the two largest units, rounded to the smaller; below a minute seconds, with a fraction."""
    if us is None:
        return none
    if us < 0:
        return f"{MINUS}{span(-us)}"
    if us < MINUTE:
        return _seconds(us)
    largest = next(i for i, (unit, _) in enumerate(_UNITS) if us >= unit)
    smaller = _UNITS[min(largest + 1, len(_UNITS) - 1)][0]
    return _spell((us + smaller // 2) // smaller * smaller)


def exact_span(us: int | None, *, none: str = "not in the log") -> str:
    """Return "11 h 52 min 14 s": every unit, nothing rounded."""
    if us is None:
        return none
    if us < 0:
        return f"{MINUS}{exact_span(-us)}"
    whole = us // SECOND * SECOND
    if us == whole and us:
        return _spell(us)
    if us < MINUTE:
        return _seconds(us)
    return f"{_spell(us // MINUTE * MINUTE)} {_seconds(us % MINUTE)}"


def compact_span(us: int) -> str:
    """Return a span as the case definition writes it: "10m", "0s", "36h", "500ms"."""
    for unit, name in ((HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1000, "ms")):
        if us and us % unit == 0:
            return f"{us // unit}{name}"
    return "0s" if us == 0 else f"{us}us"


def number(value: int | None, *, none: str = NOTHING) -> str:
    """Return "2,734"."""
    return none if value is None else f"{value:,}".replace("-", MINUS)


def counted(value: int, one: str, many: str | None = None) -> str:
    """Return "1 download", "2,734 downloads"."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def bytes_of(value: int | None, *, none: str = NOTHING) -> str:
    """Return "48.2 MB (48,211,907 bytes)": decimal units, the exact figure beside them; small sizes in bytes alone."""
    if value is None:
        return none
    exact = counted(value, "byte")
    return exact if abs(value) < 1000 else f"{short_bytes(value)} ({exact})"


def short_bytes(value: int | None, *, none: str = NOTHING) -> str:
    """Return "48.2 MB", in decimal units; "312 B"."""
    if value is None:
        return none
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB"), (3, "kB")):
        # half a last place early, so that rounding never shows "1,000.0 kB"
        if abs(value) * 20 >= 20 * 10**power - 10**power // 1000:
            return f"{value / 10**power:,.1f} {unit}"
    return f"{value} B"


def visible(text: str | None, *, none: str = NOTHING) -> str:
    r"""Return text with what a reader could not see, or a terminal would obey, written as an escape.

    Control characters, bidirectional and zero-width marks, line separators, unpaired surrogates and unassigned code
    points become \x1b, \u202e and the like; all else, also a backslash, stands as it is.
    """
    if text is None:
        return none
    if text.isascii() and text.isprintable():
        return text
    return "".join(_seen(char) for char in text)


def list_of(words: tuple[str, ...]) -> str:
    """Return "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def _seen(char: str) -> str:
    if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}:
        return char
    known = _VISIBLE.get(char)
    if known:
        return known
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _offset_minutes(at: datetime) -> int:
    return int((at.utcoffset() or timedelta()).total_seconds() // 60)


def _clock(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{hours:02d}:{rest:02d}"


def _seconds(us: int) -> str:
    whole, fraction = divmod(us, SECOND)
    return f"{whole} s" if not fraction else f"{whole}.{f'{fraction:06d}'.rstrip('0')} s"


def _spell(us: int) -> str:
    parts = []
    for unit, name in _UNITS:
        amount, us = divmod(us, unit)
        if amount:
            parts.append(f"{number(amount)} {name}")
    return " ".join(parts)
