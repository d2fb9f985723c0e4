"""The bench's own logs: as many lines as they say, the same bytes for the same seed, and nobody's address."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def made(folder, *what):
    argv = [sys.executable, "-m", "bench.generate", *map(str, what)]
    said = subprocess.run(
        argv, check=True, capture_output=True, cwd=ROOT, env=os.environ | {"BENCH_DATA": str(folder)}
    ).stdout
    found = json.loads(said)
    path = Path(found["path"])
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return found, [(file.name, file.read_bytes()) for file in files]


@pytest.mark.parametrize("what", [("combined", 2000, 5), ("iis", 200, 5), ("jsonlines", 200, 5)])
def test_the_same_seed_makes_the_same_lines(tmp_path, what):
    first, files = made(tmp_path / "a", *what)
    _, again = made(tmp_path / "b", *what)
    assert files == again
    [(_, data)] = files
    assert (data.count(b"\n"), len(data)) == (first["lines"], first["bytes"])


def test_small_files_hold_what_they_say(tmp_path):
    import gzip

    found, files = made(tmp_path, "cloudfront", 3, 5)
    assert found["lines"] == sum(gzip.decompress(data).count(b"\n") for _, data in files) == 3 * 7
    first = gzip.decompress(files[0][1]).split(b"\n")
    assert len(first[1].split()) - 1 == len(first[2].split(b"\t"))
