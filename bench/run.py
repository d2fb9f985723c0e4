"""`make bench`: an ingest as its user runs it, against other programs on the same file, in turn.

Figures of one machine in one noisy minute say little; ratios of neighbouring runs say more. Every answer is compared:
a program that is fast because it drops lines is not fast.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # `python bench/run.py` and `python -m bench.run` alike

from bench import measure, peers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure import Run

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "reports" / "bench"
INCIDENT = [sys.executable, "-c", "from incident.cli import main; main()"]


@dataclass(frozen=True)
class Made:
    """A file or folder of logs."""

    path: Path
    lines: int
    bytes: int


def made(*what: object) -> Made:
    """Have logs made, in a process of its own: a program's peak memory counts what the one that starts it holds."""
    argv = [sys.executable, "-m", "bench.generate", *map(str, what)]
    said = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    return Made(ROOT / said["path"], said["lines"], said["bytes"])


def main() -> None:
    """Measure what the options ask for, and write it down."""
    options = _options()
    rows: list[dict[str, object]] = []
    log = made("combined", options.lines)
    work = Path(tempfile.mkdtemp(prefix="run-", dir=log.path.parent))
    try:
        events = _expected(log, work)
        for peer in peers.available():
            if options.peer and not any(word.lower() in peer.name.lower() for word in options.peer):
                continue
            rows.append(_against(peer, log, events, work, options.pairs))
            print(_line(rows[-1]), flush=True)
        if not options.peer:
            for name, other in _others(options.lines):
                rows.append(_alone(name, other, work, options.pairs))
                print(_line(rows[-1]), flush=True)
    finally:
        shutil.rmtree(work)
    _write(rows, log, events)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=int(os.environ.get("BENCH_LINES", "5000000")))
    parser.add_argument("--pairs", type=int, default=int(os.environ.get("BENCH_PAIRS", "3")))
    parser.add_argument(
        "--peer", action="append", help="a word of the names of those to measure; else all, and our own"
    )
    return parser.parse_args()


def _ours(path: Path, work: Path) -> Run:
    for old in work.glob("case.duckdb*"):
        old.unlink()
    return measure.run([*INCIDENT, "ingest", "--json", "--case", "case.duckdb", str(path.resolve())], work)


def _totals(run: Run) -> dict[str, int]:
    items = json.loads(run.said)["evidence"]
    return {key: sum(item[key] for item in items) for key in ("lines", "events", "rejected", "skipped")}


def _expected(log: Made, work: Path) -> int:
    """Return how many events there are, and see to it that no line is missing; also warms the page cache."""
    totals = _totals(_ours(log.path, work))
    if totals["lines"] != log.lines or totals["lines"] != totals["events"] + totals["rejected"] + totals["skipped"]:
        raise SystemExit(f"the lines do not add up: {totals}, {log.lines} generated")
    return totals["events"]


def _against(peer: peers.Peer, log: Made, events: int, work: Path, pairs: int) -> dict[str, object]:
    path = log.path.resolve()

    def theirs() -> Run:
        for old in work.glob("peer.*"):
            old.unlink()
        return measure.run(peer.argv(path), work)

    pair = measure.in_turn(lambda: _ours(path, work), theirs, pairs)
    if {_totals(run)["events"] for run in pair.ours} != {events}:
        raise SystemExit("our own runs differ")
    found = peer.events(pair.theirs[-1], work)
    return {
        "name": peer.name,
        "lines": log.lines,
        "wall_ratio": round(pair.ratio(lambda run: run.wall), 2),
        "cpu_ratio": round(pair.ratio(lambda run: run.cpu), 2),
        "theirs_wall": round(measure.middle(pair.theirs, lambda run: run.wall), 2),
        "theirs_cpu": round(measure.middle(pair.theirs, lambda run: run.cpu), 2),
        "theirs_peak_mib": round(measure.middle(pair.theirs, lambda run: run.peak_mib)),
        "events_difference": None if found is None else found - events,
        **_figures(pair.ours, log),
    }


def _alone(name: str, log: Made, work: Path, times: int) -> dict[str, object]:
    runs = [_ours(log.path, work) for _ in range(times)]
    totals = _totals(runs[-1])
    if totals["lines"] != log.lines:
        raise SystemExit(f"{name}: {totals['lines']} of {log.lines} lines")
    return {"name": name, "lines": log.lines, "events": totals["events"], **_figures(runs, log)}


def _figures(runs: Sequence[Run], log: Made) -> dict[str, object]:
    wall = measure.middle(runs, lambda run: run.wall)
    return {
        "ours_wall": round(wall, 2),
        "ours_cpu": round(measure.middle(runs, lambda run: run.cpu), 2),
        "ours_peak_mib": round(measure.middle(runs, lambda run: run.peak_mib)),
        "ours_lines_per_second": round(log.lines / wall),
    }


def _others(lines: int) -> list[tuple[str, Made]]:
    return [
        ("the same, gzip", made("gzipped", lines)),
        ("CloudFront, gzip files of 400 lines", made("cloudfront", max(lines // 1000, 1), 400)),
        ("IIS", made("iis", max(lines // 5, 1))),
        ("Cloudflare, JSON lines", made("jsonlines", max(lines // 5, 1))),
    ]


def _line(row: dict[str, object]) -> str:
    ours = f"ours {row['ours_wall']} s, {row['ours_cpu']} CPU-s, {row['ours_peak_mib']} MiB"
    if "wall_ratio" not in row:
        return f"{row['name']:45} {ours}; {row['ours_lines_per_second']:,} lines/s"
    difference = row["events_difference"]
    found = "says no events" if difference is None else f"{difference:+,} events"
    theirs = f"theirs {row['theirs_wall']} s, {row['theirs_cpu']} CPU-s, {row['theirs_peak_mib']} MiB, {found}"
    return f"{row['name']:45} x{row['wall_ratio']} (CPU x{row['cpu_ratio']}); {ours}; {theirs}"


def _write(rows: list[dict[str, object]], log: Made, events: int) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    about = {
        "lines": log.lines,
        "bytes": log.bytes,
        "events": events,
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("duckdb", "polars")},
    }
    (REPORTS / "bench.json").write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n")
    said = (
        f"Combined log of {log.lines:,} lines, {log.bytes / 1e6:,.0f} MB; {events:,} events by our count."
        f" {about['processors']} processors ({about['machine']}), Python {about['python']}, DuckDB {about['duckdb']},"
        f" Polars {about['polars']}. Whole processes, run in turn; medians. A ratio is theirs"
        " ÷ ours: above 1 we are faster."
    )
    text = [
        "# Measured",
        "",
        said,
        "",
        "| against | time | CPU | ours: s, CPU-s, MiB | theirs: s, CPU-s, MiB | their events against ours |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        if "wall_ratio" in row:
            difference = row["events_difference"]
            text.append(
                f"| {row['name']} | x{row['wall_ratio']} | x{row['cpu_ratio']}"
                f" | {row['ours_wall']}, {row['ours_cpu']}, {row['ours_peak_mib']}"
                f" | {row['theirs_wall']}, {row['theirs_cpu']}, {row['theirs_peak_mib']}"
                f" | {'does not say' if difference is None else f'{difference:+,}'} |"
            )
    alone = [row for row in rows if "wall_ratio" not in row]
    if alone:
        text += ["", "| ours alone | lines | s | CPU-s | MiB | lines/s |", "| --- | --- | --- | --- | --- | --- |"]
        text += [
            f"| {row['name']} | {row['lines']:,} | {row['ours_wall']} | {row['ours_cpu']} | {row['ours_peak_mib']}"
            f" | {row['ours_lines_per_second']:,} |"
            for row in alone
        ]
    (REPORTS / "bench.md").write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
