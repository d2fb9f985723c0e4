"""Evidence items, opened read-only: what was received, byte for byte, as numbered lines."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from incident.errors import EvidenceError
from incident.evidence_lines import CUT_OFF, MAX_LINE, TOO_LONG, Block, LineCutter, Spoiled, joined, line_bounds
from incident.evidence_streams import (
    CHUNK,
    DamagedError,
    Reader,
    StoredFile,
    ZipMember,
    archive_members,
    archive_sha256,
    decompressed,
    recognise,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from types import TracebackType

    from incident.evidence_records import RecordCutter

__all__ = [
    "BLOCK_BYTES",
    "CUT_OFF",
    "MAX_LINE",
    "TOO_LONG",
    "Block",
    "Opened",
    "Source",
    "Spoiled",
    "find_sources",
    "joined",
    "line_bounds",
    "stored_sha256",
]

BLOCK_BYTES = 16 << 20  # measured best: smaller blocks pay for more calls, larger ones fall out of the cache
STDIN = Path("-")
_CASE_SUFFIXES = (".duckdb", ".wal")


@dataclass(frozen=True, slots=True)
class Source:
    """Something that could become an evidence item; nothing of it was read but its name, size and first bytes."""

    root: Path
    path: str  # relative to root, "/" between parts; a zip member is "a.zip/member"
    file: Path
    member: str | None
    bytes: int
    member_no: int | None = None  # the member's place in its archive, since names there may repeat

    @property
    def location(self) -> str:
        """Where the item lies, whichever folder it was found from."""
        return f"{self.root}/{self.path}"

    @property
    def is_stdin(self) -> bool:
        """Whether it is what comes through standard input."""
        return self.file == STDIN


def find_sources(paths: Sequence[Path], *, exclude: Collection[Path] = ()) -> list[Source]:
    """Return what the paths hold, sorted by path, each item once.

    Folders are searched through, links followed. Hidden files, case files, excluded files or folders and what is no
    regular file are no evidence; a path that is named itself is taken even if hidden. `-` is standard input.

    Raises:
        EvidenceError: if a path does not exist or is neither file nor folder.
    """
    left_out = {_resolved(path) for path in exclude}
    found: dict[tuple[Path, int | None], Source] = {}
    for path in paths:
        for source in _sources_of(path):
            real = _resolved(source.file)
            if real not in left_out and left_out.isdisjoint(real.parents):
                found.setdefault((real, source.member_no), source)
    return sorted(found.values(), key=lambda source: (source.path, str(source.root)))


def _sources_of(path: Path) -> Iterator[Source]:
    if path == STDIN:
        yield Source(STDIN, "stdin", STDIN, None, 0)
        return
    full = Path.cwd() / path
    try:
        mode = full.stat().st_mode
    except OSError as error:
        raise EvidenceError(
            f"{path} cannot be read: {error.strerror}",
            where=str(path),
            next_step="name a file or folder that exists",
        ) from error
    if stat.S_ISDIR(mode):
        folder = _resolved(path)
        for file in _walk(folder, set()):
            yield from _sources_in(folder, file)
    elif stat.S_ISREG(mode):  # the file keeps the name it was given, even if that is a link's
        yield from _sources_in(_resolved(path.parent), _resolved(path.parent) / path.name)
    else:
        raise EvidenceError(
            f"{path} is neither a file nor a folder",
            where=str(path),
            next_step="send it through standard input: incident ingest -",
        )


def _walk(folder: Path, above: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield the regular files under a folder, and a folder that cannot be listed as itself, to be reported."""
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    this = (status.st_dev, status.st_ino)
    if this in above:  # a link that leads back up
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), above | {this})
        elif entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists()):
            yield Path(entry.path)


def _sources_in(root: Path, file: Path) -> Iterator[Source]:
    """Yield the file, or the members of the archive that it is, or nothing for a case file."""
    path = _text(file.relative_to(root).as_posix())
    try:
        size = file.stat().st_size
        first = b"" if file.is_dir() else _first_bytes(file)
    except OSError:  # it stays a source, so that it is reported as unreadable
        yield Source(root, path, file, None, 0)
        return
    if file.name.endswith(_CASE_SUFFIXES) or first[8:12] == b"DUCK":
        return
    members = archive_members(file) if first.startswith((b"PK\x03\x04", b"PK\x05\x06")) else None
    if members is None:
        yield Source(root, path, file, None, size)
        return
    seen: dict[str, int] = {}
    for number, info in enumerate(members):
        parts = info.filename.split("/")
        if info.is_dir() or any(part.startswith(".") and part not in {".", ".."} for part in parts):
            continue
        if parts[0] == "__MACOSX":  # what macOS adds beside each member
            continue
        seen[info.filename] = seen.get(info.filename, 0) + 1
        name = _text(info.filename)
        if seen[info.filename] > 1:
            name = f"{name}#{seen[info.filename]}"
        yield Source(root, f"{path}/{name}", file, info.filename, info.file_size, number)


def _first_bytes(file: Path) -> bytes:
    with file.open("rb", buffering=0) as stream:
        return stream.read(12)


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _text(path: str) -> str:
    r"""Make a file name text: bytes of it that are no UTF-8 become \xHH."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def stored_sha256(source: Source) -> str | None:
    """Return the SHA-256 of the file as received, or None where it cannot be known without using the item up."""
    if source.is_stdin:
        return None
    try:
        if source.member_no is not None:
            return archive_sha256(source.file)
        stored = StoredFile(source.file)
        try:
            while stored.read(CHUNK):
                pass
        finally:
            stored.close()
    except OSError:
        return None
    return stored.sha256


class Opened:
    """One item being read, once, from its first byte to its last. A context manager.

    The hashes, `content_bytes`, `compression` and `problem` are final once `blocks()` or `drain()` ran out.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.compression = "none"
        self.problem: str | None = None
        self.content_bytes = 0
        self._content = hashlib.sha256()
        self._reader: Reader | None = None
        self._held: list[bytes] = []  # content read ahead for head()
        self._held_bytes = 0
        self._chunks: Iterator[bytes] = iter(())

    def __enter__(self) -> Self:
        try:
            self._reader = self._open()
            self._chunks = self._content_chunks(self._reader)
        except (OSError, DamagedError) as error:
            self.problem = _why(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.close()

    def head(self, size: int = 1 << 20) -> bytes:
        """Return the first bytes of the content, decompressed, without consuming them."""
        while self._held_bytes < size and (chunk := next(self._chunks, b"")):
            self._held.append(chunk)
            self._held_bytes += len(chunk)
        return b"".join(self._held)[:size] if len(self._held) != 1 else self._held[0][:size]

    def blocks(
        self, size: int = BLOCK_BYTES, *, cutter: LineCutter | RecordCutter | None = None
    ) -> Iterator[Block | Spoiled]:
        """Yield every line once, in order: in blocks of about `size` bytes, or by itself if no parser may see it.

        A `cutter` of records takes the lines' place in items whose line ends part nothing.
        """
        cutter = cutter or LineCutter(size)
        while self._held:
            yield from cutter.feed(self._held.pop(0))
        for chunk in self._chunks:
            yield from cutter.feed(chunk)
        yield from cutter.finish(cut_off=self.problem is not None)
        self.drain()

    def drain(self) -> None:
        """Read on to the end for the hashes' sake, delivering nothing."""
        self._held.clear()
        for _ in self._chunks:
            pass
        if isinstance(self._reader, StoredFile):
            try:  # what a damaged stream left unread belongs to the file as received
                while self._reader.read(CHUNK):
                    pass
            except OSError as error:
                self.problem = self.problem or _why(error)

    @property
    def taken(self) -> int:
        """Stored bytes read so far."""
        return self._reader.taken if self._reader else 0

    @property
    def stored_bytes(self) -> int:
        """Bytes as received: of the file, or of the member as the archive holds it."""
        return self.taken if isinstance(self._reader, StoredFile) else self.source.bytes

    @property
    def sha256(self) -> str | None:
        """Of the file as received; for a member, of the archive. None if it could not be opened."""
        if self._reader is None:
            return None
        if isinstance(self._reader, StoredFile):
            return self._reader.sha256
        return archive_sha256(self.source.file)

    @property
    def content_sha256(self) -> str | None:
        """Of the decompressed bytes, as far as they could be read."""
        if self._reader is None:
            return None
        if self.compression == "none" and isinstance(self._reader, StoredFile):
            return self._reader.sha256
        return self._content.hexdigest()

    def _open(self) -> Reader:
        if self.source.member_no is not None:
            self.compression = "zip:none"
            return ZipMember(self.source.file, self.source.member_no)
        return StoredFile(None if self.source.is_stdin else self.source.file)

    def _content_chunks(self, reader: Reader) -> Iterator[bytes]:
        """Yield the content, counted and hashed; end with `problem` set where it breaks off."""
        prefix = "zip:" if self.source.member_no is not None else ""
        try:
            first = reader.read(CHUNK)
            compression = recognise(first)
            self.compression = prefix + compression
            packed = compression != "none"
            chunks = decompressed(reader, first, compression) if packed else _as_stored(reader, first)
            for chunk in chunks:
                if self.content_bytes == 0:
                    _refuse_archives(chunk)
                self.content_bytes += len(chunk)
                if self.compression != "none":
                    self._content.update(chunk)
                yield chunk
        except (OSError, DamagedError) as error:
            self.problem = _why(error)


def _as_stored(reader: Reader, first: bytes) -> Iterator[bytes]:
    if first:
        yield first
    if isinstance(reader, StoredFile) and reader.seekable:
        while chunk := reader.read_lines(BLOCK_BYTES, MAX_LINE):
            yield chunk
    else:
        while chunk := reader.read(CHUNK):
            yield chunk


def _refuse_archives(first: bytes) -> None:
    """Name what holds files rather than lines, and so has no line numbers of its own."""
    if first[257:262] == b"ustar":
        raise DamagedError("it is a tar archive: unpack it and ingest the folder")
    if first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise DamagedError("it is a zip archive that is damaged, or within another: unpack it and ingest the folder")
    if first.startswith((b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")):
        raise DamagedError("it is an archive of a kind that is not read: unpack it and ingest the folder")


def _why(error: OSError | DamagedError) -> str:
    return f"it cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)
