"""Formats: each is a page of TOML that says where it comes from, what its fields mean, and proves itself with samples.

This package reads pages and knows none by name. docs/formats.md describes what a page may say.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from incident.errors import FormatPageError
from incident.formats.model import DEFAULT_KIND, Condition, Field, Format, Sample, Server, Signature
from incident.formats.page import page_from_text

__all__ = [
    "DEFAULT_KIND", "Condition", "Field", "Format", "Sample", "Server", "Signature", "load", "page_from_text",
    "read_page",
]  # fmt: skip

_HERE = Path(__file__).parent


def load(folder: Path | None = None) -> Mapping[str, Format]:
    """Read the pages that come with the tool, and those of a folder of the user's own, which win by name.

    Raises:
        FormatPageError: naming file, key and remedy.
    """
    pages: dict[str, Format] = {}
    for home in (_HERE, folder):
        if home is None:
            continue
        seen: dict[str, Path] = {}
        for path in sorted(home.glob("*.toml")):
            page = read_page(path)
            if page.name in seen:
                raise FormatPageError(
                    f'"{page.name}" is the name of two pages', where=f"{seen[page.name]} and {path}",
                    next_step="give one of them another name",
                )  # fmt: skip
            seen[page.name] = path
            pages[page.name] = page
    return MappingProxyType(pages)


def read_page(path: Path) -> Format:
    """Read and check one page; its samples are tried by `parse.check`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatPageError(f"{path.name} cannot be read: {error}", where=str(path)) from error
    return page_from_text(text, path)
