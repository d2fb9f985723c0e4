"""--since and --until: any form dateutil reads, save those in which it would guess.

Left alone, dateutil takes a missing year from today, reads 09/10/2024 as 10 September, drops zones it does not know,
and turns UTC+3 into three hours west. Each of these is refused here, with the form to write instead.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incident.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR, _LAST_YEAR = 1990, 2999
_MICROSECOND = timedelta(microseconds=1)
_NAMED_ZONE = re.compile(r"(.*\S)\s+\[?([A-Za-z]+(?:/[A-Za-z0-9_+-]+)+)\]?")
_CLF_TIME = re.compile(r"\[?(\d{2}/[A-Za-z]{3}/\d{4}):([^\]]*)\]?")
_YEAR_FIRST = re.compile(r"\d{4}\D")
_SIGNED_NAME = re.compile(r"[A-Za-z]{3,}\s?[+-]\d")
# two dates that share nothing: what the text leaves open differs between them
_ONE_DEFAULT = datetime(2001, 1, 1)  # noqa: DTZ001 - dateutil wants it naive
_OTHER_DEFAULT = datetime(2004, 12, 30)  # noqa: DTZ001 - as above


def moment_us(text: str, zone: str, option: str) -> int:
    """Return a time given on the command line, in microseconds UTC.

    Raises:
        UsageError: it is no time, or could be read in more than one way.
    """
    try:
        found = _read(text.strip(), ZoneInfo(zone))
        if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
            raise _UnclearError("lies outside the time of any access log")
        return (found - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError) as error:
        reason = str(error) if isinstance(error, _UnclearError) else "is not a time"
        raise UsageError(
            f'{option} "{text}" {reason}',
            where=option,
            next_step="write it as 2022-06-27T21:30:00-07:00, or without the offset for the display zone",
        ) from error


class _UnclearError(ValueError):
    """The text is no one time; the message completes a sentence that begins with it."""


def _read(text: str, zone: tzinfo) -> datetime:
    from dateutil.parser import isoparse, parserinfo  # noqa: PLC0415 - slow to import

    clf = _CLF_TIME.fullmatch(text)
    if clf:
        text = f"{clf[1]} {clf[2]}"
    named = _NAMED_ZONE.fullmatch(text)
    if named:
        text, zone = named[1], _zone(named[2])
    found: datetime
    try:
        found = isoparse(text)
    except ValueError:
        found = _read_freely(text)
        info = parserinfo()
        weekdays = [day for word in re.findall("[A-Za-z]+", text) if (day := info.weekday(word)) is not None]
        if any(day != found.weekday() for day in weekdays):
            raise _UnclearError(f"names another weekday than that of {found.date()}") from None
    if named and found.tzinfo is not None:
        raise _UnclearError("names its zone twice")
    return _placed(found, zone) if found.tzinfo is None else found


def _read_freely(text: str) -> datetime:
    if _SIGNED_NAME.search(text):
        raise _UnclearError("has a zone with a sign behind a name, which is read both ways round")
    # a year in front settles the order; else day and month may change places
    orders = (False,) if _YEAR_FIRST.match(text) else (False, True)
    readings = {_parsed(text, _ONE_DEFAULT, dayfirst=order) for order in orders}
    if readings != {_parsed(text, _OTHER_DEFAULT, dayfirst=order) for order in orders}:
        raise _UnclearError("does not give day, month and year")
    if len(readings) > 1:
        raise _UnclearError(f"may mean {' or '.join(sorted(str(reading.date()) for reading in readings))}")
    found = readings.pop()
    if str(found.year) not in text:
        raise _UnclearError("does not give the year in four digits")
    return found


def _parsed(text: str, default: datetime, *, dayfirst: bool) -> datetime:
    from dateutil.parser import parse  # noqa: PLC0415 - slow to import

    found: datetime = parse(text, default=default, dayfirst=dayfirst, tzinfos=_only_utc)
    return found


def _only_utc(name: str | None, offset: int | None) -> tzinfo | None:
    """Tell dateutil what a zone means: a bare offset, or UTC by one of its names; never what this machine thinks."""
    if name is not None and name.upper() not in {"UTC", "GMT", "Z"}:
        raise _UnclearError(f"names a zone, {name}, that stands for more than one offset")
    if offset is None:
        return None
    return UTC if offset == 0 else timezone(timedelta(seconds=offset))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _UnclearError(f"names a zone that is not known, {name}") from error


def _placed(naive: datetime, zone: tzinfo) -> datetime:
    """Return a wall-clock time in its zone, unless the clocks skipped it or showed it twice."""
    from dateutil.tz import datetime_ambiguous, datetime_exists  # noqa: PLC0415 - slow to import

    if not datetime_exists(naive, tz=zone):
        raise _UnclearError(f"never was: the clocks of {zone} went over it")
    if datetime_ambiguous(naive, tz=zone):
        raise _UnclearError(f"was twice: the clocks of {zone} went back over it")
    return naive.replace(tzinfo=zone)
