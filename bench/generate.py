"""Seeded logs of the make-up that docs/performance.md describes: the same bytes for the same seed and size.

Addresses come from ranges that lead nowhere (RFC 2544, RFC 6598, RFC 3849). A file is made once and kept in $BENCH_DATA
(build/bench).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from isal import igzip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CHUNK = 250_000
IPS, PATHS, AGENTS, REFERERS = 400_000, 20_000, 2_600, 5_000
WITH_QUERY = 0.31  # of the lines, nearly each its own: 1.48 M distinct ones in 5 M lines
SPOILED = 0.01
START_US = 1_714_521_600_000_000  # 2024-05-01T00:00:00Z
SPAN_US = 14 * 86_400_000_000


@dataclass(frozen=True)
class Made:
    """A file or folder that was made, and what is in it."""

    path: Path
    lines: int
    bytes: int


def folder() -> Path:
    """Return where bench data lives."""
    path = Path(os.environ.get("BENCH_DATA", "build/bench"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def combined(lines: int, seed: int = 1) -> Made:
    """Make an Apache combined log, 1 % of it spoiled."""
    path = folder() / f"combined-{lines}-{seed}.log"
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            for rng, count, done in _chunks(lines, seed):
                frame = _requests(rng, count, done, lines)
                rows = frame.select(
                    pl.format(
                        '{} - - [{}] "{} {} {}" {} {} "{}" "{}"',
                        "ip", pl.from_epoch("ts", "us").dt.strftime("%d/%b/%Y:%H:%M:%S +0000"), "method", "url",
                        "protocol", "status", "size", "referer", "agent",
                    )
                ).to_series().to_list()  # fmt: skip
                _spoil(rng, rows)
                out.write("\n".join(rows).encode("utf-8", "surrogateescape") + b"\n")
        part.rename(path)
    return Made(path, lines, path.stat().st_size)


def cloudfront(files: int, lines_each: int, seed: int = 2) -> Made:
    """Make a folder of small gzipped CloudFront standard logs."""
    home = folder() / f"cloudfront-{files}-{lines_each}-{seed}"
    columns = (
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
        "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header "
        "cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type "
        "cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
        "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
    )
    head = f"#Version: 1.0\n#Fields: {columns}\n".encode()
    if not home.exists():
        part = home.with_name(home.name + ".part")
        part.mkdir(parents=True, exist_ok=True)
        at = 0
        for rng, count, done in _chunks(files * lines_each, seed, CHUNK // lines_each * lines_each):
            frame = _requests(rng, count, done, files * lines_each)
            ids = rng.integers(0, 2**63, count)
            hit = np.where(rng.random(count) < 0.8, "Hit", "Miss")
            when = pl.from_epoch("ts", "us")
            rows = frame.with_columns(
                hit=pl.Series(hit), id=pl.Series([f"{i:016x}" for i in ids.tolist()]),
                taken=pl.Series(np.round(rng.exponential(0.08, count), 3)).cast(pl.String),
                port=pl.Series(rng.integers(1024, 65535, count)).cast(pl.String),
            ).select(
                pl.concat_str(
                    when.dt.strftime("%Y-%m-%d"), when.dt.strftime("%H:%M:%S"), pl.lit("FRA56-P4"), "sent", "ip",
                    "method", pl.lit("d111111abcdef8.cloudfront.net"), "path", "status",
                    pl.col("referer"), pl.col("agent").str.replace_all(" ", "%20", literal=True),
                    pl.col("query").fill_null("-"), pl.lit("-"), "hit", pl.col("id") + "EXAMPLE==",
                    pl.lit("www.example.org"), pl.lit("https"), pl.lit("411"), "taken", pl.lit("-"), pl.lit("TLSv1.3"),
                    pl.lit("TLS_AES_128_GCM_SHA256"), "hit", "protocol", pl.lit("-"), pl.lit("-"), "port", "taken",
                    "hit", pl.lit("text/html"), "sent", pl.lit("-"), pl.lit("-"), separator="\t",
                )
            ).to_series().to_list()  # fmt: skip
            for first in range(0, count, lines_each):
                stamp = frame["ts"][first] // 1_000_000
                name = np.datetime64(int(stamp), "s").astype(str)[:13].replace("T", "-")
                data = head + "\n".join(rows[first : first + lines_each]).encode() + b"\n"
                (part / f"E2EXAMPLE.{name}.{at:08x}.gz").write_bytes(igzip.compress(data, 1))
                at += 1
        part.rename(home)
    return Made(home, files * (lines_each + 2), sum(file.stat().st_size for file in home.iterdir()))


def iis(lines: int, seed: int = 3) -> Made:
    """Make an IIS log in W3C format."""
    path = folder() / f"iis-{lines}-{seed}.log"
    fields = (
        "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
        "sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken"
    )
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            out.write(f"#Software: Microsoft Internet Information Services 10.0\r\n#Fields: {fields}\r\n".encode())
            for rng, count, done in _chunks(lines, seed):
                frame = _requests(rng, count, done, lines)
                when = pl.from_epoch("ts", "us")
                taken = pl.Series(rng.integers(0, 4000, count)).cast(pl.String)
                rows = frame.with_columns(taken=taken).select(
                    pl.concat_str(
                        when.dt.strftime("%Y-%m-%d %H:%M:%S"), pl.lit("10.0.0.5"), "method", "path",
                        pl.col("query").fill_null("-"), pl.lit("443"), pl.lit("-"), "ip",
                        pl.col("agent").str.replace_all(" ", "+", literal=True), "referer", "status", pl.lit("0"),
                        pl.lit("0"), "sent", pl.lit("411"), "taken", separator=" ",
                    )
                ).to_series().to_list()  # fmt: skip
                out.write("\r\n".join(rows).encode() + b"\r\n")
        part.rename(path)
    return Made(path, lines + 2, path.stat().st_size)


def jsonlines(lines: int, seed: int = 4) -> Made:
    """Make Cloudflare Logpush records, one JSON object a line."""
    path = folder() / f"cloudflare-{lines}-{seed}.json"
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            for rng, count, done in _chunks(lines, seed):
                frame = _requests(rng, count, done, lines)
                when = pl.from_epoch("ts", "us")
                ray = pl.Series([f"{i:016x}" for i in rng.integers(0, 2**63, count).tolist()])
                out.write(
                    frame.select(
                        ClientIP="ip", ClientRequestHost=pl.lit("www.example.org"), ClientRequestMethod="method",
                        ClientRequestURI="url", ClientRequestProtocol="protocol", ClientRequestReferer="referer",
                        ClientRequestUserAgent="agent", EdgeStartTimestamp=when.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        EdgeEndTimestamp=when.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        EdgeResponseStatus=pl.col("status").cast(pl.Int32),
                        EdgeResponseBytes=pl.col("sent").cast(pl.Int64), RayID=ray,
                    ).write_ndjson().encode()
                )  # fmt: skip
        part.rename(path)
    return Made(path, lines, path.stat().st_size)


def gzipped(made: Made) -> Made:
    """Compress a file, as logrotate would."""
    path = made.path.with_name(made.path.name + ".gz")
    if not path.exists():
        part = path.with_name(path.name + ".part")
        with made.path.open("rb") as source, igzip.open(part, "wb", 1) as out:
            while data := source.read(16 << 20):
                out.write(data)
        part.rename(path)
    return Made(path, made.lines, path.stat().st_size)


def _chunks(total: int, seed: int, size: int = CHUNK) -> Iterator[tuple[np.random.Generator, int, int]]:
    for done in range(0, total, size):
        yield np.random.default_rng((seed, done)), min(size, total - done), done


def _requests(rng: np.random.Generator, count: int, done: int, total: int) -> pl.DataFrame:
    """Draw requests, in time order over the whole of the log; some things are asked for far more than others."""
    share = SPAN_US / total
    ts = START_US + (np.arange(done, done + count) * share + rng.random(count) * share).astype(np.int64)
    query = pl.Series([f"id={i:x}&page={i % 7}" for i in rng.integers(0, 12_000_000, count).tolist()]).set(
        pl.Series(rng.random(count) >= WITH_QUERY), None
    )
    path = _drawn(_paths(), rng, count, 3.0)
    status = rng.choice(np.array([200, 206, 301, 304, 404, 403, 500, 503]), count, p=_STATUS)
    size = (np.exp(rng.normal(9.2, 2.0, count)) + 1).astype(np.int64)
    return pl.DataFrame(
        {
            "ts": ts,
            "ip": _drawn(_addresses(), rng, count, 1.4),
            "method": rng.choice(np.array(["GET", "POST", "HEAD"]), count, p=[0.92, 0.06, 0.02]),
            "path": path,
            "query": query,
            "protocol": rng.choice(np.array(["HTTP/1.1", "HTTP/2.0", "HTTP/1.0"]), count, p=[0.6, 0.39, 0.01]),
            "status": status.astype(str),
            "sent": size.astype(str),
            "size": np.where(status == 304, "-", size.astype(str)),
            "referer": _drawn(_referers(), rng, count, 2.0),
            "agent": _drawn(_agents(), rng, count, 3.0),
        }
    ).with_columns(url=pl.when(pl.col("query").is_null()).then("path").otherwise(pl.format("{}?{}", "path", "query")))


_STATUS = [0.80, 0.04, 0.02, 0.07, 0.05, 0.01, 0.007, 0.003]


def _drawn(pool: pl.Series, rng: np.random.Generator, count: int, skew: float) -> pl.Series:
    places: NDArray[np.int64] = (len(pool) * rng.random(count) ** skew).astype(np.int64)
    return pool.gather(places)


def _addresses() -> pl.Series:
    last = IPS // 10
    four = [f"100.{64 + (i >> 16) % 64}.{i >> 8 & 255}.{i & 255}" for i in range(0, (IPS - last) * 10, 10)]
    six = [f"2001:db8:{i >> 8:x}:{i & 255:x}::{i % 9 + 1:x}" for i in range(last)]
    return pl.Series([*four, *six]).shuffle(seed=7)


def _paths() -> pl.Series:
    kinds = (
        "assets/js/chunk-{:05x}.min.js",
        "images/2024/05/photo_{:05d}.jpg",
        "articles/{:05d}/reading-room",
        "data/set_{:05d}.csv",
    )
    return pl.Series(["/" + kinds[i % 4].format(i) for i in range(PATHS)])


def _referers() -> pl.Series:
    pages = [f"https://www.example.org/articles/{i:05d}/reading-room" for i in range(REFERERS)]
    return pl.Series([page if i % 3 else "-" for i, page in enumerate(pages)])


def _agents() -> pl.Series:
    systems = (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "Linux; Android 14; SM-S918B",
    )
    return pl.Series(
        [
            f"Mozilla/5.0 ({systems[i % 4]}) AppleWebKit/537.36 (KHTML, like Gecko)"
            f" Chrome/{90 + i % 40}.0.{i}.{i % 200}"
            for i in range(AGENTS)
        ]
    )


def _spoil(rng: np.random.Generator, rows: list[str]) -> None:
    """Spoil 1 % of the lines in the ways that real logs are spoiled."""
    for at in np.flatnonzero(rng.random(len(rows)) < SPOILED).tolist():
        row, kind = rows[at], int(rng.integers(0, 20))
        if kind < 6:
            rows[at] = row[: int(rng.integers(1, len(row) - 1))]  # two processes wrote at once, or the disk was full
        elif kind < 9:
            rows[at] = row[row.index("]") + 2 :]
        elif kind < 11:
            rows[at] = "\0" * 200
        elif kind < 13:
            rows[at] = row.replace(" ", "", 4)
        elif kind < 16:
            rows[at] = row.replace('" "', '" "x" y ', 1)
        elif kind < 17:
            rows[at] = ""
        elif kind < 18:
            rows[at] = row[:-1] + ' \\"quoted\\""'
        elif kind < 19:
            rows[at] = row[:-1] + ' \udcff\udcfe"'
        else:
            begin, end = row.index('"'), row.index('" ')
            rows[at] = row[:begin] + '"\\x16\\x03\\x01' + row[end:]


if __name__ == "__main__":
    makers = {"combined": combined, "cloudfront": cloudfront, "iis": iis, "jsonlines": jsonlines}
    maker, *numbers = sys.argv[1:]
    sizes = [int(number) for number in numbers]
    made = gzipped(combined(*sizes)) if maker == "gzipped" else makers[maker](*sizes)
    print(json.dumps({"path": str(made.path), "lines": made.lines, "bytes": made.bytes}))
