"""What every HTML page of ours shares: one file, no network, scripts named by their hashes.

A page's policy lets only those scripts run whose digest it names, so even text that slipped through as a script element
would stay dead. Figures stand in it twice: drawn by Plotly for a wide screen, as SVG for paper, phones and readers
without scripts.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from incident import words
from incident.render import fonts, interactive, svg, theme

if TYPE_CHECKING:
    from incident.render.figure import Spec


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure in every form a page needs; all are safe to set as they stand."""

    id: str
    column: Markup
    phone: Markup
    data: Markup


@dataclass(frozen=True, slots=True)
class Page:
    """The frame around a page's own content."""

    title: str
    version: str
    policy: str
    style: Markup
    colours: Markup
    scripts: tuple[Markup, ...]


def render(template: str, page: Page, **content: object) -> str:
    """Return a page from its template; every value is escaped unless it is Markup made in this house."""
    return _environment().get_template(template).render(page=page, **content)


def drawn(spec: Spec) -> Drawn:
    """Return a figure in its three forms: for a wide screen, for paper and tablets, for phones."""
    return Drawn(
        id=spec.figure,
        column=Markup(svg.svg(spec, theme.COLUMN)),  # noqa: S704  the SVG writer escapes every text
        phone=Markup(svg.svg(spec, theme.PHONE)),  # noqa: S704
        data=Markup(interactive.json_of(spec)),  # noqa: S704  JSON without "<", ">" and "&"
    )


def page(title: str, version: str, *, running: str = "", tables: bool = True) -> Page:
    """Return the frame of a page; `running` is printed at the head of each sheet of paper."""
    names = ("figures.js", "tables.js") if tables else ("figures.js",)
    scripts = (get_plotlyjs(), *(_text(name) for name in names))
    colours = {light: theme.DARK[name] for name, light in theme.LIGHT.items()}
    return Page(
        title=words.visible(title),
        version=words.visible(version),
        policy=content_policy(scripts),
        style=Markup(_style(running)),  # noqa: S704  our own text; what is the user's was made a CSS string
        colours=Markup(json.dumps(colours, separators=(",", ":"))),  # noqa: S704
        scripts=tuple(Markup(script) for script in scripts),  # noqa: S704
    )


def content_policy(scripts: tuple[str, ...]) -> str:
    """Return a content security policy: nothing from anywhere, and only these scripts."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "connect-src 'none'; form-action 'none'; base-uri 'none'"
    )


def css_string(text: str) -> str:
    """Return a text as a CSS string in which only letters and digits stand as they are."""
    return '"' + "".join(char if char.isascii() and char.isalnum() else f"\\{ord(char):x} " for char in text) + '"'


def _style(running: str) -> str:
    light = "".join(f"--{name}:{colour};" for name, colour in theme.LIGHT.items())
    dark = "".join(f"--{name}:{colour};" for name, colour in theme.DARK.items())
    head = f"@top-center{{content:{css_string(words.visible(running))};font-size:8pt}}" if running else ""
    sheet = (
        f"@page{{size:A4;margin:17mm 14mm;{head}"
        '@bottom-right{content:"Page " counter(page) " of " counter(pages);font-size:8pt}}'
    )
    return (
        f"{_letters()}:root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}{svg.style(theme.DARK)}}}"
        f"{_text('page.css')}{sheet}"
    )


@cache
def _letters() -> str:
    """Return the typeface as CSS, carried in the page: it reads and measures the same on every machine."""
    found = []
    for name, weight in ((fonts.REGULAR, 400), (fonts.BOLD, 600)):
        data = base64.b64encode(files("incident.render.fonts").joinpath(name).read_bytes()).decode()
        source = f"url(data:font/ttf;base64,{data}) format('truetype')"
        found.append(f"@font-face{{font-family:'{fonts.FAMILY}';font-weight:{weight};src:{source}}}")
    return "".join(found)


@cache
def _text(name: str) -> str:
    return files("incident.render").joinpath("templates", name).read_text(encoding="utf-8").replace("\r\n", "\n")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("incident.render", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
