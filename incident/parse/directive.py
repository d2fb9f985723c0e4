r"""Directives: an Apache LogFormat or an nginx log_format, as the user hands it over, becomes a format.

Accepted: the bare format text, raw or with the quotes escaped as httpd.conf has them, the whole line
`LogFormat "…" nickname`, and `log_format name escape=json '…' '…';` with several strings. A text that begins with
`#Fields:` names the columns of W3C rows that lost their header.

Sources: mod_log_config and mod_logio of httpd 2.4; ngx_http_log_module; ngx_conf_file.c for what a backslash does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from incident.errors import DirectiveError
from incident.formats import DEFAULT_KIND, Condition, Field, Format

_APACHE_LINE = re.compile(r"(LogFormat|CustomLog|TransferLog)\s+(.*)", re.DOTALL | re.IGNORECASE)
_NGINX_LINE = re.compile(r"log_format\s+([^\s'\"]+)\s+(.*)", re.DOTALL)
_NGINX_ESCAPE = re.compile(r"escape=(default|json|none)\s+(.*)", re.DOTALL)
_STRING = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""", re.DOTALL)
_APACHE = re.compile(r"%(?P<mods>(?:[<>!,]|\d{3}|\{[^}]*\})*)(?P<letter>\^[a-zA-Z]{2}|[a-zA-Z%])", re.DOTALL)
_PARAM = re.compile(r"\{([^}]*)\}", re.DOTALL)
_NGINX = re.compile(r"\$(?:\{([a-z0-9_]+)\}|([a-z0-9_]+))")
_CLF_TIME = "%d/%b/%Y:%H:%M:%S %z"
_TIME_TOKENS = {"sec": "%s", "msec": "%Q", "usec": "%U", "msec_frac": "%3", "usec_frac": "%6"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one directive says: which field, and how good a source of it it is (0 is best)."""

    to: str | None
    rank: int = 0
    kind: str | None = None
    unit: str = "s"
    zero: tuple[str, ...] = ()
    bytes_kind: str | None = None
    range_kind: str | None = None
    free: bool = False  # may hold blanks
    number: bool = False
    pick: str | None = None


# letter → meaning; a parameter is looked up as "{param}letter" in lower case
_APACHE_MEANING: dict[str, Meaning] = {
    "a": Meaning("peer_ip", 1),
    "{c}a": Meaning("peer_ip"),
    "h": Meaning("peer_ip", 2),
    "{c}h": Meaning("peer_ip", 2),
    "A": Meaning(None),
    "l": Meaning(None),
    "u": Meaning("user_name", free=True),
    "r": Meaning("request", free=True),
    "m": Meaning("method"),
    "U": Meaning("path", free=True),
    "q": Meaning("query", free=True, pick=r"(?s)^\?(.*)"),
    "H": Meaning("protocol"),
    "f": Meaning(None, free=True),
    "R": Meaning(None, free=True),
    "s": Meaning("status", 1, number=True),
    "b": Meaning("bytes_sent", 2, zero=("-",), bytes_kind="response_size", number=True),
    "B": Meaning("bytes_sent", 1, bytes_kind="response_size", number=True),
    "O": Meaning("bytes_sent", bytes_kind="total_sent", number=True),  # mod_logio: what really left, headers included
    "I": Meaning(None, number=True),
    "S": Meaning(None, number=True),
    "D": Meaning("duration_us", unit="us", number=True),
    "T": Meaning("duration_us", 2, unit="s"),
    "{s}T": Meaning("duration_us", 2, unit="s"),
    "{ms}T": Meaning("duration_us", 1, unit="ms"),
    "{us}T": Meaning("duration_us", unit="us"),
    "v": Meaning("host", 1),
    "V": Meaning("host", 2),
    "p": Meaning(None, number=True),
    "{remote}p": Meaning("peer_port", number=True),
    "{canonical}p": Meaning(None, number=True),
    "{local}p": Meaning(None, number=True),
    "P": Meaning(None),
    "k": Meaning(None, number=True),
    "X": Meaning("aborted"),
    "L": Meaning("request_id", 1),
    "{unique_id}e": Meaning("request_id"),
    "{unique_id}n": Meaning("request_id"),
    "{x-forwarded-for}i": Meaning("forwarded_for", free=True),
    "{referer}i": Meaning("referer", free=True),
    "{user-agent}i": Meaning("user_agent", free=True),
    "{host}i": Meaning("host"),
    "{range}i": Meaning("range", 1, range_kind="request", free=True),
    "{content-range}o": Meaning("range", range_kind="response", free=True),
    "{content-type}o": Meaning("content_type", free=True),
    "{content-length}o": Meaning("content_length"),
    "{x-request-id}i": Meaning(None, free=True),
}
_FREE_LETTERS = frozenset("iouCenxfRUq")

_NGINX_MEANING: dict[str, Meaning] = {
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
_NGINX_TIMES = {"msec": "epoch", "time_iso8601": None, "time_local": _CLF_TIME}
_NGINX_NUMBERS = frozenset(
    {"request_length", "connection", "connection_requests", "pid", "server_port", "content_length"}
)


def is_fields(text: str) -> bool:
    """Tell whether the text names W3C columns rather than giving a directive."""
    return text.lstrip().lower().startswith("#fields:")


def read_directive(text: str) -> Format:
    """Make a format of a directive.

    Raises:
        DirectiveError: naming the place and what is known there.
    """
    stripped = text.strip()
    nginx = _NGINX_LINE.fullmatch(stripped)
    if nginx is not None or (
        _NGINX.search(stripped)
        and not _APACHE_LINE.fullmatch(stripped)
        and "%" not in re.sub(r"%[^a-zA-Z{<>!\d]|%$", "", stripped)
    ):
        return _nginx(stripped)
    return _apache(stripped)


class _Builder:
    """Collects the layout and the sources of each field."""

    def __init__(self) -> None:
        self.layout = ""
        self.names: dict[str, int] = {}
        self.sources: dict[str, list[tuple[int, int, str, Meaning]]] = {}
        self.times: list[tuple[str, str | None]] = []  # slot, format
        self.quoted = False

    def literal(self, text: str) -> None:
        self.layout += text.replace("{", "{{").replace("}", "}}")
        self.quoted ^= text.count('"') % 2 == 1

    def slot(self, spelled: str, kind: str) -> str:
        name = spelled.replace("{", "(").replace("}", ")").replace(":", ".")
        count = self.names[name] = self.names.get(name, 0) + 1
        if count > 1:
            name += f"#{count}"
        self.layout += "{" + name + ("" if kind == "word" else f":{kind}") + "}"
        return name

    def meant(self, spelled: str, meaning: Meaning, rank: int = 0) -> None:
        free = meaning.free and not self.quoted
        kind = (
            "int"
            if meaning.number
            else "list"
            if free and meaning.to == "forwarded_for"
            else "flex"
            if free
            else "word"
        )
        name = self.slot(spelled, kind)
        if meaning.to is not None:
            held = self.sources.setdefault(meaning.to, [])
            held.append((meaning.rank + rank, len(held), name, meaning))

    def format(self, page: Format) -> Format:
        for _, _, name, _ in self.sources.get("peer_ip", []):
            # an IPv6 address holds the colon that stands in front of its port
            self.layout = self.layout.replace("{" + name + "}:", "{" + name + ":flex}:")
        fields: list[Field] = []
        bytes_kind, range_kind = "unknown", None
        for to, held in self.sources.items():
            best = sorted(held, key=lambda one: one[:2])
            lead = best[0][3]
            if to == "bytes_sent" and lead.bytes_kind:
                bytes_kind = lead.bytes_kind
            if to == "range":
                range_kind = lead.range_kind
            if to == "aborted":
                when = ((Condition(best[0][2], ("X",), negated=False),),)
                fields.append(Field(to=to, kind="flag", sources=(best[0][2],), when=when))
                continue
            # another source of the same unit, kind and marks may stand in where the best is missing
            alike = [
                one
                for one in best
                if (one[3].unit, one[3].zero, one[3].bytes_kind, one[3].range_kind)
                == (lead.unit, lead.zero, lead.bytes_kind, lead.range_kind)
            ]
            fields.append(
                Field(
                    to=to,
                    kind=lead.kind or DEFAULT_KIND.get(to, "text"),
                    sources=tuple(one[2] for one in alike),
                    unit=lead.unit,
                    pick=lead.pick,
                    zero=lead.zero,
                )
            )
        return replace(
            page,
            layout=self.layout,
            fields=(*_time_fields(self.times), *fields),
            bytes_kind=bytes_kind,
            range_kind=range_kind,
        )


def _time_fields(found: list[tuple[str, str | None]]) -> list[Field]:
    """Return the time's fields: the most precise first; parts that only together are a time are joined."""

    def whole(form: str | None) -> bool:
        if form in {None, "epoch"}:
            return True
        text = form or ""
        return any(letter in text for letter in ("%s", "%Q", "%U")) or (
            ("%Y" in text or "%y" in text or "%F" in text or "%D" in text or "%c" in text)
            and ("%H" in text or "%I" in text or "%T" in text or "%c" in text or "%R" in text or "%r" in text)
        )

    def fineness(form: str | None) -> int:
        if form == "epoch":
            return 0
        text = form or ""
        return 1 if any(x in text for x in ("%U", "%6")) else 2 if any(x in text for x in ("%Q", "%3")) else 3

    complete = [(slot, form) for slot, form in found if whole(form)]
    parts = [(slot, form) for slot, form in found if not whole(form)]
    if len(complete) == 1 and parts and complete[0][1] not in {None, "epoch"} and fineness(complete[0][1]) == 3:
        # a fraction or a zone that stands elsewhere in the line belongs to the one whole time
        useful = [
            (slot, form)
            for slot, form in parts
            if form and not set(re.findall(r"%.", form)) & set(re.findall(r"%.", complete[0][1] or ""))
        ]
        joined = [*complete, *useful]
        return [
            Field(
                to="time",
                kind="time",
                sources=tuple(s for s, _ in joined),
                how="join" if len(joined) > 1 else "first",
                format=" ".join(f or "" for _, f in joined),
            )
        ]
    if complete:
        ordered = sorted(complete, key=lambda one: fineness(one[1]))
        return [Field(to="time", kind="time", sources=(slot,), format=form) for slot, form in ordered]
    if parts:
        return [
            Field(
                to="time",
                kind="time",
                sources=tuple(s for s, _ in parts),
                how="join",
                format=" ".join(f or "" for _, f in parts),
            )
        ]
    return []


def _apache(text: str) -> Format:
    body = _apache_text(text)
    if "%" not in body:
        raise DirectiveError(
            f'"{text}" holds neither an Apache directive (%h) nor an nginx variable ($remote_addr)',
            next_step='hand over the server\'s own line, for example LogFormat "%h %l %u %t \\"%r\\" %>s %b" common',
        )
    made = _Builder()
    at = 0
    ends: list[bool] = []
    while at < len(body):
        if body[at] != "%":
            stop = body.find("%", at)
            stop = len(body) if stop < 0 else stop
            made.literal(body[at:stop])
            at = stop
            continue
        match = _APACHE.match(body, at)
        if match is None:
            raise DirectiveError(
                f'no directive begins like "{body[at : at + 12]}"',
                where=f"column {at + 1} of {body}",
                next_step="see mod_log_config's list",
            )
        at = match.end()
        spelled, letter, param = match[0], match["letter"], _param(match)
        if letter == "%":
            made.literal("%")
        elif letter == "t":
            at = _apache_time(made, body, match, ends)
        else:
            _apache_one(made, body, match, param, letter, spelled)
            if letter == "U" and body.startswith("%q", at):
                # path and query side by side are one target: no mark between them tells where one ends but the ?
                slot = made.sources["path"].pop()
                if not made.sources["path"]:
                    del made.sources["path"]
                made.sources.setdefault("url", []).append(slot)
                at += 2
    page = Format(
        name="apache_directive",
        title="Apache LogFormat as given",
        source="the case definition",
        checked=None,
        vantage="origin",
        shape="pattern",
        ts_kind="end" if ends and all(ends) else "start",
        bytes_kind="unknown",
        escape="backslash",
        directive=text,
    )
    return made.format(page)


def _apache_one(made: _Builder, body: str, match: re.Match[str], param: str | None, letter: str, spelled: str) -> None:
    key = f"{{{param.lower()}}}{letter}" if param is not None else letter
    meaning = _APACHE_MEANING.get(key)
    if meaning is None and letter in _APACHE_MEANING and letter not in _FREE_LETTERS and param is not None:
        meaning = replace(_APACHE_MEANING[letter], to=None)
    if meaning is None:
        if letter[0] not in "^ioCenxLPRfkSIdgA":
            raise DirectiveError(
                f'"{spelled}" is no directive',
                where=f"column {match.start() + 1} of {body}",
                next_step="see mod_log_config's list; take it out if the server's module wrote nothing for it",
            )
        meaning = Meaning(None, free=True)
    mods = _PARAM.sub("", match["mods"])
    rank = 0
    if letter in "sTDU" and "<" in mods:
        rank = 4  # the original request's; the final one is what the client got
    elif letter == "s" and ">" in mods:
        rank = -1
    if re.search(r"\d", mods):
        rank += 8  # written for some statuses only
    made.meant(spelled, meaning, rank)


def _apache_time(made: _Builder, body: str, match: re.Match[str], ends: list[bool]) -> int:
    """Take in a time, and what follows it for as long as that is the same time's."""
    if _conditional(match):
        # a bare hyphen where the status is another: brackets and all are one value, and it is no reliable time
        made.slot(match[0].replace("%", ""), "flex")
        return match.end()
    if not _param(match):
        made.literal("[")
        made.times.append((made.slot("%t", "word"), _CLF_TIME))
        made.literal("]")
        ends.append(False)
        return match.end()
    form, at, spelled = "", match.end(), match[0]
    current: re.Match[str] | None = match
    while current is not None:
        param = _param(current) or ""
        for prefix in ("begin:", "end:"):
            if param.startswith(prefix):
                param = param.removeprefix(prefix)
                ends.append(prefix == "end:")
                break
        else:
            ends.append(False)
        form += _TIME_TOKENS.get(param, param or _CLF_TIME)
        # the next directive may go on with the same time; quotes between them end it
        gap = re.compile(r"[^%\"]*").match(body, at)
        between = gap[0] if gap else ""
        following = _APACHE.match(body, at + len(between))
        if following is None or following["letter"] != "t" or not _param(following) or _conditional(following):
            break
        # a second whole time is another source, not a part of this one
        param = (_param(following) or "").removeprefix("begin:").removeprefix("end:")
        if param in {"sec", "msec", "usec"} or (
            any(letter in form for letter in ("%s", "%Q", "%U")) and param not in {"msec_frac", "usec_frac"}
        ):
            break
        form += between.replace("%", "%%")
        spelled += between + following[0]
        at = following.end()
        current = following
    made.times.append((made.slot("%t" if len(spelled) > 60 else spelled.replace("%", ""), "word"), form))
    return at


def _param(match: re.Match[str]) -> str | None:
    found = _PARAM.search(match["mods"])
    return found[1] if found else None


def _conditional(match: re.Match[str]) -> bool:
    return re.search(r"\d", _PARAM.sub("", match["mods"])) is not None


def _apache_text(text: str) -> str:
    line = _APACHE_LINE.fullmatch(text)
    if line is not None:
        found = _STRING.match(line[2])
        if line[1].lower() == "customlog":
            # CustomLog file "format"
            rest = re.match(r"\s*(?:\"[^\"]*\"|\S+)\s+", line[2])
            found = _STRING.match(line[2], rest.end()) if rest else None
        if found is None:
            raise DirectiveError(
                "the directive's format is not in quotes",
                where=text,
                next_step='LogFormat "%h %l %u %t \\"%r\\" %>s %b" common',
            )
        text = found[1] if found[1] is not None else found[2]
    elif re.fullmatch(r'"(?:[^"\\]|\\.)*"', text) and ('\\"' in text or " " in text) and '" "' not in text:
        text = text[1:-1]
    elif '\\"' not in text:
        return _controls(text)
    return _controls(re.sub(r'\\(["\\])', r"\1", text))


def _controls(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "")


def _nginx(text: str) -> Format:
    line = _NGINX_LINE.fullmatch(text)
    rest = line[2] if line is not None else text
    escape = "default"
    if found := _NGINX_ESCAPE.match(rest):
        escape, rest = found[1], found[2]
    body = rest
    if rest[:1] in {'"', "'"} and (line is not None or _all_strings(rest)):
        body, at = "", 0
        while string := _STRING.match(rest, at):
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
    made = _Builder()
    at = 0
    for match in _NGINX.finditer(body):
        made.literal(body[at : match.start()])
        name = match[1] or match[2]
        if name in _NGINX_TIMES:
            made.times.append((made.slot(f"${name}", "word"), _NGINX_TIMES[name]))
        else:
            unknown = Meaning(None, free=name not in _NGINX_NUMBERS, number=name in _NGINX_NUMBERS)
            made.meant(f"${name}", _NGINX_MEANING.get(name, unknown))
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
    while string := _STRING.match(text, at):
        at = string.end()
    return at > 0 and text[at:].strip() in {"", ";"}
