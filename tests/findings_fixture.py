"""Findings as the model would hand them over, made up and always the same, to try the pictures and the report on.

`case()` is the worked one; the others are small or odd. Addresses are from the documentation ranges.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from itertools import accumulate

from incident.records import (
    BUCKETS,
    Bin,
    CaseFinding,
    ClientFinding,
    DatasetFinding,
    DeclaredEvent,
    EvidenceItem,
    ObjectFinding,
    Outage,
    Policy,
    WindowFinding,
)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
ZONE = "America/Los_Angeles"
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"' onmouseover='alert(3)'"
    "<svg/onload=alert(4)></style></script><!-- --></title>{{ 7*7 }}{% raw %}${x}%{y}"
    "}*{display:none}\x1b[31m\x00\u202egnp.exe\u2066\u200b\u2028\ud800]]>&amp;<a href='javascript:alert(5)'>b</a>"
)


def at(text: str) -> int:
    """Return the microseconds of an ISO time with an offset."""
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


OPENED = at("2022-06-27T12:04:51-07:00")
FIRST = at("2022-06-27T12:31:07-07:00")
DOWN = at("2022-06-27T18:12:40-07:00")
BACK = at("2022-06-27T21:30:12-07:00")
LAST = at("2022-06-28T11:48:22-07:00")
CLOSED = at("2022-06-28T11:58:03-07:00")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def address(i: int) -> str:
    nets = ("192.0.2", "198.51.100", "203.0.113")
    return f"{nets[i % 3]}.{i // 3 + 1}" if i < 700 else f"2001:db8:{i:x}::1"


def times(count: int, seed: int, first: int, last: int, outages: tuple[Outage, ...]) -> list[int]:
    """Return sorted download times: sparse by day, steep after the word spreads, none in an outage."""
    dice = random.Random(seed)
    found = {first, last} if count > 1 else {first}
    while len(found) < count:
        share = dice.betavariate(2.2, 2.6) if dice.random() < 0.75 else dice.random()
        us = (first + int(share * (last - first))) // SECOND * SECOND
        if not any(o.start_us <= us < o.end_us for o in outages):
            found.add(us)
    return sorted(found)


def bins_of(marks: list[tuple[int, str, str]], width: int, start: int, end: int) -> tuple[Bin, ...]:
    """Return every bin between two times, empty ones too."""
    first, last = start // width, end // width
    groups: dict[int, list[tuple[str, str]]] = {i: [] for i in range(first, last + 1)}
    for us, client, kind in marks:
        groups[us // width].append((client, kind))
    seen: set[str] = set()
    total = 0
    found = []
    for i, group in groups.items():
        kinds = Counter(kind for _, kind in group)
        seen |= {client for client, _ in group}
        total += len(group)
        found.append(
            Bin(
                start_us=i * width,
                end_us=(i + 1) * width,
                full=kinds["full"],
                partial=kinds["partial"],
                undetermined=kinds["undetermined"],
                cumulative_downloads=total,
                cumulative_ips=len(seen),
            )
        )
    return tuple(found)


def dataset(
    name: str,
    title: str,
    *,
    records: int | None,
    columns: tuple[str, ...],
    downloads: int,
    ips: int,
    seed: int,
    first: int = FIRST,
    last: int = LAST,
    opened: int | None = OPENED,
    closed: int | None = CLOSED,
    outages: tuple[Outage, ...] = (Outage(DOWN, BACK),),
    interruptions: tuple[Outage, ...] = (),
    width: int = 10 * MINUTE,
    kinds: tuple[str, ...] = ("full", "full", "full", "partial", "partial", "undetermined"),
    caveats: tuple[str, ...] = (),
) -> DatasetFinding:
    dice = random.Random(seed)
    stamps = times(downloads, seed, first, last, outages)
    who = [address(i) for i in range(ips)] + [address(int(ips * dice.random() ** 3)) for _ in range(downloads - ips)]
    dice.shuffle(who)
    path = f"/data/{name}_2012_2021.csv"
    marks = [(us, client, dice.choice(kinds)) for us, client in zip(stamps, who, strict=True)]
    total = Counter(kind for _, _, kind in marks)
    per_client: dict[str, list[tuple[int, str, str]]] = {}
    for mark in marks:
        per_client.setdefault(mark[1], []).append(mark)
    clients = []
    for client, own in per_client.items():
        mine = Counter(kind for _, _, kind in own)
        clients.append(
            ClientFinding(
                client_ip=client,
                label="Example Cloud (AS64500)" if client.endswith("7") else None,
                requests=len(own) * 2,
                downloads=len(own),
                full=mine["full"],
                partial=mine["partial"],
                undetermined=mine["undetermined"],
                holds_full_copy=mine["full"] > 0,
                objects=1,
                agents=1 + (len(own) > 3),
                automated=client.endswith(("13", "77")),
                bytes_sent=48_211_907 * mine["full"] + 1_200_341 * mine["partial"],
                first_us=own[0][0],
                last_us=own[-1][0],
            )
        )
    clients.sort(key=lambda c: (-c.downloads, c.client_ip))
    closing = last + 4 * MINUTE
    window = WindowFinding(
        object=None,
        opened_after_us=opened,
        first_seen_us=first,
        last_seen_us=closing,
        closed_by_us=closed,
        confirmed_us=closing - first - sum(o.end_us - o.start_us for o in outages),
        unavailable_us=sum(o.end_us - o.start_us for o in outages),
        longest_us=None if opened is None or closed is None else closed - opened,
        interruptions=len(interruptions),
        outages=outages,
        interrupted=interruptions,
    )
    automated = [c for c in clients if c.automated]
    buckets = dict.fromkeys(BUCKETS, 0)
    buckets |= {"counted": downloads + 611, "method": 218, "not_modified": 61, "denied": 903, "error": 144}
    buckets |= {"duplicate": 37, "other_vantage": downloads // 9, "internal": 12, "aborted": 19, "probe": 8}
    lead = f"{downloads:,} {'time' if downloads == 1 else 'times'}"
    return DatasetFinding(
        dataset=name,
        title=title,
        records=records,
        fields=columns,
        requests=sum(buckets.values()),
        buckets=buckets,
        downloads=downloads,
        downloads_full=total["full"],
        downloads_partial=total["partial"],
        downloads_undetermined=total["undetermined"],
        downloads_automated=sum(c.downloads for c in automated),
        unique_ips=ips,
        unique_ips_automated=len(automated),
        clients_full_copy=sum(c.holds_full_copy for c in clients),
        origin_unmatched=downloads // 300,
        first_download_us=stamps[0],
        last_download_us=stamps[-1],
        windows=(window,),
        object_windows=(replace(window, object=path),),
        objects=(
            ObjectFinding(
                object=path,
                requests=sum(buckets.values()),
                downloads=downloads,
                full=total["full"],
                partial=total["partial"],
                undetermined=total["undetermined"],
                unique_ips=ips,
                clients_full_copy=sum(c.holds_full_copy for c in clients),
                sizes=(48_211_907, 11_904_220),
                size_basis="inferred",
                first_download_us=stamps[0],
                last_download_us=stamps[-1],
            ),
        ),
        clients=tuple(clients),
        bin_us=width,
        bins=bins_of(marks, width, first, closing),
        sentence=(
            f"Between 27 June 2022, 12:31:07 p.m. and 28 June 2022, 11:48:22 a.m. PDT, the logs record at least "
            f"{lead} that {title} was downloaded, in full or in part, from {ips:,} unique IP addresses."
        ),
        caveats=caveats,
    )


EVENTS = (
    DeclaredEvent(
        time_us=at("2022-06-27T12:10:00-07:00"),
        label="Dashboard published",
        source="Change record 118",
        kind="published",
    ),
    DeclaredEvent(
        time_us=at("2022-06-27T17:55:00-07:00"),
        label="First public message about the files",
        source="Interview 2",
        kind="alerted",
    ),
    DeclaredEvent(
        time_us=at("2022-06-27T18:15:00-07:00"),
        label="Site reported as not responding",
        source="Ticket 4410",
        kind="outage",
    ),
    DeclaredEvent(
        time_us=at("2022-06-27T21:30:00-07:00"),
        label="Site brought back online",
        source="Interview 4",
        kind="restored",
    ),
    DeclaredEvent(
        time_us=at("2022-06-28T09:40:00-07:00"),
        label="Management told that personal data can be downloaded",
        source="Interview 1",
        kind="alerted",
    ),
    DeclaredEvent(
        time_us=at("2022-06-28T11:50:00-07:00"),
        label="Dashboard taken down",
        source="Change record 121",
        kind="taken_down",
    ),
    DeclaredEvent(
        time_us=at("2022-11-30T10:00:00-08:00"),
        label="Report of findings released",
        source="Press notice",
        kind="note",
    ),
)


def evidence() -> tuple[EvidenceItem, ...]:
    found = []
    for i in range(14):
        origin = i >= 10
        name = f"origin/access.log.{i - 9}.gz" if origin else f"edge/E2EXAMPLE.2022-06-{27 + i // 6}-{i:02d}.gz"
        lines = 120_000 + 7_919 * i
        rejected, skipped = (3, 0) if origin else (0, 2)
        repeat, torn = i == 4, i == 12
        start = OPENED + i * HOUR
        found.append(
            EvidenceItem(
                evidence_id=i + 1,
                path=name,
                root="logs",
                sha256=digest(name),
                content_sha256=digest(name + "content"),
                bytes=9_100_000 + 13_337 * i,
                content_bytes=88_400_000 + 1_000_003 * i,
                compression="gzip",
                format="nginx-combined" if origin else "cloudfront",
                detected_by="1,000 of the first 1,000 lines fit",
                vantage="origin" if origin else "edge",
                server=None,
                server_because=None,
                status="repeat" if repeat else "truncated" if torn else "ingested",
                problem="The content is that of item 4." if repeat else "The gzip stream ends early." if torn else None,
                repeat_of=4 if repeat else None,
                lines=lines,
                events=0 if repeat else lines - rejected - skipped,
                rejected=0 if repeat else rejected,
                skipped=0 if repeat else skipped,
                first_ts_us=start,
                last_ts_us=start + HOUR,
                settings="{}",
            )
        )
    return tuple(found)


def case() -> CaseFinding:
    """Return the worked case: six data sets, an outage of hours, interruptions, declared events."""
    permit = ("name", "date of birth", "address", "licence number")
    thin = ("licence number", "date")
    return CaseFinding(
        case="2022 Firearms Dashboard",
        matter="Example matter 22-0145",
        prepared_by="A. Analyst",
        privilege="Privileged & Confidential: prepared at the direction of counsel",
        timezone=ZONE,
        version="1.0.0",
        config_sha256=digest("definition"),
        manifest_sha256=digest("manifest"),
        policy=Policy(),
        evidence=evidence(),
        limits=(
            ("Amazon CloudFront standard log", "Delivered on a best-effort basis, at times a day late."),
            ("nginx combined log", "The logged time is when the response ended."),
        ),
        datasets=(
            dataset(
                "ccw",
                "Concealed-carry permit applications",
                records=192_000,
                columns=permit,
                downloads=2734,
                ips=507,
                seed=1,
                interruptions=(
                    Outage(at("2022-06-27T15:20:02-07:00"), at("2022-06-27T15:21:40-07:00")),
                    Outage(at("2022-06-28T02:11:00-07:00"), at("2022-06-28T02:14:10-07:00")),
                ),
                caveats=("The edge log for 9 downloads is missing; they were counted at the origin.",),
            ),
            dataset("fsc", "Firearm safety certificates", records=2_891_750, columns=thin, downloads=611, ips=148,
                    seed=2),
            dataset("dros", "Dealer records of sale", records=8_678_000, columns=thin, downloads=402, ips=97, seed=3,
                    opened=None, first=FIRST + 40 * MINUTE),
            dataset("awr", "Assault weapon registry", records=None, columns=thin, downloads=175, ips=61, seed=4,
                    closed=None, kinds=("undetermined",)),
            dataset("gvro", "Restraining orders", records=0, columns=(), downloads=23, ips=14, seed=5,
                    first=BACK + HOUR, last=BACK + 9 * HOUR, outages=(), opened=BACK, width=5 * MINUTE),
            dataset("roster", "Handgun roster", records=None, columns=(), downloads=1, ips=1, seed=6,
                    kinds=("partial",), first=FIRST + 3 * HOUR, last=FIRST + 3 * HOUR, outages=(), opened=None,
                    closed=None),
        ),
        events=EVENTS,
        since_us=None,
        until_us=None,
    )  # fmt: skip


def empty_dataset() -> DatasetFinding:
    """Return a data set of which the logs record nothing."""
    one = dataset("none", "Never asked for", records=10, columns=("name",), downloads=1, ips=1, seed=9)
    return replace(
        one,
        requests=0,
        buckets=dict.fromkeys(BUCKETS, 0),
        downloads=0,
        downloads_full=0,
        downloads_partial=0,
        downloads_undetermined=0,
        downloads_automated=0,
        unique_ips=0,
        unique_ips_automated=0,
        clients_full_copy=0,
        origin_unmatched=0,
        first_download_us=None,
        last_download_us=None,
        windows=(),
        object_windows=(),
        objects=(),
        clients=(),
        bins=(),
        sentence="The logs record no download of Never asked for.",
    )


def bare_case() -> CaseFinding:
    """Return a case in which nothing was found and nothing is known."""
    return replace(
        case(),
        matter=None,
        prepared_by=None,
        privilege=None,
        config_sha256=None,
        timezone="UTC",
        evidence=(),
        limits=(),
        datasets=(empty_dataset(),),
        events=(),
    )


def one_download() -> CaseFinding:
    """Return a case with a single download and windows whose bounds the log does not name."""
    return replace(case(), datasets=case().datasets[5:], events=())


def clock_change() -> CaseFinding:
    """Return a case that runs across the night in which the clocks go back."""
    first, last = at("2022-11-05T22:10:00-07:00"), at("2022-11-06T06:40:00-08:00")
    night = dataset(
        "night", "Night file", records=5, columns=("name",), downloads=60, ips=20, seed=8, first=first, last=last,
        opened=first - HOUR, closed=last + HOUR, outages=(),
    )  # fmt: skip
    return replace(case(), datasets=(night,), events=())


def hostile_case() -> CaseFinding:
    """Return the worked case with hostile text in every free string."""
    kept = {"timezone", "status", "compression", "size_basis", "completeness"}

    def poison(value: object, name: str = "") -> object:
        if is_dataclass(value) and not isinstance(value, type):
            changed = {f.name: poison(getattr(value, f.name), f.name) for f in fields(value)}
            return type(value)(**changed)
        if isinstance(value, tuple):
            return tuple(poison(part, name) for part in (value if name == "bins" else value[:40]))
        if isinstance(value, str) and name not in kept:
            return f"{value}{HOSTILE}"
        return value

    made = poison(case())
    assert isinstance(made, CaseFinding)
    return made


def cumulative(bins: tuple[Bin, ...]) -> list[int]:
    """Return the running total of a data set's bins, worked out anew."""
    return list(accumulate(b.full + b.partial + b.undetermined for b in bins))
