"""Colours, letters and measures of every figure and of the report.

The series colours follow Okabe and Ito ("Color Universal Design", 2008): told apart with any colour vision. Each also
has its own darkness and its own pattern, so that a grey photocopy still shows which is which.
"""

from __future__ import annotations

from typing import Final

from incident.render import fonts

# name → colour; both sets have the same names, and no colour stands for two names within a set
LIGHT: Final = {
    "paper": "#ffffff",
    "ink": "#1b2430",
    "muted": "#58626f",
    "rule": "#b4bcc6",
    "grid": "#e4e8ed",
    "band": "#e2eff8",
    "window": "#3d8fc4",
    "whisker": "#2a6f9e",
    "outage": "#6b7480",
    "gap": "#a8503c",
    "full": "#0072b2",
    "partial": "#e69f00",
    "partial_line": "#8a5c00",
    "undetermined": "#fafbfc",
    "undetermined_line": "#787f89",
    "downloads": "#1c2531",
    "addresses": "#c64a00",
    "declared": "#8a3a73",
    "logged": "#0a5f94",
}
DARK: Final = {
    "paper": "#12161b",
    "ink": "#e7eaee",
    "muted": "#a3adb9",
    "rule": "#56616e",
    "grid": "#29313a",
    "band": "#1a2b39",
    "window": "#5bb1e6",
    "whisker": "#8cc8ee",
    "outage": "#98a3af",
    "gap": "#e08f7a",
    "full": "#3fa2dd",
    "partial": "#f0b23c",
    "partial_line": "#5a3c00",
    "undetermined": "#1d232a",
    "undetermined_line": "#a9b2bd",
    "downloads": "#e6e9ed",
    "addresses": "#ff8f52",
    "declared": "#dfa5cf",
    "logged": "#8accf5",
}
COMPLETENESS: Final = ("full", "partial", "undetermined")
COMPLETENESS_WORDS: Final = {"full": "in full", "partial": "in part", "undetermined": "completeness undetermined"}

STACK: Final = f"'{fonts.FAMILY}', 'Source Sans 3', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
# Arial, where the typeface is absent, sets the same words about a tenth wider
SLACK: Final = 1.1

SLIDE, REPORT, COLUMN, PHONE = 1280, 1080, 720, 380
