"""nginx's log_format. Sources: ngx_http_log_module; ngx_conf_file.c for what a backslash does."""

from __future__ import annotations

import re

from incident.errors import DirectiveError
from incident.formats import Format
from incident.parse.directive_builder import CLF_TIME, STRING, Builder, Meaning

NGINX_LINE = re.compile(r"log_format\s+([^\s'\"]+)\s+(.*)", re.DOTALL)
VARIABLE = re.compile(r"\$(?:\{([a-z0-9_]+)\}|([a-z0-9_]+))")
_ESCAPE = re.compile(r"escape=(default|json|none)\s+(.*)", re.DOTALL)

_MEANING: dict[str, Meaning] = {
    "realip_remote_addr": Meaning("peer_ip"),
    "remote_addr": Meaning("peer_ip", 1),
    "binary_remote_addr": Meaning(None),
    "remote_port": Meaning("peer_port"),
    "realip_remote_port": Meaning("peer_port"),
    "http_x_forwarded_for": Meaning("forwarded_for", free=True),
    "proxy_add_x_forwarded_for": Meaning("forwarded_for", 1, free=True),
    "remote_user": Meaning("user_name", free=True),
    "request": Meaning("request", free=True),
    "request_method": Meaning("method"),
    "request_uri": Meaning("url", free=True),
    "uri": Meaning("path", 1, free=True),
    "document_uri": Meaning("path", 1, free=True),
    "args": Meaning("query", free=True),
    "query_string": Meaning("query", free=True),
    "server_protocol": Meaning("protocol"),
    "http_host": Meaning("host"),
    "host": Meaning("host", 1),
    "server_name": Meaning("host", 2),
    "status": Meaning("status", number=True),
    "body_bytes_sent": Meaning("bytes_sent", bytes_kind="body_sent", number=True),
    "bytes_sent": Meaning("bytes_sent", 1, bytes_kind="total_sent", number=True),
    "request_time": Meaning("duration_us", unit="s"),
    "upstream_cache_status": Meaning("cache_status"),
    "sent_http_content_type": Meaning("content_type", free=True),
    "sent_http_content_length": Meaning("content_length"),
    "sent_http_content_range": Meaning("range", range_kind="response", free=True),
    "http_range": Meaning("range", 1, range_kind="request", free=True),
    "http_referer": Meaning("referer", free=True),
    "http_user_agent": Meaning("user_agent", free=True),
    "request_id": Meaning("request_id"),
}
_TIMES = {"msec": "epoch", "time_iso8601": None, "time_local": CLF_TIME}
_NUMBERS = frozenset({"request_length", "connection", "connection_requests", "pid", "server_port", "content_length"})


def nginx_format(text: str) -> Format:
    """Make a format of a log_format's text."""
    line = NGINX_LINE.fullmatch(text)
    rest = line[2] if line is not None else text
    escape = "default"
    if found := _ESCAPE.match(rest):
        escape, rest = found[1], found[2]
    body = rest
    if rest[:1] in {'"', "'"} and (line is not None or _all_strings(rest)):
        body, at = "", 0
        while string := STRING.match(rest, at):
            raw = string[1] if string[1] is not None else string[2]
            body += re.sub(r"\\([\"'\\trn])", lambda m: {"t": "\t", "r": "\r", "n": "\n"}.get(m[1], m[1]), raw)
            at = string.end()
        if rest[at:].strip() not in {"", ";"}:
            raise DirectiveError(
                "the strings of the log_format do not end",
                where=rest[at:].strip()[:40],
                next_step="each string in its quotes, a ; at the end",
            )
    else:
        body = body.rstrip().removesuffix(";")
    made = Builder()
    at = 0
    for match in VARIABLE.finditer(body):
        made.literal(body[at : match.start()])
        name = match[1] or match[2]
        if name in _TIMES:
            made.times.append((made.slot(f"${name}", "word"), _TIMES[name]))
        else:
            unknown = Meaning(None, free=name not in _NUMBERS, number=name in _NUMBERS)
            made.meant(f"${name}", _MEANING.get(name, unknown))
        at = match.end()
    made.literal(body[at:].rstrip("\n"))
    page = Format(
        name="nginx_directive",
        title="nginx log_format as given",
        source="the case definition",
        checked=None,
        vantage="origin",
        shape="pattern",
        ts_kind="end",
        bytes_kind="unknown",
        escape="none" if escape == "none" else "backslash",
        missing=("",) if escape in {"json", "none"} else ("-",),
        directive=text,
    )
    return made.format(page)


def _all_strings(text: str) -> bool:
    at = 0
    while string := STRING.match(text, at):
        at = string.end()
    return at > 0 and text[at:].strip() in {"", ";"}
