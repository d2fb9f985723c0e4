"""One whole process, measured from outside: wall time, processor time, peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What one run took, and what it said on standard output."""

    wall: float
    cpu: float
    peak_mib: float
    said: str


class FailedError(Exception):
    """A program under measurement ended with an error."""


def run(argv: Sequence[str], cwd: Path) -> Run:
    """Run a program to its end."""
    out_path, err_path = cwd / "stdout", cwd / "stderr"
    with out_path.open("wb") as out, err_path.open("wb") as err:
        began = time.perf_counter()
        process = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise FailedError(f"{argv[0]}: exit {process.returncode}: {err_path.read_text(errors='replace')[-400:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out_path.read_text(errors="replace"))


@dataclass(frozen=True)
class Pair:
    """Ours against another's, run in turn so that a noisy minute falls on both."""

    ours: tuple[Run, ...]
    theirs: tuple[Run, ...]

    def ratio(self, of: Callable[[Run], float]) -> float:
        """Return the median of theirs ÷ ours, pair by pair: above 1 we are better."""
        return median(of(b) / of(a) for a, b in zip(self.ours, self.theirs, strict=True))


def in_turn(ours: Callable[[], Run], theirs: Callable[[], Run], times: int) -> Pair:
    """Run A B A B …"""
    pairs = [(ours(), theirs()) for _ in range(times)]
    return Pair(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def middle(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    """Return the median of one figure."""
    return median(of(one) for one in runs)
