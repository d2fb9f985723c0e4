"""Evidence items, opened read-only: what was received, byte for byte, as numbered lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_LINE = 1 << 20  # bytes; a longer line is a reject whose first MAX_LINE bytes are kept


@dataclass(frozen=True, slots=True)
class Block:
    """Whole physical lines, in file order. Every line in it is at most MAX_LINE bytes long.

    Line `i` is `data[starts[i]:ends[i]]`; its number is `first_line + i`, its place in the item `offset + starts[i]`.
    """

    data: bytes  # always ends with b"\n": one is appended to a last line without
    first_line: int  # number of the first line, from 1
    offset: int  # of data[0] in the decompressed item
    starts: NDArray[np.int64]  # start of each line in data
    ends: NDArray[np.int64]  # end of each line in data, without "\n" and without one "\r" before it
    terminated: bool = True  # False: the item ended without a line end and one was appended
    restarts: tuple[int, ...] = ()  # indexes of lines (never 0) that open another small item: carried state ends there
