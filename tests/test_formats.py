"""Format pages: each proves itself, and each mistake in one is answered with file, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from incident.errors import FormatPageError
from incident.formats import load, page_from_text
from incident.parse import Settings
from incident.parse.check import check, load_checked
from incident.parse.engine import ItemParser

PAGES = load()

GOOD = """
name = "mine"
title = "Mine"
source = "https://www.example.com/spec"
checked = 2024-05-02
shape = "pattern"
ts_kind = "start"
bytes_kind = "body_sent"
layout = '{peer_ip} [{time}] {status}'
[fields]
time = { from = "time", format = "%d/%b/%Y:%H:%M:%S %z" }
[[sample]]
line = '192.0.2.7 [10/Oct/2000:13:55:36 -0700] 200'
expect = { ts = "2000-10-10T20:55:36Z", status = 200 }
"""


@pytest.mark.parametrize("name", sorted(PAGES))
def test_samples_become_what_the_page_says(name):
    check(PAGES[name])


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_source_of_a_line_layout_is_in_it(name):
    page = PAGES[name]
    parser = ItemParser((page,), Settings(timezone="UTC"), fast=True)
    if page.shape == "pattern":
        names = parser._readers[0].names
        for field in page.fields:
            assert set(field.sources) <= set(names), field.to


def test_names_are_those_of_the_files():
    home = Path(load.__code__.co_filename).parent
    assert sorted(PAGES) == sorted(path.stem for path in home.glob("*.toml"))


def test_a_good_page_is_read(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD)
    assert load_checked(tmp_path)["mine"].fields[0].to == "time"


@pytest.mark.parametrize(
    ("old", "new", "key", "remedy"),
    [
        ('shape = "pattern"', 'shap = "pattern"', "shap", "shape"),
        ('shape = "pattern"', 'shape = "patern"', "shape", "pattern"),
        ("checked = 2024-05-02", 'checked = "today"', "checked", "checked = 2024-05-02"),
        ("[fields]", "[fields]\npeer_ipp = 'x'", "peer_ipp", "peer_ip"),
        ('from = "time", format', 'form = "time", format', "form", "format"),
        ("[[sample]]", "[[simple]]", "simple", "sample"),
        ("status = 200 }", "statuss = 200 }", "statuss", "status"),
        ('name = "mine"', 'name = "My Page"', "name", "small letters"),
        ("expect = {", "expected = {", "expected", "expect"),
        ("{status}'", "{status'", "layout", "brace"),
        ("{status}'", "{status:wide}'", "layout", "flex"),
        ("{status}'", "{status} {status}'", "layout", "own name"),
        ('ts_kind = "start"', 'ts_kind = "begin"', "ts_kind", "start"),
        ("[fields]", "[detect]\nline = '('\n[fields]", "line", ""),
    ],
)
def test_mistakes_name_key_and_remedy(tmp_path, old, new, key, remedy):
    path = tmp_path / "mine.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(FormatPageError) as caught:
        load_checked(tmp_path)
    text = str(caught.value)
    assert key in text
    assert remedy in text
    assert "mine" in text


def test_a_page_without_samples_is_refused():
    with pytest.raises(FormatPageError, match="proves nothing"):
        page_from_text(GOOD.split("[[sample]]", maxsplit=1)[0], Path("mine.toml"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("status = 200 }", "status = 404 }"),
        ("20:55:36Z", "20:55:37Z"),
        ("13:55:36 -0700] 200'", "13:55:36 -0700] abc'"),
    ],
)
def test_a_sample_that_becomes_something_else_is_refused(old, new):
    with pytest.raises(FormatPageError, match="sample"):
        check(page_from_text(GOOD.replace(old, new), Path("mine.toml")))


def test_a_users_page_wins_by_name(tmp_path):
    (tmp_path / "x.toml").write_text(GOOD.replace('"mine"', '"combined"'))
    assert load_checked(tmp_path)["combined"].title == "Mine"
