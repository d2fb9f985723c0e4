"""Missing members of rotations and of series by date, from names alone."""

from __future__ import annotations

import hashlib

import pytest

from incident import rotations


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def missing(paths: list[str]) -> list[str]:
    return [lacking.name for one in rotations.series(paths) for lacking in one.missing]


HOURS = range(24)
CLOUDFRONT = [f"E2EXAMPLE1AB.2024-05-01-{h:02d}.{digest(h, i)[:8]}.gz" for h in HOURS for i in range(2) if h != 3]
ALB = [
    f"AWSLogs/123456789012/elasticloadbalancing/us-east-1/2024/05/01/123456789012_elasticloadbalancing_us-east-1_"
    f"app.lb.50dc6c495c0c9188_20240501T{h:02d}{m:02d}Z_192.0.2.{n}_{digest(h, m, n)[:8]}.log.gz"
    for h in range(3)
    for m in range(0, 60, 5)
    for n in (1, 2)
    if (h, m) != (1, 15)
]
S3 = [
    f"logs/2024-05-01-{i * 7 % 24:02d}-{i * 13 % 60:02d}-{i * 29 % 60:02d}-{digest(i)[:16].upper()}"
    for i in range(200)
    if i * 7 % 24 != 5
]
AZURE = [
    f"resourceId=/A/y=2024/m=05/d={d:02d}/h={h:02d}/m=00/PT1H.json" for d in (1, 2) for h in HOURS if (d, h) != (2, 3)
]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["access.log", "access.log.1", "access.log.3.gz"], ["access.log.2"]),
        (["access.log.1", "access.log.2.gz", "access.log.5.bz2"], ["access.log.4", "access.log.3"]),
        (["access_log.0", "access_log.1", "access_log.3"], ["access_log.2"]),
        ([f"u_ex2405{d:02d}.log" for d in (1, 2, 3, 5, 6)], ["u_ex240504.log"]),
        ([f"u_ex24050{d}{h:02d}.log" for d, h in [(1, 22), (1, 23), (2, 1), (2, 2)]], ["u_ex24050200.log"]),
        ([f"u_ex240{m}.log" for m in (1, 2, 4)], ["u_ex2403.log"]),
        (CLOUDFRONT, ["E2EXAMPLE1AB.2024-05-01-03.*"]),
        (S3, ["logs/2024-05-01-05-00-00-*"]),
        (AZURE, ["resourceId=/A/y=2024/m=05/d=02/h=03/m=00/*.json"]),
        (["access.log", *(f"access.log-202405{d:02d}.gz" for d in (1, 2, 4))], ["access.log-20240503"]),
        ([f"access.2024-05-{d:02d}-00_00_00" for d in (1, 2, 3, 5)], ["access.2024-05-04-00_00_00"]),
        ([f"access_log.{1_714_521_600 + 86_400 * d}" for d in (0, 1, 2, 4)], ["access_log.1714780800"]),
        ([f"localhost_access_log.2024-0{m}.txt" for m in (1, 2, 4)], ["localhost_access_log.2024-03.txt"]),
        ([f"part-{n:05d}.log" for n in range(9) if n != 4], ["part-00004.log"]),
        ([f"2024/05/0{d}/access.log" for d in (1, 2, 4)], ["2024/05/03/access.log"]),
        ([f"20240501/20240501T0{h}0000Z_20240501T0{h}5959Z_{digest(h)[:8]}.log.gz" for h in (1, 2, 4)],
         ["*/20240501T030000Z_*_*.log"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)  # fmt: skip
def test_missing_members(paths: list[str], expected: list[str]) -> None:
    assert missing(paths) == expected


def test_nodes_of_a_load_balancer_are_one_series() -> None:
    (one,) = rotations.series(ALB)
    assert (one.counted_by, one.step, len(one.members)) == ("minute", 5, len(ALB))
    assert [lacking.name.split("_")[-3] for lacking in one.missing] == ["20240501T0115Z"]


@pytest.mark.parametrize(
    "paths",
    [
        [f"{digest(i)}.log" for i in range(50)],
        [f"{digest(i)[:8]}-2024-05-0{i + 1}.log" for i in range(0, 9, 2)],
        ["edge/a.log", "origin/a.log", "web1.log", "web2.log", "web4.log"],
        [f"host-192.0.2.{i}.log" for i in (1, 2, 5, 9)],
        ["site-80.log", "site-443.log", "site-8080.log", "site-8443.log"],
        [f"export-{n}.json" for n in (1, 40, 900, 7000)],
        ["access.log", "error.log", "access.log.1", "error.log.1"],
        ["access-20240501.log", "access-20240601.log"],
        ["report-2024-13-77.log", "report-2024-99-01.log", "report-2024-00-00.log"],
        [],
    ],
    ids=["hashes", "hash-before-date", "hosts", "addresses", "ports", "sparse", "whole", "two", "no-dates", "none"],
)
def test_nothing_is_missed_where_nothing_counts(paths: list[str]) -> None:
    assert missing(paths) == []


def test_irregular_times_are_no_series() -> None:
    times = (0, 7, 19, 61, 118, 290, 301, 777)
    assert missing([f"dump-202405{1 + t // 24:02d}T{t % 24:02d}0000.log" for t in times if t // 24 < 28]) == []


def test_order_of_names_changes_nothing() -> None:
    assert rotations.series(CLOUDFRONT + AZURE) == rotations.series([*reversed(AZURE), *reversed(CLOUDFRONT)])
