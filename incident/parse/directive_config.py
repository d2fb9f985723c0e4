"""A whole httpd.conf or nginx.conf: which format the access log is written in."""

from __future__ import annotations

import re
from collections import Counter

from incident.errors import DirectiveError

_APACHE = re.compile(r"\s*(LogFormat|CustomLog|TransferLog)\s+(.*)", re.IGNORECASE)
_APACHE_SIGN = re.compile(
    r"^\s*(?:LogFormat|CustomLog|TransferLog|<VirtualHost|ServerName|ServerRoot|Listen)\b", re.MULTILINE | re.IGNORECASE
)
_NGINX_SIGN = re.compile(r"^\s*(?:log_format\s+\S+|access_log\s|server\s*\{|http\s*\{)", re.MULTILINE)
_ARGUMENT = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"']\S*)""")
_NGINX_TOKEN = re.compile(r"""#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[;{}]|[^\s;{}"'#][^\s;{}]*""", re.DOTALL)
# what nginx and Apache know without being told
_COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
_COMMON = 'LogFormat "%h %l %u %t \\"%r\\" %>s %b"'


def is_configuration(text: str) -> bool:
    """Tell whether a text is a configuration file rather than one directive."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    if len(lines) < 2:
        return False
    first = _APACHE_SIGN.findall(text)
    blocks = _NGINX_SIGN.findall(text)
    return len(first) > 1 or len(blocks) > 1


def directive_in_use(text: str) -> str:
    """Return the directive that the access log is written with.

    Raises:
        DirectiveError: there is none, or several logs are written in different formats.
    """
    if re.search(r"^\s*(?:LogFormat|CustomLog|TransferLog)\b", text, re.MULTILINE | re.IGNORECASE):
        return _apache(text)
    return _nginx(text)


def _one(found: Counter[str], text: str, example: str) -> str:
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise DirectiveError(
            "the configuration writes no access log",
            where=text[:60].replace("\n", " "),
            next_step=f"hand over {example}",
        )
    raise DirectiveError(
        f"the configuration writes {len(found)} access logs in different formats",
        where="; ".join(sorted(found))[:400],
        next_step=f"say which one this log has: {example}",
    )


def _apache(text: str) -> str:
    named: dict[str, str] = {}
    plain: str | None = None  # a LogFormat without a name is what TransferLog uses
    used: Counter[str] = Counter()
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        match = _APACHE.fullmatch(line)
        if match is None:
            continue
        word = match[1].lower()
        arguments = [_unquoted(one) for one in _ARGUMENT.findall(match[2])]
        if word == "logformat" and arguments:
            if len(arguments) > 1:
                named[arguments[1]] = arguments[0]
            else:
                plain = arguments[0]
        elif word == "transferlog":
            used[_line(plain) if plain else _COMMON] += 1
        elif len(arguments) > 1:
            form = arguments[1]
            if "%" not in form and form not in named:
                raise DirectiveError(
                    f'CustomLog names the format "{form}", which no LogFormat defines', where=line.strip(),
                    next_step="hand over the file that defines it as well, or the LogFormat line alone",
                )  # fmt: skip
            used[_line(named.get(form, form))] += 1
    if not used and len(named) == 1:
        used[_line(next(iter(named.values())))] += 1
    return _one(used, text, 'LogFormat "…" nickname')


def _unquoted(argument: str) -> str:
    if argument[:1] in {'"', "'"}:
        return re.sub(r"\\([\"'\\])", r"\1", argument[1:-1])
    return argument


def _line(form: str) -> str:
    escaped = form.replace("\\", "\\\\").replace('"', '\\"')
    return f'LogFormat "{escaped}"'


def _nginx(text: str) -> str:
    named: dict[str, str] = {}
    used: Counter[str] = Counter()
    words: list[str] = []
    for piece in _NGINX_TOKEN.findall(text):
        if piece.startswith("#"):
            continue
        if piece not in {";", "{", "}"}:
            words.append(piece)
            continue
        if piece == ";" and words:
            if words[0] == "log_format" and len(words) > 2:
                named[words[1]] = f"log_format {' '.join(words[1:])};"
            elif words[0] == "access_log" and len(words) > 1 and words[1] != "off":
                options = [word for word in words[2:] if "=" not in word and word != "gzip"]
                used[options[0] if options else "combined"] += 1
        words = []
    forms: Counter[str] = Counter()
    for name in used:
        if name != "combined" and name not in named:
            raise DirectiveError(
                f'access_log names the format "{name}", which no log_format defines', where=f"access_log … {name};",
                next_step="hand over the file that defines it as well, or the log_format alone",
            )  # fmt: skip
        forms[named.get(name, _COMBINED)] += 1
    if not used and len(named) == 1:
        forms[next(iter(named.values()))] += 1
    return _one(forms, text, "log_format name '…';")
