"""incident.toml → a checked CaseDefinition, or one clear error.

What passes here can be used by every later stage without another look: networks are canonical, globs and regexes
compile, zones exist, times carry their offset, files are there.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import re
import warnings
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from incident.errors import DefinitionError
from incident.globs import compile_glob
from incident.records import CaseDefinition, DatasetRule, DeclaredEvent, EvidenceRule, Policy
from incident.strict_toml import Document, Table, suggest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

FILE_NAME = "incident.toml"
EVENT_KINDS = ("published", "alerted", "outage", "restored", "taken_down", "note")
SERVERS = ("apache", "nginx")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DATASET_NAME = re.compile(r"\w[\w.-]*")
_METHOD = re.compile(r"[A-Z][A-Z-]*")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_OFFSET = re.compile(r"([+-])(\d{1,2}):?00")
# what people write for a zone, and the zone they most likely mean
_ABBREVIATIONS = {
    "PT": "America/Los_Angeles",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "MT": "America/Denver",
    "MDT": "America/Denver",
    "CT": "America/Chicago",
    "CST": "America/Chicago",
    "CDT": "America/Chicago",
    "ET": "America/New_York",
    "EDT": "America/New_York",
    "BST": "Europe/London",
    "CEST": "Europe/Berlin",
    "AEST": "Australia/Sydney",
    "JST": "Asia/Tokyo",
    "Z": "UTC",
}


def find(config: Path | None, folders: Sequence[Path]) -> Path | None:
    """Return the definition to use: the one named, else the current folder's, else the ingested folders'.

    Raises:
        DefinitionError: the one named is not there, or two ingested folders hold different ones.
    """
    if config is not None:
        if not config.is_file():
            raise DefinitionError(
                f"there is no case definition at {config}",
                where="--config",
                next_step="incident init writes one to start from",
            )
        return config
    here = Path(FILE_NAME)
    if here.is_file():
        return here
    found: dict[bytes, Path] = {}
    for folder in folders:
        candidate = (folder if folder.is_dir() else folder.parent) / FILE_NAME
        if candidate.is_file():
            found.setdefault(candidate.read_bytes(), candidate)
    if len(found) > 1:
        raise DefinitionError(
            f"the ingested folders hold {len(found)} different case definitions",
            where=", ".join(str(path) for path in found.values()),
            next_step="name the one to use with --config",
        )
    return next(iter(found.values()), None)


def load(path: Path, *, known_formats: Collection[str] | None = None) -> CaseDefinition:
    """Read and check a case definition.

    With `known_formats`, the names used under [[evidence]] are checked too; see `check_formats`.

    Raises:
        DefinitionError: names file, line, key, what is wrong and what would be right.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise DefinitionError(f"cannot read the case definition: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(
            f"the case definition is not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}",
            where=str(path),
            next_step="save it again as UTF-8",
        ) from error
    top = Document(path, text).top
    top.only("case", "network", "evidence", "dataset", "policy", "event", "formats")
    case = top.table("case")
    case.only("name", "matter", "prepared_by", "privilege", "timezone")
    network = top.table("network")
    network.only("trusted_proxies", "internal", "labels", "geoip")
    formats = top.table("formats")
    formats.only("dir")
    timezone = _timezone(case) or "UTC"
    datasets = _datasets(top)
    definition = CaseDefinition(
        path=path,
        text=text,
        sha256=hashlib.sha256(raw).hexdigest(),
        name=case.text("name"),
        matter=case.text("matter"),
        prepared_by=case.text("prepared_by"),
        privilege=case.text("privilege"),
        timezone=timezone,
        trusted_proxies=_networks(network, "trusted_proxies"),
        internal=_networks(network, "internal"),
        labels=next(iter(_beside(network, "labels", network.text("labels", example='"networks.csv"'))), None),
        geoip=_beside(network, "geoip", *network.texts("geoip", example='["GeoLite2-ASN.mmdb"]')),
        evidence=tuple(_evidence_rule(table) for table in top.tables("evidence")),
        datasets=datasets,
        policy=_policy(top.table("policy")),
        events=tuple(_event(table, timezone, datasets) for table in top.tables("event")),
        formats=next(iter(_beside(formats, "dir", formats.text("dir", example='"formats"'), folder=True)), None),
    )
    if known_formats is not None:
        check_formats(definition, known_formats)
    return definition


def check_formats(definition: CaseDefinition, known_formats: Collection[str]) -> None:
    """Refuse an [[evidence]] format that no page describes.

    Apart from `load`, because the definition itself says where the user's own pages are.
    """
    for index, rule in enumerate(definition.evidence):
        if rule.format is not None and rule.format not in known_formats and definition.path is not None:
            raise Document(definition.path, definition.text).error(
                ("evidence", index, "format"),
                f'no format is called "{rule.format}"',
                suggest(rule.format, sorted(known_formats)),
            )


def check_timezone(name: str) -> str | None:
    """Return None for a name of the IANA zone data, else advice on which one to write."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # unknown names raise a KeyError, folders of zones an OSError
        pass
    else:
        return None
    if name.upper() in _ABBREVIATIONS:
        return f'write "{_ABBREVIATIONS[name.upper()]}": an abbreviation does not say when the clocks change'
    if offset := _OFFSET.fullmatch(name.upper().removeprefix("UTC").removeprefix("GMT")):
        sign = "-" if offset[1] == "+" else "+"  # POSIX counts westward
        return f'write "Etc/GMT{sign}{int(offset[2])}" for a fixed offset, or a place such as "America/Los_Angeles"'
    places = {zone.lower(): zone for zone in available_timezones()}
    near = difflib.get_close_matches(name.lower().replace(" ", "_"), places, n=1, cutoff=0.7)
    return f'did you mean "{places[near[0]]}"?' if near else 'write a place, such as "America/Los_Angeles", or "UTC"'


def _timezone(table: Table) -> str | None:
    name = table.text("timezone", example='"America/Los_Angeles"')
    advice = check_timezone(name) if name is not None else None
    if advice:
        raise table.error("timezone", f'"{name}" is no IANA time zone', advice)
    return name


def _networks(table: Table, key: str) -> tuple[str, ...]:
    canonical = []
    for index, text in enumerate(table.texts(key, example='["203.0.113.0/24", "2001:db8::/32"]')):
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            raise table.error(
                (key, index), f'"{text}" is no network', 'write it as "203.0.113.0/24", or one address alone'
            ) from error
        address = text.strip().partition("/")[0]
        if "/" in text and ipaddress.ip_address(address) != network.network_address:
            raise table.error(
                (key, index),
                f'"{text}" is an address inside a network, not the network',
                f'write "{network}" for all of it, or "{address}" for that address alone',
            )
        mapped = getattr(network.network_address, "ipv4_mapped", None)
        if mapped is not None and network.prefixlen >= 96:
            # IPv4 written as IPv6: clients are compared in their IPv4 form
            network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}")
        canonical.append(str(network))
    return tuple(canonical)


def _beside(table: Table, key: str, *names: str | None, folder: bool = False) -> tuple[Path, ...]:
    """Return files named relative to the definition's own folder; each must exist."""
    home = table.document.path.parent
    found = []
    for name in names:
        if name is None:
            continue
        path = home / name
        if not (path.is_dir() if folder else path.is_file()):
            what = "folder" if folder else "file"
            raise table.error(
                key, f'there is no {what} "{name}" beside {table.document.path.name}', f"looked for {path}"
            )
        found.append(path)
    return tuple(found)


def _evidence_rule(table: Table) -> EvidenceRule:
    table.only("match", "vantage", "log_format", "format", "server", "timezone", "clock_offset")
    match = table.required("match", example='"origin/*"')
    if match.startswith("/"):
        raise table.error(
            "match", f'"{match}" starts with "/"', f'evidence is named below the ingested folder: "{match.lstrip("/")}"'
        )
    _check_glob(table, ("match",), match)
    format_name = table.text("format", example='"combined"')
    log_format = table.text("log_format", example="""'$remote_addr - $remote_user [$time_local] "$request" …'""")
    if format_name is not None and log_format is not None:
        raise table.error("log_format", "stands beside format", "keep one of them: each says how the lines read")
    return EvidenceRule(
        match=match,
        vantage=table.text("vantage", example='"edge"'),
        format=format_name,
        log_format=log_format,
        server=table.choice("server", SERVERS),
        timezone=_timezone(table),
        clock_offset_us=table.span("clock_offset", default=0, signed=True),
    )


def _datasets(top: Table) -> tuple[DatasetRule, ...]:
    rules: list[DatasetRule] = []
    for table in top.tables("dataset"):
        rule = _dataset(table)
        if any(rule.name == other.name for other in rules):
            raise table.error("name", f'a second data set is called "{rule.name}"', "give each its own name")
        rules.append(rule)
    return tuple(rules)


def _dataset(table: Table) -> DatasetRule:
    table.only("name", "title", "paths", "regex", "hosts", "query", "methods", "records", "fields", "sizes")
    name = table.required("name", example='"permits"')
    if not _DATASET_NAME.fullmatch(name):
        plain = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "permits"
        raise table.error(
            "name",
            f'"{name}" cannot be typed as an option: letters, digits, "-", "_" and "." only',
            f'write name = "{plain}", and title = "{name}" for people',
        )
    paths = table.texts("paths", example='["/data/permits_*.csv"]')
    for index, glob in enumerate(paths):
        _check_path_glob(table, ("paths", index), glob)
    regex = table.texts("regex", example="""['^/download/\\d+$']""")
    for index, pattern in enumerate(regex):
        _check_regex(table, ("regex", index), pattern)
    query = table.text("query", example="""'(^|&)format=csv(&|$)'""")
    if query is not None:
        _check_regex(table, ("query",), query)
    hosts = tuple(
        _host(table, index, host) for index, host in enumerate(table.texts("hosts", example='["data.example.org"]'))
    )
    if not (paths or regex or hosts or query):
        raise table.error("paths", f'data set "{name}" matches nothing', 'for example paths = ["/data/permits_*.csv"]')
    return DatasetRule(
        name=name,
        title=table.text("title"),
        paths=paths,
        regex=regex,
        hosts=hosts,
        query=query,
        methods=_methods(table),
        records=table.integer("records", example="192000"),
        fields=table.texts("fields", example='["name", "date of birth"]'),
        sizes=_sizes(table.table("sizes")),
    )


def _check_glob(table: Table, key: tuple[str | int, ...], glob: str) -> None:
    try:
        compile_glob(glob)
    except ValueError as error:
        raise table.error(key, f'"{glob}" is no glob', str(error)) from error


def _check_path_glob(table: Table, key: tuple[str | int, ...], glob: str) -> None:
    """Refuse globs that can match no normalised path: they would find nothing and say nothing."""
    if not glob.startswith(("/", "**")):
        right = "/" + re.sub(r"^\w+://[^/]*", "", glob).lstrip("./")
        raise table.error(key, f'"{glob}" starts with neither "/" nor "**"', f'write "{right}"')
    plain = re.sub("//+", "/", unquote(glob))
    if _ESCAPE.search(glob) or plain != glob:
        raise table.error(key, f'"{glob}" is matched against decoded paths, and would find nothing', f'write "{plain}"')
    if re.search(r"\?[^/]*=", glob):
        raise table.error(
            key, f'"{glob}" holds a query; a glob sees the path alone', "put the query's regex under query"
        )
    _check_glob(table, key, glob)


def _check_regex(table: Table, key: tuple[str | int, ...], pattern: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(pattern)
    except re.error as error:
        at = f" at position {error.pos}" if error.pos is not None else ""
        raise table.error(
            key,
            f"is no regular expression: {error.msg}{at}",
            f"it reads well up to {pattern[: error.pos]}"
            if error.pos
            else "a literal sign is written with a \\ before it",
        ) from error


def _host(table: Table, index: int, text: str) -> str:
    host = re.sub(r"^\w+://", "", text.strip().lower()).partition("/")[0]
    host = re.sub(r":\d+$", "", host)
    if "*" in host:
        raise table.error(("hosts", index), f'"{text}" has a wildcard', "write each host out, or leave hosts away")
    if host != text.lower():
        raise table.error(("hosts", index), f'"{text}" is more than a host name', f'write "{host}"')
    return host


def _methods(table: Table) -> tuple[str, ...]:
    methods = table.texts("methods", example='["GET"]') if table.has("methods") else ("GET",)
    for index, method in enumerate(methods):
        if not _METHOD.fullmatch(method):
            raise table.error(("methods", index), f'"{method}" is no method', f'write "{method.upper()}"')
    if not methods:
        raise table.error("methods", "is empty, so that nothing could count", 'for example methods = ["GET", "POST"]')
    return methods


def _sizes(table: Table) -> dict[str, int]:
    sizes = {}
    for path in table.values:
        plain = re.sub("//+", "/", unquote("/" + path.lstrip("/")))
        if path != plain:
            raise table.error(path, "is not a path as the server resolves it", f'write "{plain}"')
        size = table.integer(path, example="48211907")
        if size is not None:
            sizes[path] = size
    return sizes


def _policy(table: Table) -> Policy:
    table.only("session_gap", "repeat_within", "min_bytes", "max_interruption", "match_within")
    usual = Policy()
    min_bytes = table.integer("min_bytes", example="3")
    return Policy(
        session_gap_us=table.span("session_gap", default=usual.session_gap_us),
        repeat_within_us=table.span("repeat_within", default=usual.repeat_within_us),
        min_bytes=usual.min_bytes if min_bytes is None else min_bytes,
        max_interruption_us=table.span("max_interruption", default=usual.max_interruption_us),
        match_within_us=table.span("match_within", default=usual.match_within_us),
    )


def _event(table: Table, timezone: str, datasets: Sequence[DatasetRule]) -> DeclaredEvent:
    table.only("time", "label", "source", "kind", "dataset")
    return DeclaredEvent(
        time_us=_moment(table, "time", timezone),
        label=table.required("label", example='"Site taken offline"'),
        source=table.text("source"),
        kind=table.choice("kind", EVENT_KINDS),
        dataset=_dataset_named(table, [rule.name for rule in datasets]),
    )


def _dataset_named(table: Table, names: Sequence[str]) -> str | None:
    name = table.text("dataset")
    if name is not None and name not in names:
        advice = suggest(name, names) if names else "leave it out, or describe the data set in a [[dataset]] table"
        raise table.error("dataset", f'no data set is called "{name}"', advice)
    return name


def _moment(table: Table, key: str, timezone: str) -> int:
    value = table.values.get(key)
    example = "for example time = 2022-06-27T21:30:00-07:00"
    if value is None:
        raise table.error(key, "is missing", example)
    if isinstance(value, str):
        from dateutil.parser import isoparse  # noqa: PLC0415 - seldom needed, slow to import

        try:
            value = isoparse(value.strip())
        except (ValueError, OverflowError) as error:
            raise table.error(key, f'"{value}" is no ISO 8601 time', example) from error
    if isinstance(value, datetime) and value.tzinfo is not None:
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, date):
        naive = value if isinstance(value, datetime) else datetime.combine(value, time())
        aware = naive.replace(tzinfo=ZoneInfo(timezone))
        raise table.error(
            key,
            f"{naive.isoformat(sep=' ')} does not say in which zone",
            f"write {aware.isoformat()} if that was the time in {timezone}",
        )
    raise table.error(key, "is no date and time", example)
