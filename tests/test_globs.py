"""Globs: what each sign fits, and which globs are refused."""

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident.globs import compile_glob


@pytest.mark.parametrize(
    ("glob", "fits", "fits_not"),
    [
        ("/data/ccw_*", ["/data/ccw_", "/data/ccw_1.csv"], ["/data/ccw_1/x", "/data/CCW_1", "/x/data/ccw_1"]),
        ("/a/**/b", ["/a/b", "/a/x/b", "/a/x/y/b"], ["/a/xb", "/ab"]),
        ("/a/**", ["/a/", "/a/x", "/a/x/y"], ["/a", "/ab"]),
        ("/a**", ["/a", "/ab", "/a/x"], ["/b"]),
        ("**/b", ["b", "/b", "x/y/b"], ["xb"]),
        ("**", ["", "a/b"], []),
        ("a?c", ["abc", "a.c"], ["a/c", "ac"]),
        ("[a-c]", ["b"], ["d", "/"]),
        ("[!a-c]", ["d"], ["b", "/", ""]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[a-]", ["-", "a"], ["b"]),
        ("[+-5]", ["+", "1", "."], ["/", "6"]),
        ("[*][?][[]", ["*?["], ["abc"]),
        ("a.b#(c)|d$ ", ["a.b#(c)|d$ "], ["axb#(c)|d$ "]),
        ("a\n*", ["a\nb\n"], ["a"]),
    ],
)
def test_what_a_glob_fits(glob, fits, fits_not):
    compiled = compile_glob(glob)
    assert [text for text in fits if not compiled.fullmatch(text)] == []
    assert [text for text in fits_not if compiled.fullmatch(text)] == []


@pytest.mark.parametrize(
    ("glob", "reason"),
    [
        ("", "empty"),
        ("a[b", "never closed"),
        ("[]", "never closed"),
        ("a/***", "three stars"),
        ("[z-a]", "backwards"),
        ("[a/b]", "holds a /"),
    ],
)
def test_a_bad_glob_is_refused_with_its_reason(glob, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        compile_glob(glob)


@given(glob=st.text("ab/*?.[]!- ", max_size=8), text=st.text("ab/.*-] ", max_size=8))
def test_polars_reads_the_expression_as_python_does(glob, text):
    try:
        compiled = compile_glob(glob)
    except ValueError:
        return
    rust = pl.Series([text]).str.contains(f"^(?:{compiled.pattern})$")[0]
    assert rust is (compiled.fullmatch(text) is not None)
