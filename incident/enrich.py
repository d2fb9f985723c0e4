"""Whose an address is, by the MaxMind-format files that the user brings; nothing is looked up elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import maxminddb

from incident.errors import DefinitionError
from incident.network import parse_address
from incident.records_clients import GeoDatabase, NetworkFacts

# Where the makers of such files keep each fact: MaxMind's GeoLite2 and GeoIP2, DB-IP, IPinfo, ip-location-db.
_ASN = (("autonomous_system_number",), ("asn",), ("traits", "autonomous_system_number"))
_ORGANISATION = (
    ("autonomous_system_organization",),
    ("as_name",),
    ("organization",),
    ("traits", "autonomous_system_organization"),
)
_COUNTRY = (
    ("country", "iso_code"),
    ("country_code",),
    ("registered_country", "iso_code"),
    ("country",),
)


class Databases:
    """Several files, asked in their order: the first that knows a fact tells it."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Open the files.

        Raises:
            DefinitionError: if one is missing, or no file of that format.
        """
        self._readers: list[maxminddb.Reader] = []
        used = []
        for path in paths:
            try:
                reader = maxminddb.open_database(path, maxminddb.MODE_AUTO)
            except (OSError, maxminddb.InvalidDatabaseError) as error:
                self.close()
                raise DefinitionError(
                    f"{path.name} is no MaxMind-format database: {error}",
                    where="[network] geoip",
                    next_step="name files that end in .mmdb, as they were downloaded",
                ) from error
            self._readers.append(reader)
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            about = reader.metadata()
            used.append(GeoDatabase(path.name, about.database_type, about.build_epoch * 1_000_000, sha256))
        self.used: tuple[GeoDatabase, ...] = tuple(used)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers:
            reader.close()

    def facts(self, client: str) -> NetworkFacts:
        """What the files say of an address (of a network, its first); all unknown for what is no address."""
        address = parse_address(client.partition("/")[0])
        if address is None or not self._readers:
            return NetworkFacts()
        records = []
        for reader in self._readers:
            if address.version == 6 and reader.metadata().ip_version == 4:
                continue
            record = reader.get(address)
            if isinstance(record, Mapping):
                records.append(record)
        return NetworkFacts(
            asn=_number(_first(records, _ASN)),
            organisation=_text(_first(records, _ORGANISATION)),
            country=_text(_first(records, _COUNTRY)),
        )


def _first(records: Sequence[Mapping[str, Any]], places: Sequence[tuple[str, ...]]) -> object:
    for record in records:
        for place in places:
            value: object = record
            for key in place:
                value = value.get(key) if isinstance(value, Mapping) else None
            if isinstance(value, str | int) and value != "":
                return value
    return None


def _number(value: object) -> int | None:
    """An AS number, also written "AS64496"."""
    text = str(value).upper().removeprefix("AS") if value is not None else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _text(value: object) -> str | None:
    return str(value) if value is not None else None
