"""Apache's LogFormat. Sources: mod_log_config and mod_logio of httpd 2.4."""

from __future__ import annotations

import re
from dataclasses import replace

from incident.errors import DirectiveError
from incident.formats import Format
from incident.parse.directive_builder import CLF_TIME, STRING, Builder, Meaning

APACHE_LINE = re.compile(r"(LogFormat|CustomLog|TransferLog)\s+(.*)", re.DOTALL | re.IGNORECASE)
_APACHE = re.compile(r"%(?P<mods>(?:[<>!,]|\d{3}|\{[^}]*\})*)(?P<letter>\^[a-zA-Z]{2}|[a-zA-Z%])", re.DOTALL)
_PARAM = re.compile(r"\{([^}]*)\}", re.DOTALL)
_TIME_TOKENS = {"sec": "%s", "msec": "%Q", "usec": "%U", "msec_frac": "%3", "usec_frac": "%6"}

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


def apache_format(text: str) -> Format:
    """Make a format of a LogFormat's text."""
    body = _apache_text(text)
    if "%" not in body:
        raise DirectiveError(
            f'"{text}" holds neither an Apache directive (%h) nor an nginx variable ($remote_addr)',
            next_step='hand over the server\'s own line, for example LogFormat "%h %l %u %t \\"%r\\" %>s %b" common',
        )
    made = Builder()
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


def _apache_one(made: Builder, body: str, match: re.Match[str], param: str | None, letter: str, spelled: str) -> None:
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


def _apache_time(made: Builder, body: str, match: re.Match[str], ends: list[bool]) -> int:
    """Take in a time, and what follows it for as long as that is the same time's."""
    if _conditional(match):
        # a bare hyphen where the status is another: brackets and all are one value, and it is no reliable time
        made.slot(match[0].replace("%", ""), "flex")
        return match.end()
    if not _param(match):
        made.literal("[")
        made.times.append((made.slot("%t", "word"), CLF_TIME))
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
        form += _TIME_TOKENS.get(param, param or CLF_TIME)
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
    line = APACHE_LINE.fullmatch(text)
    if line is not None:
        found = STRING.match(line[2])
        if line[1].lower() == "customlog":
            # CustomLog file "format"
            rest = re.match(r"\s*(?:\"[^\"]*\"|\S+)\s+", line[2])
            found = STRING.match(line[2], rest.end()) if rest else None
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
