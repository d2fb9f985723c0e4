"""From stored bytes to content: compression recognised by its first bytes, undone within bounds, damage named.

A stream is an iterator of chunks of content. It ends with `DamagedError` where the rest cannot be had; what came before
stands.
"""

from __future__ import annotations

import bz2
import hashlib
import lzma
import os
import zipfile
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, cast

import zstandard
from isal import igzip_lib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 20  # stored bytes per read
PIECE = 1 << 18  # content bytes asked of a decompressor at once: what a damaged place can cost of the content before it
FREE_BYTES = 256 << 20  # below this much content no ratio is held against an item
MAX_RATIO = 500  # beyond it, content per stored byte; logs reach 100, a gzip bomb 1,032, others far more
MAX_MEMORY = 128 << 20  # for a decompressor's dictionary or window: what `xz -9` and `zstd -19` need fits
_ZSTD_STEP = 2048  # stored bytes at a time: zstandard does not bound its output, and 4 of them can stand for 128 KiB
_ZIP_STEP = 4096  # likewise for zip members packed with bzip2 or LZMA

_ISAL_ERROR = cast("type[Exception]", igzip_lib.IsalError)  # its stub calls the class a variable
_DAMAGE = (_ISAL_ERROR, zstandard.ZstdError, lzma.LZMAError, OSError, ValueError)
_MAGIC = (
    ("gzip", (b"\x1f\x8b",)),
    (
        "bzip2",
        tuple(b"BZh%d%b" % (n, block) for n in range(1, 10) for block in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")),
    ),
    ("xz", (b"\xfd7zXZ\x00",)),
    ("zstd", (b"\x28\xb5\x2f\xfd", *(bytes((0x50 + i, 0x2A, 0x4D, 0x18)) for i in range(16)))),
)


class DamagedError(Exception):
    """The rest of an item cannot be read; the message says why, in words for the person."""


class Reader(Protocol):
    """Stored bytes of one item, in order."""

    @property
    def taken(self) -> int:
        """Stored bytes read so far."""

    def read(self, size: int) -> bytes:
        """Return up to size bytes; b"" at the end."""

    def close(self) -> None:
        """Give the file back."""


def recognise(head: bytes) -> str:
    """Name the compression that the first bytes announce, or "none".

    Source: RFC 1952, 2.3.1 (gzip); RFC 8878, 3.1 (zstd and its skippable frames); the .xz file format, 2.1.1.1.
    """
    return next((name for name, magics in _MAGIC if head.startswith(magics)), "none")


class StoredFile:
    """A file (or stdin), opened read-only and hashed on the way."""

    def __init__(self, file: Path | None) -> None:
        self._fd = 0 if file is None else _open_untouched(file)
        self._owned = file is not None
        self._hash = hashlib.sha256()
        self.taken = 0
        self.seekable = file is not None

    def read(self, size: int) -> bytes:
        """Return up to size bytes."""
        data = os.read(self._fd, size)
        self._hash.update(data)
        self.taken += len(data)
        return data

    def read_lines(self, size: int, reach: int) -> bytes:
        """Return size bytes and on to the next line end, if one stands within reach: so no block is copied twice."""
        at = self.taken + size
        stop = at + reach
        while at < stop:
            window = os.pread(self._fd, 1 << 16, at)
            found = window.find(b"\n")
            if found >= 0:
                at += found + 1
                break
            if not window:
                break
            at += len(window)
        wanted = at - self.taken
        data = self.read(wanted)
        while 0 < len(data) < wanted and (more := self.read(wanted - len(data))):
            data += more
        return data

    def close(self) -> None:
        """Close the file; stdin stays as it was."""
        if self._owned:
            os.close(self._fd)

    @property
    def sha256(self) -> str:
        """Of the bytes read so far."""
        return self._hash.hexdigest()


def _open_untouched(file: Path) -> int:
    """Open read-only and, where the system lets us, without moving the file's time of last access."""
    flags = os.O_RDONLY | os.O_CLOEXEC
    try:
        return os.open(file, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # O_NOATIME is the owner's right alone
        return os.open(file, flags)


class ZipMember:
    """One member of a zip archive; `taken` counts the bytes it takes in the archive."""

    def __init__(self, file: Path, number: int) -> None:
        try:
            archive = _archive(file, *_state(file))
            info = archive.infolist()[number]
            if info.flag_bits & 1:
                raise DamagedError("the zip member is encrypted")
            self._member = archive.open(info)
        except (zipfile.BadZipFile, NotImplementedError, IndexError) as error:
            # zipfile raises NotImplementedError for a compression or version that it does not know
            raise DamagedError(f"the zip member cannot be read: {_plain(error)}") from error
        bounded = info.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        self._step = PIECE if bounded else _ZIP_STEP
        self._size, self._packed = info.file_size, info.compress_size
        self._out = 0

    @property
    def taken(self) -> int:
        """Bytes of the archive used so far, by proportion."""
        return self._packed * min(self._out, self._size) // max(self._size, 1)

    def read(self, size: int) -> bytes:
        """Return up to size bytes of the member as it was packed."""
        try:
            data = self._member.read(min(size, self._step))
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            raise DamagedError(f"the zip member is damaged: {_plain(error)}") from error
        self._out += len(data)
        return data

    def close(self) -> None:
        """Close the member; the archive stays open for the next one."""
        self._member.close()


def archive_members(file: Path) -> list[zipfile.ZipInfo] | None:
    """Return the members of a zip archive, or None if it cannot be read as one."""
    try:
        return _archive(file, *_state(file)).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None


def archive_sha256(file: Path) -> str:
    """Return the SHA-256 of a whole archive, computed once for all its members."""
    return _archive_sha256(file, *_state(file))


def _state(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=1)
def _archive(file: Path, _size: int, _mtime_ns: int) -> zipfile.ZipFile:
    """Open an archive once for all its members: reading its directory for each would cost their square."""
    return zipfile.ZipFile(file)


@lru_cache(maxsize=8)
def _archive_sha256(file: Path, _size: int, _mtime_ns: int) -> str:
    with file.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Decompressor(Protocol):
    """What bz2, lzma and igzip_lib have in common: one member, its end known, its output bounded."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _ZstdFrame:
    """One zstd frame behind the same face. zstandard bounds no output, so its input is dealt out in small steps."""

    def __init__(self) -> None:
        self._frame = zstandard.ZstdDecompressor(max_window_size=MAX_MEMORY).decompressobj()
        self._held = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def needs_input(self) -> bool:
        return not self._held

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data + bytes(self._held)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if data:
            self._held = memoryview(bytes(self._held) + data)
        parts: list[bytes] = []
        size = 0
        while self._held and not self._frame.eof and (max_length < 0 or size < max_length):
            part = self._frame.decompress(self._held[:_ZSTD_STEP])
            self._held = self._held[_ZSTD_STEP:]
            parts.append(part)
            size += len(part)
        return b"".join(parts)


def _decompressor(compression: str) -> _Decompressor:
    if compression == "gzip":
        return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    if compression == "bzip2":
        return bz2.BZ2Decompressor()
    if compression == "xz":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY)
    return _ZstdFrame()


def decompressed(reader: Reader, head: bytes, compression: str) -> Iterator[bytes]:
    """Yield the content of a compressed stream whose first bytes were read already: all members, all frames.

    Raises:
        DamagedError: if the stream ends early, is corrupt, swells beyond MAX_RATIO or is followed by something else.
    Source: RFC 1952, 2.2 (gzip members may follow one another; zero bytes may pad them).
    """
    pending = head
    produced = 0
    while pending or (pending := reader.read(CHUNK)):
        member = _decompressor(compression)
        while not member.eof:
            try:
                piece = member.decompress(pending, PIECE)
            except _DAMAGE as error:
                raise DamagedError(f"the {compression} data is damaged: {_plain(error)}") from error
            pending = b""
            produced += len(piece)
            if piece:
                yield piece
            if produced > FREE_BYTES and produced > MAX_RATIO * reader.taken:
                raise DamagedError(
                    f"the {compression} data swells to more than {MAX_RATIO} times its size: not read further"
                )
            if not member.eof and member.needs_input and not (pending := reader.read(CHUNK)):
                raise DamagedError(f"the {compression} data ends early")
        pending = _after_padding(reader, member.unused_data)
        if pending and recognise(pending) != compression:
            raise DamagedError(f"the {compression} data is followed by bytes that are no {compression} data")


def _after_padding(reader: Reader, rest: bytes) -> bytes:
    """Return what follows a member behind zero padding, long enough to recognise; b"" at the end."""
    rest = rest.lstrip(b"\0")
    while len(rest) < 16 and (more := reader.read(CHUNK)):  # longer than any magic
        rest = (rest + more).lstrip(b"\0")
    return rest


def _plain(error: Exception) -> str:
    """Return the library's own words, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
