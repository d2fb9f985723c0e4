"""Evidence: the same lines whatever the chunks and the compression, damage named, nothing written."""

import bz2
import functools
import gzip
import hashlib
import io
import itertools
import lzma
import os
import stat
import threading
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from incident import evidence, evidence_streams
from incident.errors import EvidenceError
from incident.evidence import CUT_OFF, MAX_LINE, TOO_LONG, Block, Opened, Spoiled, find_sources
from incident.evidence_lines import LineCutter, joined

PACK = {
    "none": bytes,
    "gzip": gzip.compress,
    "bzip2": functools.partial(bz2.compress, compresslevel=1),  # small blocks: a cut costs at most one
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
UNPACKED = [name for name in PACK if name != "none"]


def lines_of(pieces):
    """Every line as (number, offset, bytes), and what is spoiled as (number, offset, length, reason, bytes)."""
    found = []
    for piece in pieces:
        if isinstance(piece, Spoiled):
            found.append((piece.line_no, piece.byte_offset, piece.byte_length, piece.reason, piece.raw))
            continue
        assert piece.data.endswith(b"\n")
        assert len(piece.starts) == len(piece.ends) == piece.data.count(b"\n")
        for i, (start, end) in enumerate(zip(piece.starts.tolist(), piece.ends.tolist(), strict=True)):
            found.append((piece.first_line + i, piece.offset + start, piece.data[start:end]))
    return found


def plain_lines(content):
    """The same, from the definition: split at line feeds, one \\r before each left out."""
    found, offset = [], 0
    parts = content.split(b"\n")
    last = parts.pop()
    if last:
        parts.append(last)
    for number, part in enumerate(parts, 1):
        found.append((number, offset, part.removesuffix(b"\r")))
        offset += len(part) + 1
    return found


def read(file, size=evidence.BLOCK_BYTES):
    [source] = find_sources([file])
    with Opened(source) as item:
        return lines_of(item.blocks(size)), item


def write(tmp_path, content, name="access.log"):
    file = tmp_path / name
    file.write_bytes(content)
    return file


CONTENT = st.lists(
    st.sampled_from([b"\n", b"\r\n", b"\r", b"\0", b"a", b"bcd", b"\xff\xfe", b" ", b"\xef\xbb\xbf"]), max_size=60
).map(b"".join)


@given(content=CONTENT, cuts=st.lists(st.integers(0, 200), max_size=6), size=st.integers(1, 64))
def test_however_the_chunks_fall_the_lines_are_the_same(content, cuts, size):
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    cutter = LineCutter(size)
    pieces = [piece for a, b in itertools.pairwise(edges) for piece in cutter.feed(content[a:b])]
    pieces += cutter.finish(cut_off=False)
    assert lines_of(pieces) == plain_lines(content)
    assert all(piece.terminated for piece in pieces) is (content.endswith(b"\n") or not content)


@given(content=CONTENT, cut=st.integers(0, 60), size=st.integers(1, 64))
def test_what_breaks_off_keeps_its_whole_lines(content, cut, size):
    cutter = LineCutter(size)
    pieces = [*cutter.feed(content[:cut]), *cutter.feed(content[cut:]), *cutter.finish(cut_off=True)]
    whole = content[: content.rfind(b"\n") + 1]
    rest = content[len(whole) :]
    tail = [(whole.count(b"\n") + 1, len(whole), len(rest), CUT_OFF, rest)] if rest else []
    assert lines_of(pieces) == plain_lines(whole) + tail


@given(contents=st.lists(CONTENT.filter(bool), min_size=1, max_size=5))
def test_joined_blocks_keep_their_lines(contents):
    blocks = []
    for content in contents:
        cutter = LineCutter(1 << 20)
        blocks += [*cutter.feed(content), *cutter.finish(cut_off=False)]
    block = joined(blocks)
    expected = [line for content in contents for _, _, line in plain_lines(content)]
    assert [line for _, _, line in lines_of([block])] == expected
    counts = [len(plain_lines(content)) for content in contents]
    assert block.restarts == tuple(sum(counts[: i + 1]) for i in range(len(counts) - 1))


@pytest.mark.parametrize("size", [1 << 10, 1 << 16])
@pytest.mark.parametrize("chunk", [7, 100, 1 << 16])
def test_a_long_line_is_kept_by_its_beginning_and_its_length(monkeypatch, size, chunk):
    monkeypatch.setattr("incident.evidence_lines.MAX_LINE", 50)
    for end in (b"\n", b"\r\n"):
        content = end.join([b"x" * 50, b"y" * 51, b"", b"z" * 5000, b"short", b"w" * 51])
        cutter = LineCutter(size)
        pieces = [p for at in range(0, len(content), chunk) for p in cutter.feed(content[at : at + chunk])]
        found = lines_of([*pieces, *cutter.finish(cut_off=False)])
        expected = [
            (no, at, len(line), TOO_LONG, line[:50]) if len(line) > 50 else (no, at, line)
            for no, at, line in plain_lines(content)
        ]
        assert found == expected


def test_a_line_beyond_all_bounds_takes_no_more_memory_than_its_beginning(tmp_path):
    file = tmp_path / "access.log"
    with file.open("wb") as stream:
        stream.write(b"first\n")
        stream.truncate(100 << 20)  # a sparse run of NUL, as a full disk or a crash leaves it
        stream.seek(0, os.SEEK_END)
        stream.write(b"\nlast")
    found, item = read(file)
    assert found[0] == (1, 0, b"first")
    assert found[1] == (2, 6, (100 << 20) - 6, TOO_LONG, bytes(MAX_LINE))
    assert found[2] == (3, (100 << 20) + 1, b"last")
    assert item.problem is None


@pytest.mark.parametrize("packing", PACK)
def test_compressing_changes_nothing_but_the_stored_hash(tmp_path, packing):
    content = b"".join(b"line %d\r\n" % i for i in range(5000)) + b"\n\0\xff\nno end"
    stored = PACK[packing](content)
    found, item = read(write(tmp_path, stored))
    assert found == plain_lines(content)
    assert item.compression == packing
    assert item.sha256 == hashlib.sha256(stored).hexdigest()
    assert item.content_sha256 == hashlib.sha256(content).hexdigest()
    assert (item.content_bytes, item.stored_bytes, item.problem) == (len(content), len(stored), None)


@pytest.mark.parametrize("packing", UNPACKED)
def test_members_that_follow_one_another_are_one_content(tmp_path, packing):
    parts = [b"one\ntw", b"", b"o\nthree\n"]
    found, item = read(write(tmp_path, b"".join(PACK[packing](part) for part in parts)))
    assert found == plain_lines(b"".join(parts))
    assert item.problem is None


@given(parts=st.lists(CONTENT, min_size=1, max_size=4), packing=st.sampled_from(UNPACKED), step=st.integers(1, 40))
def test_members_are_found_however_the_reads_fall(parts, packing, step):
    stream = io.BytesIO(b"".join(PACK[packing](part) for part in parts))

    class Slow:
        taken = 1 << 30

        def read(self, size):
            return stream.read(min(size, step))

    head = stream.read(16)
    assert b"".join(evidence_streams.decompressed(Slow(), head, packing)) == b"".join(parts)


def test_zstd_frames_may_be_skippable(tmp_path):
    stored = b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstandard.compress(b"a\n") + zstandard.compress(b"b\n")
    found, item = read(write(tmp_path, stored))
    assert (found, item.problem) == (plain_lines(b"a\nb\n"), None)


@pytest.mark.parametrize("packing", UNPACKED)
def test_zero_padding_is_no_damage(tmp_path, packing):
    found, item = read(write(tmp_path, PACK[packing](b"a\n") + bytes(2048) + PACK[packing](b"b\n") + bytes(512)))
    assert (found, item.problem) == (plain_lines(b"a\nb\n"), None)


@pytest.mark.parametrize("packing", UNPACKED)
def test_what_follows_the_last_member_is_named(tmp_path, packing):
    stored = PACK[packing](b"a\nb\n") + b"192.0.2.1 - - stray"
    found, item = read(write(tmp_path, stored))
    assert found == plain_lines(b"a\nb\n")
    assert "followed by bytes" in item.problem
    assert item.sha256 == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize("packing", UNPACKED)
def test_a_truncated_stream_keeps_its_whole_lines(tmp_path, packing):
    rows = [hashlib.sha256(b"%d" % i).hexdigest().encode() for i in range(12000)]
    stored = PACK[packing](b"\n".join(rows) + b"\n")
    stored = stored[: len(stored) * 3 // 4]
    found, item = read(write(tmp_path, stored))
    assert "ends early" in item.problem
    *whole, last = found
    assert len(whole) > 1000
    assert [line for _, _, line in whole] == rows[: len(whole)]
    if len(last) == 5:
        assert last[3] == CUT_OFF
        assert rows[len(whole)].startswith(last[4])
    assert item.sha256 == hashlib.sha256(stored).hexdigest()


def test_a_truncated_trailer_is_damage_too(tmp_path):
    found, item = read(write(tmp_path, gzip.compress(b"a\nb")[:-3]))
    assert found == [(1, 0, b"a"), (2, 2, 1, CUT_OFF, b"b")]
    assert "ends early" in item.problem


def test_a_wrong_checksum_is_damage(tmp_path):
    stored = bytearray(gzip.compress(b"a\n" * 400_000))
    stored[-6] ^= 1
    found, item = read(write(tmp_path, bytes(stored)))
    assert len(found) > 100_000
    assert "damaged" in item.problem


@pytest.mark.parametrize("packing", ["gzip", "zstd", "xz", "bzip2"])
def test_a_bomb_is_not_read_to_its_end(tmp_path, monkeypatch, packing):
    monkeypatch.setattr(evidence_streams, "FREE_BYTES", 4 << 20)
    stored = PACK[packing](bytes(8 << 20)) * 12
    found, item = read(write(tmp_path, stored))
    assert "swells" in item.problem
    assert [line[3] for line in found] == [TOO_LONG]
    assert item.content_bytes < len(stored) * 600 + (64 << 20)
    assert item.sha256 == hashlib.sha256(stored).hexdigest()


def test_an_xz_dictionary_beyond_the_bound_is_refused(tmp_path):
    packed = lzma.compress(b"a\n", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 256 << 20}])
    found, item = read(write(tmp_path, packed))
    assert found == []
    assert "damaged" in item.problem


def make_zip(file, members, **options):
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, options.get("compression", zipfile.ZIP_DEFLATED))
    return file


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_each_member_of_a_zip_is_an_item(tmp_path, method):
    content = b"line\n" * 3000
    members = [
        ("b/access.log", content), ("a.log.gz", gzip.compress(b"x\n")), ("b/", b""), (".hidden", b"h\n"),
        ("__MACOSX/b/access.log", b"m\n"), ("../../up.log", b"u\n"),
    ]  # fmt: skip
    file = make_zip(tmp_path / "logs.zip", members, compression=method)
    sources = find_sources([tmp_path])
    assert [source.path for source in sources] == [
        "logs.zip/../../up.log", "logs.zip/a.log.gz", "logs.zip/b/access.log",
    ]  # fmt: skip
    seen = []
    for source in sources:
        with Opened(source) as item:
            seen.append((item.compression, lines_of(item.blocks()), item.compression, item.content_sha256))
            assert item.problem is None
            assert item.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert [entry[2] for entry in seen] == ["zip:none", "zip:gzip", "zip:none"]
    assert seen[1][1] == plain_lines(b"x\n")
    assert seen[2][1] == plain_lines(content)
    assert seen[2][3] == hashlib.sha256(content).hexdigest()


def test_members_of_one_name_stay_apart(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        make_zip(tmp_path / "logs.zip", [("a.log", b"1\n"), ("a.log", b"2\n")])
    sources = find_sources([tmp_path])
    assert [source.path for source in sources] == ["logs.zip/a.log", "logs.zip/a.log#2"]
    with Opened(sources[1]) as item:
        assert lines_of(item.blocks()) == plain_lines(b"2\n")


def test_a_damaged_zip_is_named(tmp_path):
    file = make_zip(tmp_path / "logs.zip", [("a.log", os.urandom(5000))])
    data = bytearray(file.read_bytes())
    data[2000] ^= 1
    file.write_bytes(data)
    assert "damaged" in read(file)[1].problem
    file.write_bytes(data[:3000])
    found, item = read(file)
    assert found == []
    assert "zip archive" in item.problem


def test_an_encrypted_member_is_named(tmp_path):
    file = make_zip(tmp_path / "logs.zip", [("a.log", b"x\n")])
    data = bytearray(file.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    file.write_bytes(data)
    found, item = read(file)
    assert (found, item.problem) == ([], "the zip member is encrypted")


def test_a_tar_is_named(tmp_path):
    head = bytearray(512)
    head[257:262] = b"ustar"
    for stored in (bytes(head) + b"a\n", gzip.compress(bytes(head) + b"a\n")):
        found, item = read(write(tmp_path, stored))
        assert (found, "tar archive" in item.problem) == ([], True)


def test_the_head_consumes_nothing(tmp_path):
    content = b"line\n" * 500_000
    for packing in ("none", "gzip"):
        [source] = find_sources([write(tmp_path, PACK[packing](content), packing)])
        with Opened(source) as item:
            assert item.head(10) == b"line\nline\n"
            assert item.head(1_200_000) == content[:1_200_000]
            assert b"".join(block.data for block in item.blocks(1 << 20)) == content


def test_draining_gives_the_hashes_alone(tmp_path):
    content = b"line\n" * 500_000
    [source] = find_sources([write(tmp_path, gzip.compress(content))])
    with Opened(source) as item:
        item.head(100)
        item.drain()
        assert item.content_sha256 == hashlib.sha256(content).hexdigest()
        assert item.sha256 == hashlib.sha256(source.file.read_bytes()).hexdigest()


def test_what_cannot_be_opened_has_a_problem_and_no_hash(tmp_path):
    [source] = find_sources([write(tmp_path, b"a\n")])
    source.file.unlink()
    with Opened(source) as item:
        assert list(item.blocks()) == []
        assert item.problem == "it cannot be read: No such file or directory"
        assert (item.sha256, item.content_sha256) == (None, None)


def test_evidence_is_not_touched(tmp_path):
    file = write(tmp_path, gzip.compress(b"a\n"))
    file.chmod(0o444)
    os.utime(file, ns=(10**18, 10**18))
    before = file.stat()
    read(file)
    after = file.stat()
    assert (after.st_mtime_ns, after.st_size, stat.S_IMODE(after.st_mode)) == (10**18, before.st_size, 0o444)


def test_what_is_evidence_in_a_folder(tmp_path):
    for name in ("b/z.log", "b/a.log", "a.log", ".hidden", ".git/x", "case.duckdb", "case.duckdb.wal", "incident.toml"):
        file = tmp_path / "logs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x\n")
    (tmp_path / "logs/renamed.case").write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 100)
    (tmp_path / "logs/link.log").symlink_to("b/a.log")
    (tmp_path / "logs/loop").symlink_to("..", target_is_directory=True)
    (tmp_path / "logs/dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "logs/pipe")
    toml = tmp_path / "logs/incident.toml"
    assert [s.path for s in find_sources([tmp_path / "logs"], exclude=[toml])] == [
        "a.log", "b/a.log", "b/z.log", "dangling",
    ]  # fmt: skip
    named = find_sources([tmp_path / "logs/.hidden", tmp_path / "logs/b", tmp_path / "logs/b/a.log"])
    assert [(s.path, s.root.name) for s in named] == [(".hidden", "logs"), ("a.log", "b"), ("z.log", "b")]


def test_a_name_that_is_no_utf8_is_still_text(tmp_path):
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")  # noqa: PTH102
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff/a.log")).write_bytes(b"a\n")
    [source] = find_sources([tmp_path])
    assert source.path == "\\xff/a.log"
    with Opened(source) as item:
        assert lines_of(item.blocks()) == plain_lines(b"a\n")


@pytest.mark.parametrize("kind", ["missing", "pipe"])
def test_a_path_that_is_no_evidence_is_an_error(tmp_path, kind):
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(EvidenceError) as caught:
        find_sources([path])
    assert caught.value.where == str(path)
    assert caught.value.next_step


@pytest.mark.parametrize("packing", ["none", "gzip"])
def test_standard_input_is_an_item(packing):
    content = b"a\nb\n" * 400_000
    read_end, write_end = os.pipe()
    saved = os.dup(0)
    os.dup2(read_end, 0)
    os.close(read_end)

    def send():
        with os.fdopen(write_end, "wb") as stream:
            stream.write(PACK[packing](content))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        [source] = find_sources([Path("-")])
        assert source.path == "stdin"
        with Opened(source) as item:
            assert b"".join(b.data for b in item.blocks() if isinstance(b, Block)) == content
        assert item.content_sha256 == hashlib.sha256(content).hexdigest()
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        sender.join()
