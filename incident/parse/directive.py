r"""Directives: an Apache LogFormat or an nginx log_format, as the user hands it over, becomes a format.

Accepted: the bare format text, raw or with the quotes escaped as httpd.conf has them; the whole line
`LogFormat "…" nickname`; `log_format name escape=json '…' '…';` with several strings; and a whole httpd.conf or
nginx.conf, from which the directive in use is taken. A text that begins with `#Fields:` names the columns of W3C rows
that lost their header.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from incident.parse.directive_apache import APACHE_LINE, apache_format
from incident.parse.directive_config import directive_in_use, is_configuration
from incident.parse.directive_nginx import NGINX_LINE, VARIABLE, nginx_format

if TYPE_CHECKING:
    from incident.formats import Format


def is_fields(text: str) -> bool:
    """Tell whether the text names W3C columns rather than giving a directive."""
    return text.lstrip().lower().startswith("#fields:")


def read_directive(text: str) -> Format:
    """Make a format of a directive.

    Raises:
        DirectiveError: naming the place and what is known there.
    """
    stripped = text.strip()
    if is_configuration(stripped):
        stripped = directive_in_use(stripped)
    nginx = NGINX_LINE.fullmatch(stripped)
    if nginx is not None or (
        VARIABLE.search(stripped)
        and not APACHE_LINE.fullmatch(stripped)
        and "%" not in re.sub(r"%[^a-zA-Z{<>!\d]|%$", "", stripped)
    ):
        return nginx_format(stripped)
    return apache_format(stripped)
