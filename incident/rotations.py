"""Members that a series of like names lacks: rotations by number, and files by day, hour or minute.

Only names are read. A part that differs from name to name and is neither date nor number (a hash, an id) is never
counted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PACKED = re.compile(r"\.(gz|bz2|xz|zst|zstd|Z|zip|tar|tgz)(?=/|$)", re.IGNORECASE)
Y, MO, D = r"(?P<y>(?:19|20)\d\d)", r"(?P<mo>0[1-9]|1[0-2])", r"(?P<d>0[1-9]|[12]\d|3[01])"
H, MI, S = r"(?P<h>[01]\d|2[0-3])", r"(?P<mi>[0-5]\d)", r"(?P<s>[0-5]\d)"

# The finest first; each is tried all over the path, and all that fit are taken out.
STAMPS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\by(?:ear)?={Y}/m(?:onth)?={MO}/d(?:ay)?={D}/h(?:our)?={H}/m(?:inute)?={MI}\b",
        rf"\by(?:ear)?={Y}/m(?:onth)?={MO}/d(?:ay)?={D}/h(?:our)?={H}\b",
        rf"(?<!\d){Y}-?{MO}-?{D}[-_T. ]?{H}[-_:]?{MI}[-_:]?{S}(?:\.\d+)?Z?(?!\d)",
        rf"(?<!\d){Y}-?{MO}-?{D}[-_T. ]?{H}[-_:]?{MI}Z?(?!\d)",
        rf"(?<!\d){Y}-?{MO}-?{D}[-_T. ]?{H}Z?(?!\d)",
        rf"(?<!\d){Y}/{MO}/{D}/{H}(?!\d)",
        rf"(?<=ex)(?P<y2>\d\d){MO}{D}{H}(?!\d)",
        rf"\by(?:ear)?={Y}/m(?:onth)?={MO}/d(?:ay)?={D}\b",
        rf"(?<!\d){Y}([-_./]?){MO}\1{D}(?!\d)".replace(r"\1", r"(?P=sep)").replace(r"([-_./]?)", r"(?P<sep>[-_./]?)"),
        rf"(?<=ex)(?P<y2>\d\d){MO}{D}(?!\d)",
        rf"(?<!\d){Y}[-_/]{MO}(?!\d)",
        rf"(?<=ex)(?P<y2>\d\d){MO}(?!\d)",
        r"(?<![\dA-Za-z])(?P<epoch>1\d{9})(?![\dA-Za-z])",
    )
)
MARK = "\0"
NUMBER = re.compile(r"(?<![\dA-Za-z])\d{1,6}(?![\dA-Za-z])")
ADDRESS = re.compile(r"(?<!\d)\d{1,3}(?:[.-]\d{1,3}){3}(?!\d)")
WORDS = re.compile(r"[^-_./]+")
UNITS = {"minute": 1, "hour": 60, "day": 1440}
STEPS = (1, 2, 3, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 10080)
LARGEST_ROTATION = 400
FEWEST_DATED = 3
FEWEST_NUMBERED = 4
REGULAR = 0.5


@dataclass(frozen=True, slots=True)
class Lacking:
    """One missing member: its name, and the members on both sides of it in order of time."""

    name: str
    after: str
    before: str


@dataclass(frozen=True, slots=True)
class Series:
    """Like names, counted by "number", "minute", "hour", "day" or "month" in steps; what is missing between them."""

    name: str  # the varying part as {n}, {date} or {time}, what nobody can know as *
    counted_by: str
    step: int
    members: tuple[str, ...]  # in order of time: a rotation's highest number first
    missing: tuple[Lacking, ...]


@dataclass(frozen=True, slots=True)
class _Stamped:
    at: datetime
    unit: str  # the finest that the name tells
    shape: str  # how the stamp is written, to write another
    key: str


def series(paths: Iterable[str]) -> tuple[Series, ...]:
    """Return every series among the paths, by name, whether it lacks members or not."""
    dated: dict[tuple[str, str], list[tuple[_Stamped, str]]] = defaultdict(list)
    plain: list[str] = []
    for path in sorted(set(paths)):
        stamped = _stamp(path)
        if stamped is None:
            plain.append(path)
        else:
            dated[stamped.key, stamped.unit].append((stamped, path))
    found = []
    for group in dated.values():
        if len({stamped.at for stamped, _ in group}) >= FEWEST_DATED:
            found.append(_dated(group))
        else:
            plain += [path for _, path in group]
    rotations, rest = _suffixed(plain)
    return tuple(sorted([*(s for s in found if s), *rotations, *_numbered(rest)], key=lambda s: s.name))


def _stamp(path: str) -> _Stamped | None:
    """The finest time that a path tells; every date in it, coarser ones too, becomes a mark."""
    bare = PACKED.sub("", path)
    best: re.Match[str] | None = None
    for pattern in STAMPS:
        matches = list(pattern.finditer(bare))
        if matches:
            best = matches[-1] if "epoch" not in matches[0].groupdict() else matches[0]
            first_in_name = [m for m in matches if m.start() > bare.rfind("/")]
            best = first_in_name[0] if first_in_name else best
            break
    if best is None:
        return None
    fields = best.groupdict()
    try:
        at = _time(fields)
    except ValueError:
        return None
    unit = next((unit for unit, name in (("minute", "mi"), ("hour", "h"), ("day", "d")) if fields.get(name)), "month")
    if fields.get("epoch"):
        unit = "minute"
    head, tail = bare[: best.start()], bare[best.end() :]
    return _Stamped(at, unit, best.group(), f"{_undated(head)}{MARK}{WORDS.sub(_unknown, _undated(tail))}")


def _time(fields: dict[str, str | None]) -> datetime:
    if fields.get("epoch"):
        return EPOCH + timedelta(seconds=int(fields["epoch"] or 0))
    year = fields.get("y") or f"20{fields['y2']}"
    return datetime(
        int(year), int(fields.get("mo") or 1), int(fields.get("d") or 1),
        int(fields.get("h") or 0), int(fields.get("mi") or 0), tzinfo=UTC,
    )  # fmt: skip


def _undated(text: str) -> str:
    for pattern in STAMPS:
        text = pattern.sub("{date}", text)
    return text


def _unknown(word: re.Match[str]) -> str:
    text = word.group()
    known = text == "{date}" or (len(text) < 12 and not any(letter.isdigit() for letter in text))
    return text if known else "*"


def _dated(group: list[tuple[_Stamped, str]]) -> Series | None:
    """A series by time, in the finest step that most of its members keep; none if they keep no step."""
    group = sorted(group, key=lambda pair: (pair[0].at, pair[1]))
    unit, key = group[0][0].unit, group[0][0].key
    name = key.replace(MARK, "{date}" if unit in {"day", "month"} else "{time}")
    if unit == "month":
        months = {stamped.at.year * 12 + stamped.at.month: path for stamped, path in group}
        return _lacking(name, "month", 1, group, months, _month)
    for floor in (1, 60, 1440):
        if floor < UNITS[unit]:
            continue
        slots = {int((stamped.at - EPOCH).total_seconds()) // 60 // floor * floor: path for stamped, path in group}
        step = _step(sorted(slots))
        # where times were cut to the hour or day to make a series, that must be its step, and most of it be there
        cut = floor > UNITS[unit]
        sparse = cut and (step != floor or 2 * len(slots) * floor < max(slots) - min(slots) + floor)
        if step is not None and not sparse and len(slots) >= FEWEST_DATED:
            counted_by = next(unit for unit in ("day", "hour", "minute") if step % UNITS[unit] == 0)
            numbered = {slot // step: path for slot, path in slots.items()}
            offset = next(iter(slots)) % step
            return _lacking(
                name, counted_by, step // UNITS[counted_by], group, numbered,
                partial(_slot, step, offset),
            )  # fmt: skip
    return None


def _month(number: int) -> datetime:
    return datetime((number - 1) // 12, (number - 1) % 12 + 1, 1, tzinfo=UTC)


def _slot(step: int, offset: int, number: int) -> datetime:
    return EPOCH + timedelta(minutes=number * step + offset)


def _step(slots: list[int]) -> int | None:
    """The step of which all distances are multiples, if most are one step."""
    distances = Counter(after - before for before, after in pairwise(slots))
    if not distances:
        return None
    step, times = min(distances.items(), key=lambda pair: (-pair[1], pair[0]))
    regular = step in STEPS and all(distance % step == 0 for distance in distances)
    return step if regular and times >= REGULAR * sum(distances.values()) else None


def _lacking(
    name: str,
    counted_by: str,
    step: int,
    group: list[tuple[_Stamped, str]],
    numbered: dict[int, str],
    time_of: Callable[[int], datetime],
) -> Series:
    pattern = group[0][0]
    missing = tuple(
        Lacking(
            pattern.key.replace(MARK, _written(pattern.shape, time_of(n))).replace("{date}", "*"),
            numbered[low],
            numbered[high],
        )
        for low, high, n in _holes(sorted(numbered))
    )
    return Series(name, counted_by, step, tuple(path for _, path in group), missing)


def _written(shape: str, at: datetime) -> str:
    """Write a time as another of its series is written."""
    if re.fullmatch(r"1\d{9}", shape):
        return str(int((at - EPOCH).total_seconds()))
    values = [f"{at.year:04d}", f"{at.month:02d}", f"{at.day:02d}", f"{at.hour:02d}", f"{at.minute:02d}", "00"]
    digits = sum(letter.isdigit() for letter in shape)
    if not re.match(r"(?:y(?:ear)?=)?(?:19|20)\d\d", shape) or digits == 4 or (digits == 8 and _short_year(shape)):
        values[0] = values[0][2:]
    wanted = iter("".join(values))
    return "".join(next(wanted, "0") if letter.isdigit() else letter for letter in shape)


def _short_year(shape: str) -> bool:
    """Whether eight digits are a short year, month, day and hour: they are, where they are no date of eight."""
    return re.fullmatch(r"\d{8}", shape) is not None and not re.fullmatch(rf"{Y}{MO}{D}", shape)


def _holes(numbers: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (number before, number after, each number between that is not there)."""
    for low, high in pairwise(numbers):
        for n in range(low + 1, high):
            yield low, high, n


def _suffixed(paths: list[str]) -> tuple[list[Series], list[str]]:
    """Rotations by a number at the end: access.log, access.log.1, access.log.2.gz. The highest is the oldest."""
    groups: dict[str, dict[int, str]] = defaultdict(dict)
    rest = []
    bare = {path: PACKED.sub("", path) for path in paths}
    for path in paths:
        found = re.fullmatch(r"(.*[A-Za-z_][^/.]*)\.(\d{1,4})", bare[path])
        if found and int(found[2]) <= LARGEST_ROTATION and not ADDRESS.search(bare[path].rpartition("/")[2]):
            groups[found[1]].setdefault(int(found[2]), path)
        else:
            rest.append(path)
    found_series = []
    for stem, members in sorted(groups.items()):
        current = next((path for path in rest if bare[path] == stem), None)
        if current is not None and 0 not in members:
            members[0] = current
            rest.remove(current)
        if len(members) < 2:
            rest += members.values()
            continue
        missing = tuple(
            Lacking(f"{stem}.{n}", members[high], members[low])
            for low, high, n in reversed(list(_holes(sorted(members))))
        )
        found_series.append(
            Series(
                f"{stem}.{{n}}", "number", 1, tuple(path for _, path in sorted(members.items(), reverse=True)), missing
            )
        )
    return found_series, sorted(rest)


def _numbered(paths: list[str]) -> list[Series]:
    """Names that differ in one number alone, most of whose numbers are there: part-0001.log, part-0002.log."""
    groups: dict[str, dict[int, str]] = defaultdict(dict)
    for path in paths:
        bare = PACKED.sub("", path)
        if ADDRESS.search(bare):
            continue
        for found in NUMBER.finditer(bare):
            groups[f"{bare[: found.start()]}{MARK}{bare[found.end() :]}"].setdefault(int(found.group()), path)
    found_series = []
    for key, members in sorted(groups.items()):
        numbers = sorted(members)
        if len(numbers) < FEWEST_NUMBERED or numbers[-1] - numbers[0] + 1 > 2 * len(numbers):
            continue
        width = len(_number_of(PACKED.sub("", members[numbers[0]]), key))
        missing = tuple(
            Lacking(key.replace(MARK, str(n).zfill(width)), members[low], members[high])
            for low, high, n in _holes(numbers)
        )
        found_series.append(Series(key.replace(MARK, "{n}"), "number", 1, tuple(members[n] for n in numbers), missing))
    return found_series


def _number_of(bare: str, key: str) -> str:
    before, _, after = key.partition(MARK)
    return bare[len(before) : len(bare) - len(after)]
